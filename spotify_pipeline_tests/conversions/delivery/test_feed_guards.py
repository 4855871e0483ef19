"""A day that is unlike the days before it holds the feed, and a year of ordinary days hardly ever does."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from spotify_pipeline.conversions.delivery.guards import FeedDecision, FeedGuard, FeedLimits, decide_feed
from spotify_pipeline.conversions.outbox.model import DayVerdicts
from spotify_pipeline_tests.conversions.outbox_making import MONDAY, NOON, TUESDAY, Place, pending, verdict, verdicts
from spotify_pipeline_tests.conversions.stress.feed_year import DISASTER_EVERY, SHOPS, simulated_year

USUAL = {"pending": 60, "no_consent": 30, "suppressed": 2, "not_wanted": 8, "amount_missing": 1}
TODAY = date(2026, 11, 20)
LIMITS = FeedLimits()


def reading(days_ago: int, rows: dict[str, int], accepted: dict[str, int] | None = None) -> DayVerdicts:
    return DayVerdicts(day=TODAY - timedelta(days=days_ago), rows=rows, accepted=accepted)


def judged(today: dict[str, int], *before: DayVerdicts, days_ago: int = 0, **own: dict[str, int]) -> FeedDecision:
    return decide_feed([*before, reading(days_ago, today, **own)], LIMITS, open_day=TODAY)


def guards(decision: FeedDecision) -> list[FeedGuard]:
    return [each.guard for each in decision.held]


LATELY = [reading(days, USUAL, USUAL) for days in (3, 2, 1)]


@pytest.mark.parametrize(
    ("rows", "guard"),
    [
        ({"suppressed": 100}, FeedGuard.SUPPRESSED),
        ({"pending": 50, "suppressed": 50}, FeedGuard.SUPPRESSED),
        ({"pending": 20, "no_consent": 80}, FeedGuard.NO_CONSENT),
        ({"pending": 1, "not_wanted": 99}, FeedGuard.NOT_WANTED),
        ({"not_wanted": 100}, FeedGuard.NOT_WANTED),
        ({"pending": 50, "amount_missing": 30, "no_identifier": 20}, FeedGuard.DEAD),
        ({"no_consent": 100}, FeedGuard.NO_CONSENT_AT_ALL),
        ({"no_consent": 15, "not_wanted": 85}, FeedGuard.NOT_WANTED),
    ],
)
def test_a19_a_sudden_rise_holds_the_feed(rows: dict[str, int], guard: FeedGuard) -> None:
    assert guard in guards(judged(rows, *LATELY))


@pytest.mark.parametrize("events", [49, 10])
def test_a19_one_day_before_is_enough_to_tell_and_few_events_are(events: int) -> None:
    before = reading(1, {"pending": events}, {"pending": events})
    assert guards(judged({"suppressed": events}, before)) == [FeedGuard.SUPPRESSED]
    assert judged({"suppressed": 9}, before).allowed


def test_a19_the_same_day_read_again_is_held_against_what_it_said_before() -> None:
    assert guards(judged({"suppressed": 49}, accepted={"pending": 49})) == [FeedGuard.SUPPRESSED]


def test_a19_a_first_day_is_held_only_without_any_consent() -> None:
    assert judged({"pending": 10, "suppressed": 90}).allowed
    assert guards(judged({"no_consent": 10})) == [FeedGuard.NO_CONSENT_AT_ALL]
    assert judged({"no_consent": 9}).allowed


def test_a19_shares_that_are_usual_hold_nothing_and_neither_does_one_that_falls() -> None:
    assert judged(USUAL, *LATELY).allowed
    assert judged({"pending": 100}, *LATELY).allowed
    assert judged({"pending": 59, "no_consent": 41}, *LATELY).allowed


def test_a19_a_high_share_that_takes_nearly_all_of_the_rest_is_a_rise() -> None:
    usual = {"pending": 200, "not_wanted": 800}
    before = [reading(days, usual, usual) for days in (2, 1)]
    assert guards(judged({"pending": 10, "not_wanted": 990}, *before)) == [FeedGuard.NOT_WANTED]
    assert judged({"pending": 120, "not_wanted": 880}, *before).allowed


def test_a19_a_day_of_zero_among_days_that_were_not_holds_the_feed_once_it_is_over() -> None:
    assert guards(judged({}, reading(3, USUAL, USUAL), reading(2, USUAL, USUAL), days_ago=1)) == [FeedGuard.EMPTY_DAY]
    assert judged({}, *LATELY).allowed, "today is not over"
    empty_sunday = [*LATELY, reading(8, {}, {})]
    assert judged({}, *empty_sunday[:-1], reading(8, {}, {}), days_ago=1).allowed, "it was empty a week ago"
    assert judged({}, reading(2, {"pending": 9}, {"pending": 9}), days_ago=1).allowed, "too few to tell"


def test_a19_a_day_that_was_empty_while_it_lasted_is_judged_when_it_is_over() -> None:
    assert decide_feed([*LATELY, reading(0, {})], LIMITS, open_day=TODAY).accepted == ()


def test_a19_what_was_accepted_is_usual_for_that_day_and_the_next() -> None:
    changed = {"pending": 20, "no_consent": 80}
    assert judged(changed, *LATELY, accepted=changed).allowed
    more = {"pending": 30, "no_consent": 120}
    assert judged(more, *LATELY, accepted=changed).allowed
    tomorrow = decide_feed(
        [*LATELY, reading(0, changed, changed), reading(-1, changed)], LIMITS, open_day=TODAY + timedelta(days=1)
    )
    assert tomorrow.allowed


def test_a19_an_approval_is_for_these_days_and_reasons_alone() -> None:
    first = judged({"suppressed": 100}, *LATELY)
    again = judged({"suppressed": 120, "pending": 3}, *LATELY)
    other = judged({"amount_missing": 100}, *LATELY)
    assert first.digest == again.digest
    assert first.digest != other.digest
    assert first.digest != judged({"suppressed": 100}, *LATELY[:2], days_ago=1).digest


def test_a19_limits_of_a_feed_hold_for_it() -> None:
    wide = FeedLimits(max_no_consent_rise=0.6)
    rows = {"pending": 20, "no_consent": 80}
    assert decide_feed([*LATELY, reading(0, rows)], wide, open_day=TODAY).allowed


@pytest.mark.parametrize("shop", list(SHOPS))
def test_a19_a_year_of_ordinary_days_is_hardly_ever_held_and_no_disaster_is_missed(shop: str) -> None:
    year = simulated_year(shop, days=8 * DISASTER_EVERY)
    assert len(year.held_falsely) <= year.deliveries / 100, year.held_falsely
    assert year.missed == []


def test_a19_the_outbox_knows_what_each_day_said_and_what_was_let_pass(place: Place) -> None:
    with place.open() as outbox:
        rows = verdicts(
            verdict("a"), verdict("b"), verdict("c", "filtered", "suppressed"), verdict("d", "dead", "no_time")
        )
        outbox.record(MONDAY, [rows[:2], rows[2:]], at=NOON)
        outbox.record(TUESDAY, [], at=NOON)
        said = {"pending": 2, "suppressed": 1, "no_time": 1}
        assert list(outbox.readings()) == [DayVerdicts(day=MONDAY, rows=said), DayVerdicts(day=TUESDAY, rows={})]
        outbox.accept([MONDAY, TUESDAY])
        outbox.record(MONDAY, [pending("a")], at=NOON)
    with place.look() as views:
        assert list(views.readings()) == [
            DayVerdicts(day=MONDAY, rows={"pending": 1}, accepted=said),
            DayVerdicts(day=TUESDAY, rows={}, accepted={}),
        ]
