"""What every outbox does, whatever it is kept in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from spotify_pipeline.conversions.model.verdict import State
from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox, OutboxBusy, OutboxError, OutboxMissing, Settled
from spotify_pipeline.conversions.outbox.opening import open_outbox
from spotify_pipeline_tests.conversions.outbox_making import (
    MONDAY,
    NOON,
    TUESDAY,
    Place,
    body,
    orders,
    pending,
    read_all,
    totals,
    verdict,
    verdicts,
)

DELIVERED = Settled(state=State.DELIVERED)
REFUSED = Settled(state=State.DEAD, reason="refused")
MUCH = 1_000_000


def settle_all(outbox: Outbox, settled: Settled, most: int = 100) -> int:
    batch = outbox.claim(most, MUCH)
    outbox.settle({each.number: settled for each in batch}, at=NOON)
    return len(batch)


def test_the_oldest_day_is_claimed_first_and_no_event_twice(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(3, first=10), TUESDAY)
        read_all(outbox, orders(3), MONDAY)
        claimed = [each.event_id for _ in range(4) for each in outbox.claim(2, MUCH)]
    assert claimed == orders(3) + orders(3, first=10)


def test_a_batch_holds_so_many_bytes_and_at_least_one_event(place: Place) -> None:
    size = len(body(orders(1)[0]))
    with place.open() as outbox:
        read_all(outbox, orders(6))
        assert [len(outbox.claim(9, bytes_)) for bytes_ in (2 * size, 2 * size + 1, 1, 3 * size - 1)] == [2, 2, 1, 1]


def test_a10_settled_events_are_in_the_account_by_reason(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(5))
        first, second, third, fourth, fifth = outbox.claim(9, MUCH)
        outcomes = {
            first.number: DELIVERED,
            second.number: REFUSED,
            third.number: Settled(state=State.FILTERED, reason="erased"),
            fourth.number: Settled(state=State.PENDING),
        }
        outbox.settle(outcomes, at=NOON)
        (account,) = outbox.accounts()
        assert (account.delivered, account.pending) == (1, 2)
        assert (account.filtered, account.dead) == ({"erased": 1}, {"refused": 1})
        assert account.adds_up
        assert [each.number for each in outbox.claim(9, MUCH)] == [fourth.number]
        assert fifth.number != fourth.number


def test_many_scattered_events_are_settled_in_one_step(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(60))
        batch = outbox.claim(60, MUCH)
        outbox.settle({each.number: DELIVERED for each in batch[::2]}, at=NOON)
        assert totals(outbox)["delivered"] == 30
        outbox.settle({each.number: Settled(state=State.PENDING) for each in batch[1::2]}, at=NOON)
        assert [each.number for each in outbox.claim(60, MUCH)] == [each.number for each in batch[1::2]]


def test_what_is_not_claimed_cannot_be_settled_and_nothing_beside_it_is(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(3))
        claimed = outbox.claim(2, MUCH)
        outcomes = {each.number: DELIVERED for each in claimed} | {claimed[1].number + 1: DELIVERED}
        with pytest.raises(OutboxError, match="not on its way"):
            outbox.settle(outcomes, at=NOON)
        assert totals(outbox)["delivered"] == 0
        outbox.settle({claimed[0].number: DELIVERED}, at=NOON)
        with pytest.raises(OutboxError, match="not on its way"):
            outbox.settle({claimed[0].number: DELIVERED}, at=NOON)


def test_what_was_claimed_and_not_settled_is_pending_when_the_outbox_is_opened_again(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, orders(3))
        outbox.claim(2, MUCH)
    with place.open() as outbox:
        assert [each.event_id for each in outbox.claim(9, MUCH)] == orders(3)


@pytest.mark.parametrize("opened_as", list(Guarantee))
def test_at_most_once_what_was_claimed_and_not_settled_is_unconfirmed_however_it_is_opened(
    place: Place, opened_as: Guarantee
) -> None:
    with place.open(guarantee=Guarantee.AT_MOST_ONCE) as outbox:
        read_all(outbox, orders(3))
        outbox.claim(2, MUCH)
    with place.open(guarantee=opened_as) as outbox:
        (account,) = outbox.accounts()
        assert (account.dead, account.pending) == ({"unconfirmed": 2}, 1)
        assert [each.event_id for each in outbox.claim(9, MUCH)] == orders(1, first=2)


def test_a09_dead_letters_are_replayed_by_day_and_reason_once_their_row_is_read_again(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, ["a", "b"], MONDAY)
        read_all(outbox, ["c"], TUESDAY)
        settle_all(outbox, REFUSED)
        assert outbox.pending_days() == []
        assert outbox.replay(reason="unconfirmed") == {}
        assert outbox.replay() == {MONDAY: 2, TUESDAY: 1}
        assert outbox.replay(day=MONDAY, reason="refused") == {MONDAY: 2}
        assert outbox.pending_days() == [MONDAY, TUESDAY]
        assert totals(outbox)["dead"] == 3
        outbox.record(MONDAY, [pending("a")], at=NOON)
        assert outbox.pending_days() == [MONDAY, TUESDAY]
        assert settle_all(outbox, DELIVERED) == 1
        # The row of b is gone: it stays a dead letter, and nobody waits for it.
        assert outbox.pending_days() == [TUESDAY]
        assert totals(outbox) == {"read": 3, "delivered": 1, "pending": 0, "filtered": 0, "dead": 2}
        outbox.record(MONDAY, [pending("a", "b")], at=NOON)
        assert outbox.claim(9, MUCH) == []


def test_a09_dead_letters_show_ids_reasons_and_fields(place: Place) -> None:
    with place.open() as outbox:
        outbox.record(TUESDAY, [verdicts(verdict("x", "dead", "amount_unusable", "amount,currency"))], at=NOON)
        outbox.record(MONDAY, [pending("a")], at=NOON)
        settle_all(outbox, REFUSED)
        assert outbox.dead_letters().rows() == [
            (MONDAY, "a", "PURCHASE", "refused", None, NOON),
            (TUESDAY, "x", "PURCHASE", "amount_unusable", "amount,currency", NOON),
        ]
        assert outbox.dead_letters(day=TUESDAY)["event_id"].to_list() == ["x"]
        assert outbox.dead_letters(most=1).height == 1
        assert outbox.dead_letters(day=date(2026, 1, 1)).columns == outbox.dead_letters().columns


def test_what_was_delivered_is_counted_by_the_hour_of_its_delivery(place: Place) -> None:
    times = [datetime(2026, 11, 3, 9, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 11, 3, 10, tzinfo=UTC)]
    with place.open() as outbox:
        read_all(outbox, orders(3))
        for moment in times:
            (event,) = outbox.claim(1, MUCH)
            outbox.settle({event.number: DELIVERED}, at=moment)
        hour = timedelta(hours=1)
        nine, ten = (moment.replace(minute=0, second=0, microsecond=0) for moment in times)
        assert outbox.delivered_by_hour(nine, ten + hour).rows() == [(nine, "PURCHASE", 1), (ten, "PURCHASE", 1)]
        assert outbox.delivered_by_hour(nine, ten).rows() == [(nine, "PURCHASE", 1)]
        assert outbox.delivered_by_hour(ten + hour, ten + 2 * hour).is_empty()


def test_a10_a_forgotten_day_keeps_its_account_and_cannot_be_read_again(place: Place) -> None:
    with place.open() as outbox:
        outbox.record(MONDAY, [verdicts(verdict("a"), verdict("b", "filtered", "too_old"), verdict("a"))], at=NOON)
        assert outbox.forget_before(TUESDAY) == 0, "an event of it is still to be sent"
        settle_all(outbox, DELIVERED)
        read_all(outbox, ["c"], TUESDAY)
        before = outbox.accounts()
        assert outbox.forget_before(TUESDAY) == 2
        assert outbox.forget_before(TUESDAY) == 0
        assert outbox.accounts() == before
        assert totals(outbox) == {"read": 4, "delivered": 1, "pending": 1, "filtered": 2, "dead": 0}
        with pytest.raises(OutboxError, match="2026-11-02 of the feed purchases is closed"):
            outbox.record(MONDAY, [pending("a")], at=NOON)
        assert outbox.accounts() == before


def test_everything_is_there_when_it_is_opened_again_and_feeds_are_apart(place: Place) -> None:
    with place.open("one") as one, place.open("two") as two:
        read_all(one, orders(3))
        read_all(two, orders(2))
        settle_all(one, DELIVERED)
    with place.open("one") as one, place.open("two") as two:
        assert totals(one) == {"read": 3, "delivered": 3, "pending": 0, "filtered": 0, "dead": 0}
        assert totals(two) == {"read": 2, "delivered": 0, "pending": 2, "filtered": 0, "dead": 0}


def test_a_second_run_of_the_feed_waits_and_then_says_who_is_in_the_way(place: Place) -> None:
    with place.open() as outbox:
        read_all(outbox, ["a"])
        waited: list[float] = []
        with (
            pytest.raises(
                OutboxBusy, match="holds the outbox of the feed purchases and has not ended within 2 seconds"
            ),
            open_outbox("purchases", place.state, wait=2, sleep=waited.append),
        ):
            pass
        assert sum(waited) == 2
        assert settle_all(outbox, DELIVERED) == 1
    with place.open() as outbox:
        assert totals(outbox)["delivered"] == 1


def test_a_look_shows_the_same_and_changes_nothing(place: Place) -> None:
    with pytest.raises(OutboxMissing, match="purchases has no outbox yet"), place.look():
        pass
    with place.open() as outbox:
        read_all(outbox, ["a"])
        accounts = outbox.accounts()
    with place.look() as views:
        assert views.accounts() == accounts
        assert views.pending_days() == [MONDAY]
        assert views.dead_letters().is_empty()


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_the_ends_of_each_day_are_claimed_newest_first_and_what_was_fetched_ahead_is_among_them(
    place: Place, guarantee: Guarantee
) -> None:
    with place.open(guarantee=guarantee) as outbox:
        read_all(outbox, orders(5), MONDAY)
        read_all(outbox, orders(1, first=5), TUESDAY)
        claimed = outbox.claim(1, 1_000_000)
        numbers = outbox.ends(10)
        ends = [each for number in numbers for each in outbox.claim_these([number])]
        assert [each.event_id for each in ends] == ["order-00005", "order-00004", "order-00001"]
        outbox.settle({each.number: Settled(state=State.PENDING) for each in ends[1:]}, at=NOON)
        outbox.settle({ends[0].number: Settled(state=State.DELIVERED)}, at=NOON)
        outbox.settle({claimed[0].number: Settled(state=State.DELIVERED)}, at=NOON)
        assert [each.event_id for each in outbox.claim_these(outbox.ends(1))] == ["order-00004"]
        with pytest.raises(OutboxError):
            outbox.claim_these(numbers[:1])
        rest = outbox.claim(10, 1_000_000)
        assert [each.event_id for each in rest] == ["order-00001", "order-00002", "order-00003"]
        assert outbox.ends(10) == outbox.claim_these([]) == []
