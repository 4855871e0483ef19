"""Limits the rate of calls for all processes that use the same key.

Its numbers are in a small locked file, for the processes of one machine; or, where machines share a database, in a row
of it. No process holds a permit that it would have to give back.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from spotify_pipeline.spotify.errors import RateLimited
from spotify_pipeline.spotify.retry.gcra import MAX_AHEAD, SPOTIFY_RATE_LIMIT, GcraState, RateLimit
from spotify_pipeline.spotify.retry.rate_file import RateFile, this_machine
from spotify_pipeline.spotify.retry.rate_row import RateRow
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.state import StateStore

SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # that a server may ask for
DIRECTORY = "rate"
LONGEST_WAIT = MAX_AHEAD - 20.0  # so that the slot taken, and those around it, stay plausible


class OpenNumbers(Protocol):
    """The numbers while nobody else changes them, and the time by the clock that all share."""

    @property
    def now(self) -> float: ...

    @property
    def state(self) -> GcraState: ...

    def save(self, state: GcraState) -> None: ...


class Numbers(Protocol):
    """Where the numbers of a key are kept."""

    def opened(self) -> AbstractContextManager[OpenNumbers]: ...


class RateLimiter:
    """The rate limiter of one key. Touches nothing before the first call.

    Args:
        numbers: where its numbers are.
        limit: of the key; Spotify's by default.
        sleep: waits that many seconds.
    """

    def __init__(
        self, numbers: Numbers, *, limit: RateLimit = SPOTIFY_RATE_LIMIT, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._numbers = numbers
        self._limit = limit
        self._sleep = sleep

    @classmethod
    def of_file(
        cls,
        path: Path,
        *,
        limit: RateLimit = SPOTIFY_RATE_LIMIT,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> RateLimiter:
        """For the processes of this machine; see :class:`RateFile`."""
        return cls(RateFile(path, monotonic=monotonic, sleep=sleep), limit=limit, sleep=sleep)

    @classmethod
    def of_state(
        cls,
        state: StateStore,
        key: str,
        *,
        limit: RateLimit = SPOTIFY_RATE_LIMIT,
        machine: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> RateLimiter:
        """The rate limiter of ``key`` for all who use this state.

        ``machine`` says whose clock counts where the state is a file; by default this machine, since its last boot.
        """
        if state.place.is_shared:
            return cls(RateRow(state, _digest(key)), limit=limit, sleep=sleep)
        # One file per machine: two that share a home, such as on a network disk, have unrelated clocks.
        file = state.home / DIRECTORY / _digest(f"{key} {machine or this_machine()}")
        return cls.of_file(file, limit=limit, sleep=sleep)

    def take(self, within: float) -> float:
        """Wait until one call may be made, at most ``within`` seconds; the seconds that were waited.

        Raises:
            RateLimited: the wait would be longer. Nothing was waited.
            HomeError: the numbers cannot be read or written.
            SpotifyUnavailable: another process has held them for ten seconds.
        """
        began: float | None = None
        while True:
            with self._numbers.opened() as numbers:
                now = numbers.now
                began = now if began is None else began
                slot = self._reserved(numbers, began + within)
            if slot > now:
                self._sleep(slot - now)
                if self._is_paused():  # since the slot was given
                    continue
            return slot - began

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
        with self._numbers.opened() as numbers:
            retried = numbers.state.retried(numbers.now)
            if retried is not None:
                numbers.save(retried)
        return retried is not None

    def _reserved(self, numbers: OpenNumbers, deadline: float) -> float:
        state, now = numbers.state, numbers.now
        slot = state.slot(now, self._limit)
        if slot > now and slot > min(deadline, now + LONGEST_WAIT):
            raise _too_long(slot - now, deadline - now, paused=state.paused_until > now)
        numbers.save(state.taken(slot, now, self._limit))
        return slot

    def _is_paused(self) -> bool:
        with self._numbers.opened() as numbers:
            return numbers.state.paused_until > numbers.now

    def _change(self, change: Callable[[GcraState, float], GcraState]) -> None:
        with self._numbers.opened() as numbers:
            numbers.save(change(numbers.state, numbers.now))


def rate_key(settings: SpotifySettings) -> str:
    """What Spotify's limit applies to: a client id and a user, here the label of the authorization."""
    return " ".join((settings.ads_api_url, settings.client_id, settings.authorization))


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]  # since a key names a client and a user


def _too_long(wait: float, max_wait: float, *, paused: bool) -> RateLimited:
    why = "Spotify asked this client to pause" if paused else "other calls of this client come first"
    message = f"Rate limited: {why}, so this call would have to wait {wait:.0f} s"
    error = RateLimited(f"{message}; it may wait {max(0.0, min(max_wait, LONGEST_WAIT)):.0f} s.")
    error.retry_after = min(max(wait, SHORTEST_PAUSE), LONGEST_PAUSE)
    return error
