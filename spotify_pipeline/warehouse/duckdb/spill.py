"""Private directories for the raw rows that DuckDB spills when memory is full; left-over ones are deleted.

Each process has its own locked directory. The lock is released when the process dies, so a directory that can be
locked belongs to a dead process. DuckDB itself deletes what another process left only when it spills again, which may
be never.
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
"""This process's directory in each parent. The descriptor of its lock stays open until the process ends."""


def own_spill_directory(parent: Path) -> Path:
    """This process's private directory in ``parent``, the same one every time.

    The first call deletes what dead processes left in ``parent``.

    Raises:
        HomeError: it cannot be created.
    """
    key = (parent, os.getpid())  # a forked process has its own
    while key not in _held or not _held[key].is_dir():
        sweep(private_directory(parent))
        folder = private_directory(parent / f"{os.getpid()}.{secrets.token_hex(8)}")
        # Another process may have swept the new directory in the instant before it was locked.
        if lock_directory(folder) is not None and folder.is_dir():
            _held[key] = folder
    return _held[key]


def sweep(parent: Path) -> None:
    """Delete everything in ``parent`` that no running process has locked."""
    for left in parent.iterdir():
        if not left.is_dir():
            with suppress(FileNotFoundError):
                left.unlink()
            continue
        lock = lock_directory(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
