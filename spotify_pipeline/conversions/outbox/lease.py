"""One run at a time holds a feed's outbox; a lock of the operating system that ends with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from spotify_pipeline.conversions.outbox.model import OutboxBusy, OutboxError
from spotify_pipeline.home import private_directory, reason_of
from spotify_pipeline.retries import OUTBOX_HELD


@contextmanager
def hold_lease(file: Path, feed: str, *, wait: float, sleep: Callable[[float], None]) -> Generator[None]:
    """Hold the lock on ``file`` within the block.

    Args:
        file: the lock file. It is made where it is missing, and stays.
        feed: for the sentences.
        wait: seconds to wait for another run to end.
        sleep: called between looks.

    Raises:
        OutboxBusy: another run still holds it after that.
        OutboxError: the file cannot be locked.
    """
    private_directory(file.parent)
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(file, error) from None
    try:
        wait_for_lease(lambda: _locked(descriptor, file), feed, wait=wait, sleep=sleep)
        yield
    finally:
        with suppress(OSError):  # a process forked meanwhile may have the descriptor too, and would keep the lock
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def wait_for_lease(is_mine: Callable[[], bool], feed: str, *, wait: float, sleep: Callable[[float], None]) -> None:
    """Ask until the answer is yes, for ``wait`` seconds.

    Raises:
        OutboxBusy: it never was.
    """
    if not OUTBOX_HELD.until(is_mine, bool, sleep, within=wait):
        raise OutboxBusy(
            f"Another run holds the outbox of the feed {feed} and has not ended within {wait:.0f} seconds. Try again "
            "when it has; nothing was read or sent."
        )


def _locked(descriptor: int, file: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unusable(file, error) from None
    return True


def _unusable(file: Path, error: OSError) -> OutboxError:
    return OutboxError(
        f"The lock file {file} cannot be used ({reason_of(error)}). Check its owner and its disk, then run again. "
        "Nothing was sent."
    )
