"""What a process that holds tokens and people's data keeps to itself: its memory, and its secrets from children."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Generator
from contextlib import contextmanager

_OURS = "SPOTIFY_"
PASSED_ON = frozenset({"SPOTIFY_PIPELINE_HOME", "SPOTIFY_PIPELINE_WAREHOUSE"})
"""Of our variables those that a child may know. Of the others some are secrets, and none is a child's business."""

_also_kept: set[str] = set()
_changing = threading.RLock()


def no_core_dumps() -> None:
    """See to it that this process and its children leave no image of their memory behind when they crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def keep_from_children(variable: str) -> None:
    """Count a variable of the environment among the secrets, whatever it is called."""
    _also_kept.add(variable)


def environment_of_children() -> dict[str, str]:
    """This process's environment without our secrets, for a process that we start."""
    return {name: value for name, value in os.environ.items() if not _is_kept(name)}


@contextmanager
def secrets_withheld() -> Generator[None]:
    """Take our secrets out of the environment while a library starts a process: that inherits what is there then."""
    with _changing:
        withheld = {name: os.environ.pop(name) for name in list(os.environ) if _is_kept(name)}
        try:
            yield
        finally:
            os.environ.update(withheld)


def _is_kept(name: str) -> bool:
    return (name.startswith(_OURS) and name not in PASSED_ON) or name in _also_kept
