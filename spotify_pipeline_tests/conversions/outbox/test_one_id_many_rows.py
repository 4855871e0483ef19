"""Of rows with one id one counts, by one rule that no order of reading changes, whatever the outbox is kept in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import polars as pl
import pytest

from spotify_pipeline.conversions.model.verdict import State
from spotify_pipeline.conversions.outbox.model import Outbox, Settled
from spotify_pipeline_tests.conversions.outbox_making import MONDAY, NOON, TUESDAY, Place, totals, verdict, verdicts
from spotify_pipeline_tests.examples import in_test_rest

MUCH = 1_000_000
DELIVERED = Settled(state=State.DELIVERED)
REFUSED = Settled(state=State.DEAD, reason="refused")
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


def good(key: str = "a", *, amount: int = 1, day: date = MONDAY, minute: int = 0) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 9, minute, tzinfo=UTC)
    return {**verdict(key), "event_time": at, "body": json.dumps({"event_id": key, "amount": amount})}


def bad(key: str = "a", *, day: date = MONDAY, minute: int = 0) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 9, minute, tzinfo=UTC)
    return {**verdict(key, "dead", "amount_missing", "amount"), "event_time": at}


def filtered(key: str = "a", reason: str = "no_consent", *, day: date = MONDAY) -> dict[str, object]:
    at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    return {**verdict(key, "filtered", reason), "event_time": at}


def unwanted(key: str = "a", *, day: date = MONDAY) -> dict[str, object]:
    return {**filtered(key, "not_wanted", day=day), "event_name": None}


def read(outbox: Outbox, day: date, *rows: dict[str, object], frames: int = 1) -> None:
    size = -(-len(rows) // frames) or 1
    cut = [verdicts(*rows[first : first + size]) for first in range(0, len(rows), size)]
    outbox.record(day, cut, at=NOON)


def account(outbox: Outbox, day: date) -> dict[str, object]:
    (found,) = outbox.accounts([day])
    assert found.adds_up, found
    shown = {
        "read": found.read,
        "delivered": found.delivered,
        "pending": found.pending,
        **found.filtered,
        **found.dead,
    }
    return {name: count for name, count in shown.items() if count}


def waiting(outbox: Outbox) -> list[tuple[date, str, int]]:
    """What would be sent: day, id and amount. Nothing is, and all of it waits on."""
    claimed = outbox.claim(100, MUCH)
    outbox.settle({each.number: Settled(state=State.PENDING) for each in claimed}, at=NOON)
    return [(each.day, each.event_id, json.loads(each.body)["amount"]) for each in claimed]


def settle_all(outbox: Outbox, settled: Settled = DELIVERED) -> None:
    claimed = outbox.claim(100, MUCH)
    outbox.settle({each.number: settled for each in claimed}, at=NOON)


@pytest.mark.parametrize("frames", [1, 3])
def test_a15_a_row_nobody_wants_is_no_event_of_its_id_on_one_day(place: Place, frames: int) -> None:
    rows = [unwanted(), good(amount=5), unwanted()]
    with place.open() as outbox:
        for order in permutations(rows):
            read(outbox, MONDAY, *order, frames=frames)
            assert waiting(outbox) == [(MONDAY, "a", 5)]
            assert account(outbox, MONDAY) == {"read": 3, "pending": 1, "not_wanted": 2}


@pytest.mark.parametrize("days", [(MONDAY, TUESDAY), (TUESDAY, MONDAY)])
def test_a15_a_row_nobody_wants_is_no_event_of_its_id_on_another_day(place: Place, days: tuple[date, date]) -> None:
    rows = {MONDAY: good(), TUESDAY: unwanted(day=TUESDAY)}
    with place.open() as outbox:
        for day in days:
            read(outbox, day, rows[day])
        assert waiting(outbox) == [(MONDAY, "a", 1)]
        assert account(outbox, TUESDAY) == {"read": 1, "not_wanted": 1}


@pytest.mark.parametrize("frames", [2, *map(in_test_rest, (1, 4))])
def test_a15_of_rows_of_one_id_the_newest_good_one_is_sent_in_any_order(place: Place, frames: int) -> None:
    with place.open() as outbox:
        for number, order in enumerate(permutations(range(4))):
            key, day = f"k{number}", MONDAY - timedelta(days=number)
            rows = [good(key, amount=1), good(key, amount=2, minute=5), bad(key, minute=9), filtered(key)]
            read(outbox, day, *(rows[each] for each in order), frames=frames)
            assert account(outbox, day) == {"read": 4, "pending": 1, "repeated": 3}
        assert {amount for _, _, amount in waiting(outbox)} == {2}


@pytest.mark.parametrize("frames", [1, 3])
def test_a15_of_good_rows_of_one_time_their_content_decides_in_any_order(place: Place, frames: int) -> None:
    rows = [good(amount=each) for each in (3, 1, 2)]
    sent: set[tuple[date, str, int]] = set()
    with place.open() as outbox:
        for order in permutations(rows):
            read(outbox, MONDAY, *order, frames=frames)
            sent.update(waiting(outbox))
    assert len(sent) == 1


@pytest.mark.parametrize("days", [(MONDAY, TUESDAY), (TUESDAY, MONDAY)])
def test_a15_a_good_row_counts_and_not_one_of_another_day_that_cannot_be_sent(
    place: Place, days: tuple[date, date]
) -> None:
    rows = {MONDAY: good(), TUESDAY: bad(day=TUESDAY)}
    with place.open() as outbox:
        for day in days:
            read(outbox, day, rows[day])
        assert waiting(outbox) == [(MONDAY, "a", 1)]
        assert account(outbox, MONDAY) == {"read": 1, "pending": 1}
        assert account(outbox, TUESDAY) in ({"read": 1, "repeated": 1},)


@pytest.mark.parametrize("days", [(MONDAY, TUESDAY), (TUESDAY, MONDAY), (TUESDAY, MONDAY, TUESDAY, MONDAY)])
def test_a15_an_event_corrected_on_another_day_while_it_is_pending_is_sent_as_the_newest(
    place: Place, days: tuple[date, ...]
) -> None:
    rows = {MONDAY: good(amount=1), TUESDAY: good(amount=2, day=TUESDAY)}
    with place.open() as outbox:
        for day in days:
            read(outbox, day, rows[day])
        assert waiting(outbox) == [(TUESDAY, "a", 2)]
        assert account(outbox, MONDAY) == {"read": 1, "repeated": 1}
        assert account(outbox, TUESDAY) == {"read": 1, "pending": 1}


@pytest.mark.parametrize("settled", [DELIVERED, REFUSED])
def test_a15_a_row_of_another_day_changes_nothing_of_an_event_that_was_sent(place: Place, settled: Settled) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, good())
        settle_all(outbox, settled)
        read(outbox, TUESDAY, good(amount=2, day=TUESDAY))
        assert waiting(outbox) == []
        assert account(outbox, TUESDAY) == {"read": 1, "repeated": 1}
        assert account(outbox, MONDAY) == {"read": 1, settled.reason or "delivered": 1}


def test_a15_a_row_of_another_day_that_cannot_be_sent_changes_nothing_of_a_pending_event(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, good())
        read(outbox, TUESDAY, bad(day=TUESDAY))
        read(outbox, TUESDAY, filtered(day=TUESDAY))
        assert waiting(outbox) == [(MONDAY, "a", 1)]
        assert account(outbox, TUESDAY) == {"read": 1, "repeated": 1}


def test_a15_what_was_sent_stays_whatever_its_day_says_later(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, good())
        settle_all(outbox)
        for row in (good(amount=7, minute=8), bad(), filtered(), unwanted()):
            read(outbox, MONDAY, row)
            assert waiting(outbox) == []
            assert account(outbox, MONDAY)["delivered"] == 1
        read(outbox, MONDAY)
        assert account(outbox, MONDAY) == {"read": 1, "delivered": 1}


@pytest.mark.parametrize(
    ("mistaken", "reason"),
    [
        (filtered(reason="suppressed"), "suppressed"),
        (filtered(), "no_consent"),
        (filtered(reason="opted_out"), "opted_out"),
        (filtered(reason="too_old"), "too_old"),
        (unwanted(), "not_wanted"),
        (bad(), "amount_missing"),
    ],
)
def test_a16_what_was_filtered_or_dead_is_judged_again_whenever_its_day_is_read(
    place: Place, mistaken: dict[str, object], reason: str
) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, mistaken)
        assert account(outbox, MONDAY) == {"read": 1, reason: 1}
        read(outbox, MONDAY, good())
        assert waiting(outbox) == [(MONDAY, "a", 1)]
        assert account(outbox, MONDAY) == {"read": 1, "pending": 1}
        read(outbox, MONDAY, mistaken)
        assert waiting(outbox) == []
        assert account(outbox, MONDAY) == {"read": 1, reason: 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (filtered(reason="suppressed"), "suppressed"),
        (unwanted(), "not_wanted"),
        (bad(), "amount_missing"),
    ],
)
def test_a16_a_replay_of_any_reason_has_its_days_read_again(place: Place, row: dict[str, object], reason: str) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, row)
        read(outbox, TUESDAY, good("b", day=TUESDAY))
        settle_all(outbox)
        assert outbox.replay(reason="erased") == {}
        assert outbox.replay(day=TUESDAY, reason=reason) == {}
        assert outbox.replay(reason=reason) == {MONDAY: 1}
        assert outbox.pending_days() == [MONDAY]
        read(outbox, MONDAY, good())
        settle_all(outbox)
        assert outbox.pending_days() == []
        assert totals(outbox) == {"read": 2, "delivered": 2, "pending": 0, "filtered": 0, "dead": 0}


def test_a16_repeated_rows_can_be_replayed_too(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, good(), good())
        settle_all(outbox)
        assert outbox.replay(reason="repeated") == {MONDAY: 1}
        assert outbox.pending_days() == [MONDAY]


def test_a16_a_replay_without_a_reason_is_of_dead_letters_alone(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, filtered(), unwanted("b"), bad("c"))
        assert outbox.replay() == {MONDAY: 1}


def test_a16_an_event_whose_row_is_gone_is_not_sent_and_comes_back_with_its_row(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, good(), good("b"))
        read(outbox, MONDAY, good("b"))
        assert waiting(outbox) == [(MONDAY, "b", 1)]
        assert account(outbox, MONDAY) == {"read": 2, "pending": 1, "withdrawn": 1}
        read(outbox, MONDAY, good(amount=3), good("b"))
        assert waiting(outbox) == [(MONDAY, "a", 3), (MONDAY, "b", 1)]
        assert account(outbox, MONDAY) == {"read": 2, "pending": 2}


def test_a16_an_event_whose_row_moved_to_another_day_is_that_days(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, TUESDAY, good(day=TUESDAY))
        read(outbox, TUESDAY)
        read(outbox, MONDAY, good())
        assert waiting(outbox) == [(MONDAY, "a", 1)]
        assert account(outbox, TUESDAY) == {}
        assert account(outbox, MONDAY) == {"read": 1, "pending": 1}


def test_a16_the_row_of_a_day_that_lost_its_event_takes_it_over_again(place: Place) -> None:
    with place.open() as outbox:
        read(outbox, MONDAY, good(amount=1))
        read(outbox, TUESDAY, good(amount=2, day=TUESDAY))
        read(outbox, TUESDAY)
        assert waiting(outbox) == []
        read(outbox, MONDAY, good(amount=1))
        assert waiting(outbox) == [(MONDAY, "a", 1)]
        assert account(outbox, TUESDAY) == {}


def test_a10_rows_without_an_id_leave_the_account_with_their_row(place: Place) -> None:
    def nameless(mark: str) -> dict[str, object]:
        return verdict(f"row:{mark}", "dead", "no_event_id", "event_id")

    with place.open() as outbox:
        read(outbox, MONDAY, nameless("x"), nameless("y"))
        read(outbox, MONDAY, nameless("y"), good())
        assert account(outbox, MONDAY) == {"read": 2, "pending": 1, "no_event_id": 1}


def test_a10_an_event_without_a_time_is_in_the_account_of_the_newest_day(place: Place) -> None:
    timeless = {**verdict("a", "dead", "no_time", "event_time"), "event_time": None}
    with place.open() as outbox:
        read(outbox, MONDAY, timeless)
        read(outbox, MONDAY)
        read(outbox, TUESDAY, timeless)
        assert account(outbox, MONDAY) == {}
        assert account(outbox, TUESDAY) == {"read": 1, "no_time": 1}


def test_a10_many_events_change_hands_over_many_frames(place: Place) -> None:
    keys = [f"k{number:04}" for number in range(3_000)]
    monday = verdicts(*(good(key) for key in keys))
    tuesday = verdicts(*(good(key, amount=2, day=TUESDAY) for key in keys[::2]))
    with place.open() as outbox:
        outbox.record(MONDAY, [monday[:1_000], monday[1_000:]], at=NOON)
        outbox.record(TUESDAY, [tuesday[:700], tuesday[700:]], at=NOON)
        assert account(outbox, MONDAY) == {"read": 3_000, "pending": 1_500, "repeated": 1_500}
        outbox.record(MONDAY, [monday[2_000:], monday[:2_000]], at=NOON + timedelta(hours=1))
        assert account(outbox, MONDAY) == {"read": 3_000, "pending": 1_500, "repeated": 1_500}
        outbox.record(MONDAY, [pl.concat([monday, monday])], at=NOON + timedelta(hours=2))
        assert account(outbox, MONDAY) == {"read": 6_000, "pending": 1_500, "repeated": 4_500}
