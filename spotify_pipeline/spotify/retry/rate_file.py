"""The rate limiter's numbers in a small locked file, for the processes of one machine.

The file is rewritten in place. Its lock is held for microseconds, and the kernel releases it when its holder dies.
Times are of the machine-wide monotonic clock, so setting the wall clock changes nothing.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from pathlib import Path

from spotify_pipeline.home import HomeError, reason_of
from spotify_pipeline.locks import exclusive
from spotify_pipeline.retries import RATE_HELD
from spotify_pipeline.spotify.errors import SpotifyUnavailable
from spotify_pipeline.spotify.lenient_json import parse_object
from spotify_pipeline.spotify.retry.gcra import GcraState

_FILE_BYTES = 512  # fixed: rewriting the file needs no more room on a full disk


class RateFile:
    """The numbers in the file at ``path``, on a local disk. Nothing is touched before the first use.

    ``monotonic``: seconds of a clock that all processes share; ``sleep``: waits that many of it.
    """

    def __init__(
        self,
        path: Path,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._sleep = sleep

    @contextmanager
    def opened(self) -> Generator[LockedFile]:
        """The numbers, which nobody else changes within the block.

        Raises:
            HomeError: the file cannot be used.
            SpotifyUnavailable: another process has held the file for ten seconds.
        """
        busy = SpotifyUnavailable(
            f"Another process has locked the rate limiter's file {self._path} for {RATE_HELD.within:.0f} s.",
            next_step="End the process that hangs, then run again.",
        )
        try:
            with exclusive(self._path, RATE_HELD, busy=busy, sleep=self._sleep, clock=self._monotonic) as descriptor:
                yield LockedFile(descriptor, self._monotonic())
        except OSError as error:
            raise HomeError(
                f"The rate limiter's file {self._path} cannot be used ({reason_of(error)}). Free some disk space, or "
                "check its owner, then run again."
            ) from None


class LockedFile:
    """The file while it is locked. ``now`` is read after locking."""

    def __init__(self, descriptor: int, now: float) -> None:
        self._descriptor = descriptor
        self.now = now
        self.state = GcraState.from_json(os.pread(descriptor, _FILE_BYTES, 0)).plausible(now)

    def save(self, state: GcraState) -> None:
        # One write of a fixed length: a killed process leaves the old numbers or the new ones.
        written = os.pwrite(self._descriptor, state.to_json().ljust(_FILE_BYTES), 0)
        if written < _FILE_BYTES:  # half a file would read as an empty one, which allows too much
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def rate_file_is_damaged(path: Path) -> bool:
    """Whether the file exists and is damaged; the next call starts it afresh.

    Raises:
        OSError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    names = {field.name for field in fields(GcraState)}
    return len(content) != _FILE_BYTES or set(parse_object(content) or {}) != names


@cache
def this_machine() -> str:
    """The same for all processes, in containers too, that share a monotonic clock."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return socket.gethostname()
