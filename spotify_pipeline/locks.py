"""Locks between processes of this machine: on a file, to take turns; on a directory, to show that its owner is alive.

The lock (``flock``) is released when the process dies, however that happens. It holds against threads, too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from spotify_pipeline.home import HOME_VARIABLE, HomeError, private_directory, reason_of
from spotify_pipeline.retries import TURN, RetryPolicy

_WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ESTALE)  # what network disks report


@contextmanager
def exclusive(
    file: Path,
    policy: RetryPolicy = TURN,
    *,
    busy: Exception | None = None,
    within: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] | None = None,
) -> Generator[int]:
    """Hold the lock on ``file`` within the block, and give its descriptor. A thread must not take it twice.

    Args:
        file: the lock file, or a file that is changed while it is locked. It is made where it is missing, and stays.
        policy: how its holder is waited for; by default for as long as it takes.
        busy: raised where somebody still holds it after that.
        within, sleep, clock: as of :meth:`RetryPolicy.until`.

    Raises:
        HomeError: the file cannot be made or locked.
    """
    descriptor = _opened(file)
    try:
        try:
            if busy is None:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            elif not policy.until(lambda: _taken(descriptor), bool, sleep, within=within, clock=clock):
                raise busy
        except OSError as error:
            raise _unusable(file, error) from None
        yield descriptor
    finally:
        with suppress(OSError):  # a process forked meanwhile may have the descriptor too, and would keep the lock
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
        is_mine = _taken(descriptor)
    except OSError:
        is_mine = False
    if not is_mine:
        os.close(descriptor)
        return None
    return descriptor


def _opened(file: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(file, flags, 0o600)
    except FileNotFoundError:
        private_directory(file.parent)
    except OSError as error:
        raise _unusable(file, error) from None
    try:
        return os.open(file, flags, 0o600)
    except OSError as error:
        raise _unusable(file, error) from None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unusable(file: Path, error: OSError) -> HomeError:
    cure = "Check its owner and its disk"
    if error.errno == errno.ELOOP:
        cure = "It is a symbolic link: remove it"
    elif error.errno in _WITHOUT_LOCKS:
        cure = f"It cannot be locked there: put {HOME_VARIABLE} on a local disk"
    return HomeError(f"The lock file {file} cannot be used ({reason_of(error)}). {cure}, then run again.")
