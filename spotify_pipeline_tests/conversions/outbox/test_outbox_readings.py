"""What becomes of the rows of a day that are read, and read again, whatever the outbox is kept in."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from spotify_pipeline.conversions.model.verdict import VERDICTS, State
from spotify_pipeline.conversions.outbox.merge import ROWS_OF_A_STEP
from spotify_pipeline.conversions.outbox.model import DayAccount, Outbox, Reading, Settled
from spotify_pipeline_tests.conversions.outbox_making import (
    MONDAY,
    NOON,
    TUESDAY,
    Place,
    body,
    pending,
    read_all,
    totals,
    verdict,
    verdicts,
)
from spotify_pipeline_tests.mirror.fake_spotify import Crash
from spotify_pipeline_tests.mirror.watched_state import WatchedState, ending_at

DELIVERED = Settled(state=State.DELIVERED)
REFUSED = Settled(state=State.DEAD, reason="refused")
MUCH = 1_000_000


def settle_all(outbox: Outbox, settled: Settled, most: int = 100) -> int:
    batch = outbox.claim(most, MUCH)
    outbox.settle({each.number: settled for each in batch}, at=NOON)
    return len(batch)


def reading(rows: int, **counts: int) -> Reading:
    nothing = {"new": 0, "known": 0, "repeated": 0, "not_wanted": 0, "judged_again": 0, "withdrawn": 0}
    return Reading(day=MONDAY, rows=rows, **{**nothing, **counts})


def test_a10_a_reading_is_counted_and_its_rows_are_in_one_state_each(place: Place) -> None:
    judged = verdicts(
        verdict("a"),
        verdict("b", "filtered", "no_consent"),
        verdict("row:c", "dead", "no_time", "event_time"),
        verdict("a"),
        verdict("d"),
    )
    with place.open() as outbox:
        assert outbox.record(MONDAY, [judged], at=NOON) == reading(5, new=4, repeated=1)
        assert outbox.accounts() == [
            DayAccount(
                day=MONDAY,
                read=5,
                delivered=0,
                pending=2,
                filtered={"no_consent": 1, "repeated": 1},
                dead={"no_time": 1},
                read_at=NOON,
            )
        ]
        assert totals(outbox)["read"] == 5
        assert outbox.pending_days() == [MONDAY]


def test_a10_rows_that_repeat_over_several_frames_are_found(place: Place) -> None:
    frames = [pending("a", "b"), verdicts(verdict("b", "filtered", "too_old"), verdict("c")), pending("a", "c")]
    with place.open() as outbox:
        assert outbox.record(MONDAY, frames, at=NOON) == reading(6, new=3, repeated=3)
        assert totals(outbox) == {"read": 6, "delivered": 0, "pending": 3, "filtered": 3, "dead": 0}


def test_a10_a_day_without_rows_has_an_account(place: Place) -> None:
    with place.open() as outbox:
        assert outbox.record(MONDAY, [], at=NOON) == reading(0)
        assert outbox.accounts([TUESDAY, MONDAY]) == [
            DayAccount(day=MONDAY, read=0, delivered=0, pending=0, read_at=NOON),
            DayAccount(day=TUESDAY, read=0, delivered=0, pending=0),
        ]


def test_a10_a_day_read_again_brings_what_is_late_and_its_newest_repeated_rows(place: Place) -> None:
    with place.open() as outbox:
        outbox.record(MONDAY, [pending("a", "b", "b")], at=NOON)
        settle_all(outbox, DELIVERED)
        assert outbox.record(MONDAY, [pending("a", "b", "late", "late", "late")], at=NOON) == reading(
            5, new=1, known=2, repeated=2
        )
        assert totals(outbox) == {"read": 5, "delivered": 2, "pending": 1, "filtered": 2, "dead": 0}
        assert [each.event_id for each in outbox.claim(9, MUCH)] == ["late"]


def test_a07_an_event_that_another_day_brought_is_known(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, ["a"], MONDAY)
        again = outbox.record(TUESDAY, [pending("a", "b")], at=NOON)
        assert (again.new, again.known, again.repeated) == (1, 0, 1)
        assert [(each.day, each.event_id) for each in outbox.claim(9, MUCH)] == [(MONDAY, "a"), (TUESDAY, "b")]


def test_known_events_take_a_new_verdict_only_while_it_is_ours_to_give(place: Place) -> None:
    first = verdicts(
        verdict("delivered"),
        verdict("refused"),
        verdict("waits"),
        verdict("filtered", "filtered", "no_consent"),
        verdict("ours", "dead", "amount_missing", "amount"),
    )
    with place.open() as outbox:
        outbox.record(MONDAY, [first], at=NOON)
        delivered, refused = outbox.claim(2, MUCH)
        outbox.settle({delivered.number: DELIVERED, refused.number: REFUSED}, at=NOON)
        changed = [verdict(key, "dead", "no_identifier", "user_data") for key in first["key"]]
        assert outbox.record(MONDAY, [verdicts(*changed)], at=NOON) == reading(5, known=5, judged_again=3)
        (account,) = outbox.accounts()
        assert account.delivered == 1
        assert account.filtered == {}
        assert account.dead == {"no_identifier": 3, "refused": 1}
        assert outbox.claim(9, MUCH) == []
        outbox.record(MONDAY, [pending(*first["key"])], at=NOON)
        assert {each.event_id for each in outbox.claim(9, MUCH)} == {"waits", "filtered", "ours"}
        assert totals(outbox)["read"] == 5


def test_an_event_that_is_judged_anew_is_sent_with_its_new_body(place: Place) -> None:
    changed = pending("a").with_columns(body=pl.lit('{"event_id":"a","amount":2}'))
    with place.open() as outbox:
        read_all(outbox, ["a", "b"])
        outbox.record(MONDAY, [changed, pending("b")], at=NOON)
        assert [each.body for each in outbox.claim(9, MUCH)] == ['{"event_id":"a","amount":2}', body("b")]


def test_a_reading_that_breaks_off_leaves_nothing(place: Place) -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield pending("a", "new")
        raise ValueError("the warehouse went away")

    with place.open() as outbox:
        read_all(outbox, ["a"])
        with pytest.raises(ValueError, match="went away"):
            outbox.record(MONDAY, broken(), at=NOON)
        assert totals(outbox) == {"read": 1, "delivered": 0, "pending": 1, "filtered": 0, "dead": 0}
        assert [each.body for each in outbox.claim(9, MUCH)] == [body("a")]


def test_of_a_reading_that_ends_between_its_steps_nothing_is_sent_until_the_day_is_read_again(place: Place) -> None:
    watched = WatchedState(place.state.place, place.state.home, key=place.state.key)
    frames = [pending("a", "b"), pending("c", "d"), pending("e")]
    with place.open() as outbox:
        read_all(outbox, ["b", "gone"], MONDAY)
        read_all(outbox, ["t"], TUESDAY)
    for step in (1, 2, 3):  # once the first commit is made, and before and after the second
        with pytest.raises(Crash), Place(watched).open() as outbox, ending_at(watched, step):
            outbox.record(MONDAY, frames, at=NOON)
        with place.open() as outbox:
            assert len(outbox.ends(9)) == 1
            assert [each.event_id for each in outbox.claim(9, MUCH)] == ["t"]
            (monday, tuesday) = outbox.accounts()
            assert (monday.read_at, tuesday.read_at) == (None, NOON)
            assert monday.adds_up
            assert outbox.pending_days() == [MONDAY, TUESDAY]
    with place.open() as outbox:
        outbox.record(MONDAY, frames, at=NOON)
        assert sorted(each.event_id for each in outbox.claim(9, MUCH)) == ["a", "b", "c", "d", "e", "t"]
        assert totals(outbox) == {"read": 7, "delivered": 0, "pending": 6, "filtered": 1, "dead": 0}


def test_others_can_write_between_the_steps_of_a_reading_of_many_rows(place: Place) -> None:
    watched = WatchedState(place.state.place, place.state.home, key=place.state.key)
    keys = pl.int_range(2 * ROWS_OF_A_STEP + 1, eager=True).cast(pl.String)
    rows = pl.select(key=keys).join(verdicts(verdict("x", "filtered", "no_consent")).drop("key"), how="cross")
    with Place(watched).open() as outbox, ending_at(watched, 99) as steps:
        assert outbox.record(MONDAY, [rows.select(list(VERDICTS))], at=NOON).new == rows.height
    assert steps.names.count("after a commit") >= 3
