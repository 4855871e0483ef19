"""Where DuckDB puts rows that do not fit in memory: raw ones, so nobody may read them, and none may be left behind.

Each process has a directory of its own and holds a lock on it. The lock ends with the process, however that ends, so
a directory whose lock can be taken belongs to a process that died. DuckDB itself clears away what another process left
only when it spills again, which may be never.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from spotify_pipeline.home import private_directory
from spotify_pipeline.locks import lock_directory

_held: dict[tuple[Path, int], Path] = {}
"""This process's directory below each parent. The descriptor of its lock stays open as long as the process lives."""


def own_spill_directory(parent: Path) -> Path:
    """This process's private directory below ``parent``, the same one every time.

    The first time, what dead processes left in ``parent`` is deleted.

    Raises:
        HomeError: it cannot be made.
    """
    key = (parent, os.getpid())  # a forked process has one of its own
    while key not in _held or not _held[key].is_dir():
        sweep(private_directory(parent))
        folder = private_directory(parent / f"{os.getpid()}.{secrets.token_hex(8)}")
        # Another process may have swept the new directory in the instant before it was locked.
        if lock_directory(folder) is not None and folder.is_dir():
            _held[key] = folder
    return _held[key]


def sweep(parent: Path) -> None:
    """Delete everything in ``parent`` that no living process holds."""
    for left in parent.iterdir():
        if not left.is_dir():
            with suppress(FileNotFoundError):
                left.unlink()
            continue
        lock = lock_directory(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
