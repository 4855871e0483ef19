"""Locks between processes of this machine: on a file, to take turns; on a directory, to show that its owner is alive.

The lock is released when the process dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from spotify_pipeline.home import HomeError, private_directory, reason_of


@contextmanager
def exclusive(file: Path) -> Generator[None]:
    """Hold the lock on ``file`` within the block; wait for its holder. The lock is released when the process dies.

    The wait has no limit. A thread must not take it twice.

    Raises:
        HomeError: the file cannot be made or locked.
    """
    private_directory(file.parent)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(file, error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise _unusable(file, error) from None
        yield
    finally:
        with suppress(OSError):  # a process forked meanwhile may have the descriptor too
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def lock_directory(folder: Path) -> int | None:
    """Lock ``folder`` until the returned descriptor is closed; None if it is gone or locked.

    A directory that can be locked was left by a process that died.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _unusable(file: Path, error: OSError) -> HomeError:
    reason = reason_of(error)
    return HomeError(f"The lock file {file} cannot be used ({reason}). Check its owner and its disk, then run again.")
