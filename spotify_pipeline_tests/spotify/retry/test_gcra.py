"""The arithmetic of the rate limiter, in virtual time."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.spotify.retry.gcra import MAX_AHEAD, SPOTIFY_RATE_LIMIT, GcraState, RateLimit

LIMIT, WINDOW = 1_500, 30.0  # Spotify's documentation of rate limits
CALLS = 100_000


def fullest_window(times: list[float], seconds: float) -> int:
    """The most events in any half-open window of so many seconds; one that begins with an event is the fullest."""
    ordered = sorted(times)
    return max(bisect_left(ordered, first + seconds) - number for number, first in enumerate(ordered))


def arrivals(callers: int, seed: int) -> list[float]:
    """When the server sees the calls of so many callers that never rest; each has one call under way at a time.

    A call is late by up to 80 ms, and now and then by up to 40 seconds: a network that stands still, then delivers.
    """
    dice = random.Random(seed)
    state, seen = GcraState(), list[float]()
    asking = [(dice.random(), caller) for caller in range(callers)]
    heapq.heapify(asking)
    while len(seen) < CALLS:
        now, caller = heapq.heappop(asking)
        slot = state.slot(now, SPOTIFY_RATE_LIMIT)
        state = state.taken(slot, now, SPOTIFY_RATE_LIMIT)
        late = dice.uniform(0, 40) if dice.random() < 0.001 else dice.uniform(0, 0.08)
        seen.append(slot + late)
        heapq.heappush(asking, (slot + late + dice.uniform(0, 0.02), caller))
    return seen


@pytest.mark.parametrize("callers", [8, 48])
def test_r01_no_window_of_thirty_seconds_holds_more_than_the_limit_and_95_percent_is_used(callers: int):
    seen = sorted(arrivals(callers, seed=callers))
    assert fullest_window(seen, WINDOW) <= LIMIT
    almost_all = seen[: CALLS - CALLS // 1_000]  # the very last ones may be late by forty seconds
    assert len(almost_all) / (almost_all[-1] - almost_all[0]) >= 0.95 * LIMIT / WINDOW


def test_r01_the_check_itself_sees_one_call_too_many():
    milliseconds = [number * 20.0 for number in range(3_000)]
    assert fullest_window(milliseconds, WINDOW * 1_000) == LIMIT
    assert fullest_window([*milliseconds, 31_000.0], WINDOW * 1_000) == LIMIT + 1


@given(
    st.floats(0.1, 1_000),
    st.integers(1, 50),
    st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.02, 0.5, 7.0]), min_size=1, max_size=60),
    st.floats(0.01, 60),
)
def test_r01_slots_in_any_window_stay_within_pace_and_burst(
    per_second: float, burst: int, gaps: list[float], window: float
):
    pace, state, now = RateLimit(per_second, burst), GcraState(), 1_000.0
    slots: list[float] = []
    for gap in gaps:
        now += gap
        slots.append(state.slot(now, pace))
        state = state.taken(slots[-1], now, pace)
    assert all(slot >= 1_000 for slot in slots)
    assert fullest_window(slots, window) <= window * per_second + burst + 1e-6 * len(slots)


def test_unhurried_calls_never_wait_and_a_few_may_come_at_once():
    state, waits = GcraState(), list[float]()
    for call in range(24):
        now = 0.0 if call < 12 else call * 1.0
        slot = state.slot(now, SPOTIFY_RATE_LIMIT)
        waits.append(slot - now)
        state = state.taken(slot, now, SPOTIFY_RATE_LIMIT)
    assert waits == [pytest.approx(0.0, abs=1e-9)] * 24
    crowded = GcraState()
    for _ in range(13):
        slot = crowded.slot(0.0, SPOTIFY_RATE_LIMIT)
        crowded = crowded.taken(slot, 0.0, SPOTIFY_RATE_LIMIT)
    assert slot == pytest.approx(1 / 48)


def test_r02_after_a_pause_calls_go_out_one_by_one():
    state = GcraState().paused(12.0, 100.0, SPOTIFY_RATE_LIMIT)
    slots: list[float] = []
    for _ in range(20):
        slots.append(state.slot(100.0, SPOTIFY_RATE_LIMIT))
        state = state.taken(slots[-1], 100.0, SPOTIFY_RATE_LIMIT)
    assert slots == [pytest.approx(112.0 + number / 48) for number in range(20)]


def test_r02_shorter_pause_does_not_end_a_longer_one():
    state = GcraState().paused(40.0, 0.0, SPOTIFY_RATE_LIMIT).paused(1.0, 1.0, SPOTIFY_RATE_LIMIT)
    assert state.slot(2.0, SPOTIFY_RATE_LIMIT) == 40.0


states = st.builds(
    GcraState,
    due=st.floats(900, 1_100),
    paused_until=st.floats(900, 1_060),
    interval=st.floats(0, 10),
    slow_until=st.floats(900, 1_060),
)
anything = st.floats(allow_nan=False)


@given(states, anything, anything, st.floats(1_000, 1_100))
def test_r03_what_an_answer_says_of_the_limit_can_only_slow_us_down(
    state: GcraState, remaining: float, reset: float, later: float
):
    slowed_by = state.slowed_by(remaining, reset, 1_000.0, SPOTIFY_RATE_LIMIT)
    untold = GcraState(due=state.due, paused_until=state.paused_until)  # as if nothing had ever been said
    for _ in range(3):
        slot, freely = slowed_by.slot(later, SPOTIFY_RATE_LIMIT), untold.slot(later, SPOTIFY_RATE_LIMIT)
        assert slot >= freely
        assert slowed_by.paused_until <= max(state.paused_until, 1_060.0)
        slowed_by, untold = (
            slowed_by.taken(slot, later, SPOTIFY_RATE_LIMIT),
            untold.taken(freely, later, SPOTIFY_RATE_LIMIT),
        )
    assert slowed_by.plausible(later) == slowed_by or slot - later > MAX_AHEAD - 20


@pytest.mark.parametrize(
    ("remaining", "reset", "spacing"),
    [
        (1_400, 30, 1 / 48),
        (48, 1, 1 / 48),
        (3, 1, 1 / 48),
        (290, 30, 0.1),
        (29, 30, 1.0),
        (1, 30, 10.0),
        (1, 10**9, 10.0),
    ],
)
def test_r03_what_is_left_is_spread_over_the_time_it_is_for(remaining: float, reset: float, spacing: float):
    state = GcraState(due=0.0).slowed_by(remaining, reset, 0.0, SPOTIFY_RATE_LIMIT)
    first = state.slot(0.0, SPOTIFY_RATE_LIMIT)
    state = state.taken(first, 0.0, SPOTIFY_RATE_LIMIT)
    assert state.due - first == pytest.approx(spacing)


def test_r03_nothing_left_is_a_pause_until_there_is_more():
    assert GcraState().slowed_by(0, 17, 0.0, SPOTIFY_RATE_LIMIT).slot(0.0, SPOTIFY_RATE_LIMIT) == 17.0
    assert GcraState().slowed_by(-5, 10**9, 0.0, SPOTIFY_RATE_LIMIT).slot(0.0, SPOTIFY_RATE_LIMIT) == 60.0


def test_r06_ten_calls_that_succeed_earn_one_repetition():
    state = GcraState()
    taken = 0
    while (after := state.retried(0.0)) is not None:
        state, taken = after, taken + 1
    assert taken == 10
    for _ in range(9):
        state = state.succeeded(0.0)
    assert state.retried(0.0) is None
    state = state.succeeded(0.0).succeeded(0.0)
    assert state.retried(0.0) is not None


def test_r06_quiet_hour_gives_the_repetitions_back_and_no_more():
    state = GcraState(repetitions=0.0, counted_at=0.0)
    assert state.retried(300.0) is None
    assert state.retried(361.0) is not None
    refilled = state.succeeded(1e9)
    assert refilled.repetitions == 10
