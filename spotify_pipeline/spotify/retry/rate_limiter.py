"""One rate budget for all processes of this machine that use the same key, in a small file under a lock.

The file holds a few numbers and is rewritten in place: a lock is held for microseconds and is freed by the kernel
when its holder dies, and there is no permit that a killed process would have to give back. Times are of the
machine-wide monotonic clock, so a clock that is set forward or back changes nothing.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import cache
from pathlib import Path

from spotify_pipeline.home import HomeError, home_directory, private_directory, reason_of
from spotify_pipeline.spotify.errors import RateLimited, SpotifyUnavailable
from spotify_pipeline.spotify.lenient_json import parse_object
from spotify_pipeline.spotify.retry.backoff import LONGEST_PAUSE, SHORTEST_PAUSE
from spotify_pipeline.spotify.retry.gcra import LONGEST_AHEAD, SPOTIFY_PACE, Pace, PaceState
from spotify_pipeline.spotify.settings import SpotifySettings

PATIENCE = 300.0  # seconds that one call may wait
DIRECTORY = "rate"
LONGEST_WAIT = LONGEST_AHEAD - 20.0  # the slot taken, and the ones around it, stay within what is believed
_FILE_BYTES = 512  # always all of them: a file that exists needs no more room on a full disk
_LOCK_SECONDS = 10.0
_POLL_SECONDS = 0.002
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ESTALE)  # a network disk's answers
_NAMES = tuple(field.name for field in fields(PaceState))


class RateBudget:
    """The budget in the file at ``path``. Nothing is read or made before the first call asks for leave.

    Args:
        path: on a local disk, the same for all processes of this machine that share the key.
        pace: of the key; Spotify's by default.
        monotonic: seconds of a clock that all these processes read alike.
        sleep: waits that many seconds of it.
    """

    def __init__(
        self,
        path: Path,
        *,
        pace: Pace = SPOTIFY_PACE,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._pace = pace
        self._monotonic = monotonic
        self._sleep = sleep

    @classmethod
    def at_home(
        cls,
        key: str,
        environment: Mapping[str, str] | None = None,
        *,
        machine: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> RateBudget:
        """The budget of ``key`` in the project's own directory (``SPOTIFY_PIPELINE_HOME``).

        ``machine`` tells whose clock counts; by default this machine, since it was last started.
        """
        return cls(_budget_file(home_directory(environment), key, machine or _this_machine()), sleep=sleep)

    @classmethod
    def beside(
        cls, directory: Path, settings: SpotifySettings, *, sleep: Callable[[float], None] = time.sleep
    ) -> RateBudget:
        """The budget kept in ``directory``, where the token store is: at home, that of :meth:`at_home`."""
        return cls(_budget_file(directory, rate_key(settings), _this_machine()), sleep=sleep)

    def is_damaged(self) -> bool:
        """Whether there is a file, and it is none that a budget wrote; the next call begins it anew.

        Raises:
            OSError: it cannot be read.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return False
        return len(content) != _FILE_BYTES or set(parse_object(content) or {}) != set(_NAMES)

    def take(self, within: float) -> float:
        """Wait for leave to make one call, at most ``within`` seconds; the seconds that were waited.

        Raises:
            RateLimited: leave would come later than that. Nothing was waited.
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
        """Nobody with this key calls for ``seconds``, clamped to 1..61: Spotify has said so (status 429)."""
        seconds = min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE + 1)
        self._change(lambda state, now: state.paused(seconds, now, self._pace))

    def answered(self, allowance: tuple[float, float] | None) -> None:
        """An answer has come that is not to be repeated.

        ``allowance`` is how many calls it says are left, and for how many seconds; it may slow us down, never more.
        """

        def change(state: PaceState, now: float) -> PaceState:
            state = state.succeeded(now)
            return state if allowance is None else state.told(*allowance, now, self._pace)

        self._change(change)

    def may_repeat(self) -> bool:
        """Take leave to repeat a call that has failed: one in ten, and ten in an hour for those who call seldom."""
        with self._file() as file:
            repeated = file.state.repeated(file.now)
            if repeated is not None:
                file.save(repeated)
        return repeated is not None

    def _reserved(self, deadline: float) -> float:
        with self._file() as file:
            slot = file.state.slot(file.now, self._pace)
            if slot > file.now and slot > min(deadline, file.now + LONGEST_WAIT):
                raise _too_long(slot - file.now, deadline - file.now, paused=file.state.paused_until > file.now)
            file.save(file.state.taken(slot, file.now, self._pace))
        return slot

    def _is_paused(self) -> bool:
        with self._file() as file:
            return file.state.paused_until > file.now

    def _change(self, change: Callable[[PaceState, float], PaceState]) -> None:
        with self._file() as file:
            file.save(change(file.state, file.now))

    @contextmanager
    def _file(self) -> Generator[_LockedFile]:
        try:
            descriptor = self._opened()
            try:
                self._lock(descriptor)
                yield _LockedFile(descriptor, self._monotonic())
            finally:
                # Closing alone would leave it to a process that another thread has forked meanwhile.
                with suppress(OSError):
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
                os.close(descriptor)
        except OSError as error:
            reason = reason_of(error)
            cure = "Free some space, or check its owner"
            if error.errno in _NO_LOCKS:
                cure = "It cannot be locked there: put SPOTIFY_PIPELINE_HOME on a local disk"
            raise HomeError(
                f"The file of the rate budget, {self._path}, cannot be used ({reason}). {cure}, then run again."
            ) from None

    def _opened(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            private_directory(self._path.parent)
            return os.open(self._path, flags, 0o600)

    def _lock(self, descriptor: int) -> None:
        deadline = self._monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._monotonic() >= deadline:
                    raise SpotifyUnavailable(
                        f"Another process has been using the rate budget {self._path} for seconds.",
                        next_step="End the process that hangs, then run again.",
                    ) from None
                self._sleep(_POLL_SECONDS)
            else:
                return


class _LockedFile:
    """The file while its lock is held. ``now`` is read after the lock was got."""

    def __init__(self, descriptor: int, now: float) -> None:
        self._descriptor = descriptor
        self.now = now
        self.state = _state(os.pread(descriptor, _FILE_BYTES, 0)).plausible(now)

    def save(self, state: PaceState) -> None:
        numbers = {name: _known(getattr(state, name)) for name in _NAMES}
        # One write of a fixed length: a process that is killed leaves the old numbers or the new ones.
        written = os.pwrite(self._descriptor, json.dumps(numbers).encode().ljust(_FILE_BYTES), 0)
        if written < _FILE_BYTES:  # half a file would be read as a new one, which allows too much
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def rate_key(settings: SpotifySettings) -> str:
    """Whom Spotify counts as one: a client id and a user, who is known here by the label of the authorization."""
    return " ".join((settings.ads_api_url, settings.client_id, settings.authorization))


def _budget_file(directory: Path, key: str, machine: str) -> Path:
    # A digest, since the key names a client and a user. One file per machine: two that share a home, on a network
    # disk say, have clocks that are nothing to each other, and would take each other's times for nonsense.
    return directory / DIRECTORY / hashlib.sha256(f"{key} {machine}".encode()).hexdigest()[:32]


@cache
def _this_machine() -> str:
    """The same for all processes, containers too, that read the same monotonic clock."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return socket.gethostname()


def _known(value: float) -> float | None:
    return float(value) if value > float("-inf") else None  # JSON has no infinity


def _state(content: bytes) -> PaceState:
    stored = parse_object(content) or {}
    numbers = {name: stored.get(name) for name in _NAMES}
    return PaceState(**{name: value for name, value in numbers.items() if isinstance(value, float)})


def _too_long(wait: float, patience: float, *, paused: bool) -> RateLimited:
    why = "Spotify has asked this client for a pause" if paused else "other calls of this client come first"
    message = f"Rate limited: {why}, so this call would have to wait {wait:.0f} s"
    error = RateLimited(f"{message}; it may wait {max(0.0, min(patience, LONGEST_WAIT)):.0f} s.")
    error.retry_after = min(max(wait, SHORTEST_PAUSE), LONGEST_PAUSE)
    return error
