"""The budget's file: shared, locked, private, and of no harm when it is damaged or its holder dies."""

from __future__ import annotations

import errno
import fcntl
import json
import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.spotify import RateLimited, RateLimiter, SpotifyUnavailable
from spotify_pipeline.spotify.retry.gcra import SPOTIFY_RATE_LIMIT, GcraState, RateLimit
from spotify_pipeline.spotify.retry.rate_limiter import rate_key
from spotify_pipeline.state import Place, StateStore, tables
from spotify_pipeline_tests.spotify.forks import fork_that_waits
from spotify_pipeline_tests.spotify.scripted import Clock, full_disk, settings

SPAWN = multiprocessing.get_context("spawn")
ONE_A_SECOND = RateLimit(per_second=1, burst=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "rate" / "budget"


def rate_limiter(path: Path, clock: Clock, limit: RateLimit = ONE_A_SECOND) -> RateLimiter:
    """As another process would make it: nothing in memory, the same file."""
    return RateLimiter.of_file(path, limit=limit, monotonic=clock, sleep=clock.sleep)


def test_calls_of_all_processes_are_spaced_as_one(path: Path, clock: Clock):
    assert [rate_limiter(path, clock).take(300) for _ in range(4)] == [0, 1, 1, 1]


def test_spotify_s_pace_is_the_one_that_is_kept_without_another(path: Path, clock: Clock):
    began = clock.now
    shared = RateLimiter.of_file(path, monotonic=clock, sleep=clock.sleep)
    for _ in range(12 + 48 * 3):
        shared.take(300)
    assert clock.now - began == pytest.approx(3.0, abs=0.05)
    assert SPOTIFY_RATE_LIMIT.per_second * 30 + SPOTIFY_RATE_LIMIT.burst + 48 == 1_500


def test_r02_pause_holds_for_every_process_of_the_key_and_no_other(path: Path, clock: Clock):
    rate_limiter(path, clock).pause(12)
    assert rate_limiter(path.with_name("another"), clock).take(300) == 0
    assert rate_limiter(path, clock).take(300) == 12


def test_r02_pause_that_comes_while_a_process_waits_for_its_turn_is_kept_too(path: Path):
    clock = Clock()
    other = rate_limiter(path, clock)

    def interrupted(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            other.pause(20)

    waiting = RateLimiter.of_file(path, limit=ONE_A_SECOND, monotonic=clock, sleep=interrupted)
    waiting.take(300)
    assert waiting.take(300) == 21
    assert clock.slept == [1, 20]


@pytest.mark.parametrize(("asked", "kept"), [(0, 1), (-5, 1), (30.5, 30.5), (10**9, 61)])
def test_r03_pause_is_between_a_second_and_a_minute_and_its_jitter(path: Path, clock: Clock, asked: float, kept: float):
    rate_limiter(path, clock).pause(asked)
    assert rate_limiter(path, clock).take(300) == kept


def test_r07_no_number_in_the_file_is_a_time_of_day(path: Path):
    shared = RateLimiter.of_file(path)
    shared.take(1)
    shared.pause(60)
    shared.record_response((1, 30))
    stored = [number for number in json.loads(path.read_text()).values() if number is not None]
    assert len(stored) == 6
    assert max(stored) <= time.monotonic() + 62


def test_r09_wait_beyond_the_patience_fails_at_once_and_says_how_long_it_would_be(path: Path, clock: Clock):
    rate_limiter(path, clock).pause(45)
    limited = pytest.raises(RateLimited, match=r"Rate limited: Spotify asked .* wait 45 s; it may wait 10 s\. Wait")
    with limited as caught:
        rate_limiter(path, clock).take(10)
    assert caught.value.retry_after == 45
    assert not caught.value.may_have_happened
    assert clock.slept == []


def test_r09_crowd_is_told_from_a_pause_and_costs_the_others_nothing(path: Path, clock: Clock):
    for _ in range(3):
        rate_limiter(path, clock).take(300)
    with pytest.raises(RateLimited, match="other calls of this client come first"):
        rate_limiter(path, clock).take(0.5)
    assert rate_limiter(path, clock).take(300) == 1


def test_no_patience_is_enough_where_nothing_needs_to_be_waited_for(path: Path):
    assert RateLimiter.of_file(path).take(0) < 1


def test_time_from_before_a_reboot_is_forgotten(path: Path):
    before, after = Clock(now=9_000_000.0), Clock(now=40.0)
    rate_limiter(path, before).take(300)
    rate_limiter(path, before).pause(60)
    assert rate_limiter(path, after).take(300) == 0
    assert rate_limiter(path, after).take(300) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 512, b"{", b"[]", b'{"due": "soon"}', b'{"due": 1e999}', b'{"repetitions": -4.0}', b"\xff\xfe",
     b'{"interval": 1e9, "slow_until": 1800000010.0}', b'{"due": NaN}', b'{"due": ' + b"9" * 5_000],
)  # fmt: skip
def test_damaged_file_is_as_a_new_one(path: Path, clock: Clock, content: bytes):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert [rate_limiter(path, clock).take(300) for _ in range(2)] == [0, 1]


def test_key_is_named_by_a_digest_and_private(tmp_path: Path):
    home = tmp_path / "home"
    RateLimiter.of_state(StateStore.in_home(home), rate_key(settings())).take(1)
    (file,) = (tmp_path / "home" / "rate").iterdir()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "client-1" not in str(file) + file.read_text()
    for other in ({"client_id": "client-2"}, {"authorization": "second"}, {"ads_api_url": "http://127.0.0.1:8710"}):
        RateLimiter.of_state(StateStore.in_home(home), rate_key(settings(**other))).take(1)
    assert len(list(file.parent.iterdir())) == 4


def test_two_machines_that_share_a_home_have_a_budget_each(tmp_path: Path):
    home = tmp_path / "home"
    key = rate_key(settings())
    RateLimiter.of_state(StateStore.in_home(home), key, machine="one").pause(
        45
    )  # of a clock that means nothing to the other
    assert RateLimiter.of_state(StateStore.in_home(home), key, machine="another").take(1) == pytest.approx(0, abs=0.5)
    with pytest.raises(RateLimited):
        RateLimiter.of_state(StateStore.in_home(home), key, machine="one").take(1)


def test_home_where_nothing_can_be_locked_is_told_with_the_cure(path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:  # as the system answers for some network disks
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(HomeError, match="put SPOTIFY_PIPELINE_HOME on a local disk, then run again"):
        RateLimiter.of_file(path).take(1)


def test_client_whose_tokens_are_at_home_shares_the_budget_at_home(tmp_path: Path):
    home = tmp_path / "home"
    RateLimiter.of_state(StateStore.in_home(home), rate_key(settings())).pause(45)
    with pytest.raises(RateLimited):
        RateLimiter.of_state(StateStore.in_home(home), rate_key(settings())).take(1)


def unusable_parent(path: Path) -> None:
    path.parent.parent.write_text("a file where the home should be")


def unusable_link(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(path.parent / "elsewhere")


def unusable_kind(path: Path) -> None:
    path.mkdir(parents=True)


@pytest.mark.parametrize("spoil", [unusable_parent, unusable_link, unusable_kind])
def test_home_that_cannot_be_used_is_told_and_is_no_leave_to_call(path: Path, spoil: Callable[[Path], None]):
    spoil(path)
    with pytest.raises(HomeError, match=str(path.parent.parent)):
        RateLimiter.of_file(path).take(300)


def test_full_disk_is_told(path: Path, clock: Clock):
    for _ in range(2):  # the first time leaves the file shorter
        with (
            full_disk(),
            pytest.raises(HomeError, match=r"budget cannot be used \(No space left on device\)\. Free some disk space"),
        ):
            rate_limiter(path, clock).take(300)


def test_file_is_free_again_though_a_process_forked_while_it_was_held_lives_on(path: Path, clock: Clock):
    rate_limiter(path, clock).take(300)
    ends: list[Callable[[], None]] = []

    def forks_when_asked_with_the_lock_held() -> float:
        if is_locked(path) and not ends:
            ends.append(fork_that_waits())
        return clock.now

    RateLimiter.of_file(path, monotonic=forks_when_asked_with_the_lock_held, sleep=clock.sleep).record_response(None)
    try:
        assert not is_locked(path)
    finally:
        ends.pop()()


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_process_that_hangs_on_the_file_is_named_as_the_reason(path: Path, clock: Clock):
    rate_limiter(path, clock).take(300)
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SpotifyUnavailable, match=r"Another process has locked the rate limiter.* End the proc"):
            rate_limiter(path, clock).take(300)


def call_without_end(path: Path, started: Any) -> None:
    shared = RateLimiter.of_file(path, limit=RateLimit(per_second=200, burst=1))
    while True:
        shared.take(300)
        started.set()


@pytest.mark.e2e
def test_r08_processes_killed_at_any_moment_keep_nothing_from_the_others(path: Path):
    for trial in range(3):
        started = SPAWN.Event()
        process = SPAWN.Process(target=call_without_end, args=(path, started))
        process.start()
        assert started.wait(60)
        time.sleep(0.013 * trial)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        RateLimiter.of_file(path, limit=RateLimit(per_second=200, burst=1)).take(
            1
        )  # raises where leave would come later


def test_threads_of_one_process_share_it_too(path: Path):
    slots: list[float] = []

    def call() -> None:
        shared = RateLimiter.of_file(path, limit=RateLimit(per_second=200, burst=1))
        for _ in range(10):
            shared.take(60)
            slots.append(time.monotonic())

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(slots) == 40
    assert max(slots) - min(slots) >= 39 / 200 - 0.03
    assert not any(math.isnan(slot) for slot in slots)


@pytest.mark.e2e
class TestMachinesThatShareADatabase:
    """By the clock of its server, so nothing here waits for longer than it must."""

    @pytest.fixture
    def shared(self, empty_database: str, tmp_path: Path) -> Callable[[str], StateStore]:
        """The state as a machine with a home of its own has it."""
        StateStore(Place.of(empty_database, tmp_path), tmp_path).create()
        return lambda machine: StateStore(Place.of(empty_database, tmp_path / machine), tmp_path / machine)

    def test_r01_they_share_one_budget(self, shared: Callable[[str], StateStore]):
        slept: list[float] = []
        limit = RateLimit(per_second=0.1, burst=2)
        one, other = (
            RateLimiter.of_state(shared(machine), "key", limit=limit, sleep=slept.append) for machine in ("a", "b")
        )
        assert [one.take(60), other.take(60)] == [0, 0]
        assert one.take(60) == pytest.approx(10, abs=3)
        assert other.take(60) == pytest.approx(20, abs=3)
        assert slept == pytest.approx([10, 20], abs=3)

    def test_r02_a_pause_is_one_for_all_of_the_key_and_none_for_others(self, shared: Callable[[str], StateStore]):
        RateLimiter.of_state(shared("a"), "key").pause(45)
        with pytest.raises(RateLimited, match="Spotify asked this client to pause"):
            RateLimiter.of_state(shared("b"), "key").take(1)
        assert RateLimiter.of_state(shared("b"), "another").take(1) == 0

    def test_r06_retries_are_counted_together(self, shared: Callable[[str], StateStore]):
        both = [RateLimiter.of_state(shared(machine), "key") for machine in ("a", "b")]
        assert sum(each.may_retry() for each in both * 10) == 10

    def test_r08_who_is_killed_with_the_row_locked_holds_nobody_up(self, shared: Callable[[str], StateStore]):
        limiter = RateLimiter.of_state(shared("a"), "key")
        limiter.take(1)
        ready, locked = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with shared("a").begin() as transaction:
                    transaction.execute(tables.rate.update().values(content="{}"))
                    os.write(locked, b"x")
                    signal.pause()
            finally:
                os._exit(1)
        assert os.read(ready, 1) == b"x"
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert limiter.take(1) == 0

    def test_a_row_that_cannot_be_read_is_started_afresh(self, shared: Callable[[str], StateStore]):
        limiter = RateLimiter.of_state(shared("a"), "key")
        limiter.pause(45)
        with shared("a").begin() as transaction:
            transaction.execute(tables.rate.update().values(content="half a row"))
        assert limiter.take(1) == 0

    def test_r07_times_beyond_reason_are_of_a_clock_that_was_set_and_dropped(self, shared: Callable[[str], StateStore]):
        limiter = RateLimiter.of_state(shared("a"), "key")
        limiter.take(1)
        ahead = GcraState(due=4e9, paused_until=4e9).to_json().decode()
        with shared("a").begin() as transaction:
            transaction.execute(tables.rate.update().values(content=ahead))
        assert limiter.take(1) == 0
