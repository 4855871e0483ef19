"""Keeps tokens and people's data inside this process: no core dumps, no secrets in the environment of children."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Generator
from contextlib import contextmanager

_OURS = "SPOTIFY_"
PASSED_ON = frozenset({"SPOTIFY_PIPELINE_HOME", "SPOTIFY_PIPELINE_WAREHOUSE"})
"""Those of our variables that children may see. Some of the others are secrets."""

_also_kept: set[str] = set()
_changing = threading.RLock()


def no_core_dumps() -> None:
    """Keep this process and its children from writing core dumps when they crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def keep_from_children(variable: str) -> None:
    """Treat an environment variable as a secret, whatever its name."""
    _also_kept.add(variable)


def environment_of_children() -> dict[str, str]:
    """This process's environment without our secrets, for a child process."""
    return {name: value for name, value in os.environ.items() if not _is_kept(name)}


@contextmanager
def secrets_withheld() -> Generator[None]:
    """Remove our secrets from the environment while a library starts a process, which inherits it."""
    with _changing:
        withheld = {name: os.environ.pop(name) for name in list(os.environ) if _is_kept(name)}
        try:
            yield
        finally:
            os.environ.update(withheld)


def _is_kept(name: str) -> bool:
    return (name.startswith(_OURS) and name not in PASSED_ON) or name in _also_kept
