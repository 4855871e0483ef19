"""Limits the rate of calls for all processes of this machine that use the same key, in a small locked file.

The file holds a few numbers and is rewritten in place. A lock is held for microseconds, and the kernel releases it
when its holder dies; no process holds a permit that it would have to give back. Times are of the machine-wide
monotonic clock, so setting the wall clock changes nothing.
"""

from __future__ import annotations

import errno
import hashlib
import json
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
from spotify_pipeline.spotify.errors import RateLimited, SpotifyUnavailable
from spotify_pipeline.spotify.lenient_json import parse_object
from spotify_pipeline.spotify.retry.gcra import MAX_AHEAD, SPOTIFY_RATE_LIMIT, GcraState, RateLimit
from spotify_pipeline.spotify.settings import SpotifySettings

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # that a server may ask for
DIRECTORY = "rate"
LONGEST_WAIT = MAX_AHEAD - 20.0  # so that the slot taken, and those around it, stay plausible
_FILE_BYTES = 512  # fixed: rewriting the file needs no more room on a full disk
_NAMES = tuple(field.name for field in fields(GcraState))


class RateLimiter:
    """The rate limiter whose state is in the file at ``path``. Touches no file before the first call.

    Args:
        path: on a local disk, the same for all processes of this machine that share the key.
        limit: of the key; Spotify's by default.
        monotonic: seconds of a clock that all these processes share.
        sleep: waits that many seconds of it.
    """

    def __init__(
        self,
        path: Path,
        *,
        limit: RateLimit = SPOTIFY_RATE_LIMIT,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._limit = limit
        self._monotonic = monotonic
        self._sleep = sleep

    @classmethod
    def in_home(
        cls,
        home: Path,
        key: str,
        *,
        machine: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> RateLimiter:
        """The rate limiter of ``key`` in the project's own directory.

        ``machine`` says whose clock counts; by default this machine, since its last boot.
        """
        return cls(_limiter_file(home, key, machine or _this_machine()), sleep=sleep)

    def is_damaged(self) -> bool:
        """Whether the file exists and is damaged; the next call starts it afresh.

        Raises:
            OSError: it cannot be read.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return False
        return len(content) != _FILE_BYTES or set(parse_object(content) or {}) != set(_NAMES)

    def take(self, within: float) -> float:
        """Wait until one call may be made, at most ``within`` seconds; the seconds that were waited.

        Raises:
            RateLimited: the wait would be longer. Nothing was waited.
            HomeError: the file cannot be used.
            SpotifyUnavailable: another process has held the file for ten seconds.
        """
        began = self._monotonic()
        while True:
            slot = self._reserved(began + within)
            wait = slot - self._monotonic()
            if wait > 0:
                self._sleep(wait)
                if self._is_paused():  # since the slot was given
                    continue
            return self._monotonic() - began

    def pause(self, seconds: float) -> None:
        """Stop all calls with this key for ``seconds``, clamped to 1..61, as Spotify asked for (status 429)."""
        seconds = min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE + 1)
        self._change(lambda state, now: state.paused(seconds, now, self._limit))

    def record_response(self, allowance: tuple[float, float] | None) -> None:
        """Record a response that is not retried.

        ``allowance`` is how many calls it says are left, and for how many seconds; it can only slow calls down.
        """

        def change(state: GcraState, now: float) -> GcraState:
            state = state.succeeded(now)
            return state if allowance is None else state.slowed_by(*allowance, now, self._limit)

        self._change(change)

    def may_retry(self) -> bool:
        """Take one retry: there is one for ten successes, and ten an hour for those who call seldom."""
        with self._file() as file:
            retried = file.state.retried(file.now)
            if retried is not None:
                file.save(retried)
        return retried is not None

    def _reserved(self, deadline: float) -> float:
        with self._file() as file:
            slot = file.state.slot(file.now, self._limit)
            if slot > file.now and slot > min(deadline, file.now + LONGEST_WAIT):
                raise _too_long(slot - file.now, deadline - file.now, paused=file.state.paused_until > file.now)
            file.save(file.state.taken(slot, file.now, self._limit))
        return slot

    def _is_paused(self) -> bool:
        with self._file() as file:
            return file.state.paused_until > file.now

    def _change(self, change: Callable[[GcraState, float], GcraState]) -> None:
        with self._file() as file:
            file.save(change(file.state, file.now))

    @contextmanager
    def _file(self) -> Generator[_LockedFile]:
        busy = SpotifyUnavailable(
            f"Another process has locked the rate limiter's file {self._path} for {RATE_HELD.within:.0f} s.",
            next_step="End the process that hangs, then run again.",
        )
        try:
            with exclusive(self._path, RATE_HELD, busy=busy, sleep=self._sleep, clock=self._monotonic) as descriptor:
                yield _LockedFile(descriptor, self._monotonic())
        except OSError as error:
            raise HomeError(
                f"The rate limiter's file {self._path} cannot be used ({reason_of(error)}). Free some disk space, or "
                "check its owner, then run again."
            ) from None


class _LockedFile:
    """The file while it is locked. ``now`` is read after locking."""

    def __init__(self, descriptor: int, now: float) -> None:
        self._descriptor = descriptor
        self.now = now
        self.state = _state(os.pread(descriptor, _FILE_BYTES, 0)).plausible(now)

    def save(self, state: GcraState) -> None:
        numbers = {name: _known(getattr(state, name)) for name in _NAMES}
        # One write of a fixed length: a killed process leaves the old numbers or the new ones.
        written = os.pwrite(self._descriptor, json.dumps(numbers).encode().ljust(_FILE_BYTES), 0)
        if written < _FILE_BYTES:  # half a file would read as an empty one, which allows too much
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def rate_key(settings: SpotifySettings) -> str:
    """What Spotify's limit applies to: a client id and a user, here the label of the authorization."""
    return " ".join((settings.ads_api_url, settings.client_id, settings.authorization))


def _limiter_file(directory: Path, key: str, machine: str) -> Path:
    # A digest, since the key names a client and a user. One file per machine: two that share a home, such as on a
    # network disk, have unrelated clocks.
    return directory / DIRECTORY / hashlib.sha256(f"{key} {machine}".encode()).hexdigest()[:32]


@cache
def _this_machine() -> str:
    """The same for all processes, in containers too, that share a monotonic clock."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return socket.gethostname()


def _known(value: float) -> float | None:
    return float(value) if value > float("-inf") else None  # JSON has no infinity


def _state(content: bytes) -> GcraState:
    stored = parse_object(content) or {}
    numbers = {name: stored.get(name) for name in _NAMES}
    return GcraState(**{name: value for name, value in numbers.items() if isinstance(value, float)})


def _too_long(wait: float, max_wait: float, *, paused: bool) -> RateLimited:
    why = "Spotify asked this client to pause" if paused else "other calls of this client come first"
    message = f"Rate limited: {why}, so this call would have to wait {wait:.0f} s"
    error = RateLimited(f"{message}; it may wait {max(0.0, min(max_wait, LONGEST_WAIT)):.0f} s.")
    error.retry_after = min(max(wait, SHORTEST_PAUSE), LONGEST_PAUSE)
    return error
