"""Ends a run, as if the process were killed, before any one of its steps on disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spotify_pipeline_tests.mirror.fake_spotify import Crash

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.chmod")


@dataclass
class Steps:
    """The steps on disk below a directory, since they are counted."""

    below: Path
    crash_at: int | None
    names: list[str] = field(default_factory=list[str])

    def passed(self, name: str) -> None:
        number = len(self.names)
        self.names.append(name)
        if number == self.crash_at:
            raise Crash


_active: list[Steps] = []


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if not _active or (event != "open" and event not in _CHANGES):
        return
    steps, path = _active[0], str(arguments[0])
    flags = arguments[2] if event == "open" else _WRITES
    if path.startswith(f"{steps.below}/") and isinstance(flags, int) and flags & _WRITES:
        steps.passed(f"{event} {Path(path).name}")


sys.addaudithook(_heard)  # for as long as the process lives; it hears nothing unless steps are counted


@contextmanager
def steps_on_disk(below: Path, crash_at: int | None = None) -> Generator[Steps]:
    """Count the steps within the block, and end it by :class:`Crash` before step ``crash_at``, counted from 0.

    What Python's own clean-up does on the way out is done all the same: a process that is killed leaves a little more
    behind (see the crash sweep for that).
    """
    steps = Steps(below, crash_at)
    _active.append(steps)
    try:
        yield steps
    finally:
        _active.clear()
