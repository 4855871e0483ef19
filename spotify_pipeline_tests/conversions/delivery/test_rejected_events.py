"""Events that Spotify refuses: which of a batch they are, and what becomes of the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from spotify_pipeline.conversions.delivery.deliver import MOST_REFUSED, DeliveryPlan, FeedRefused, deliver
from spotify_pipeline.conversions.outbox.model import Claimed, Guarantee, OutboxError
from spotify_pipeline.spotify import (
    InvalidRequest,
    PermissionDenied,
)
from spotify_pipeline_tests.conversions.outbox_making import (
    MONDAY,
    NOON,
    TUESDAY,
    FakeSpotify,
    Place,
    delivered,
    orders,
    pending,
    read_all,
    totals,
)
from spotify_pipeline_tests.examples import in_test_rest


@pytest.mark.parametrize("poisoned", [0, 731, *map(in_test_rest, (1, 499, 500, 999))])
def test_a02_one_bad_event_among_a_thousand_costs_twelve_calls_and_no_other_event(place: Place, poisoned: int) -> None:
    ids = orders(1_000)
    spotify = FakeSpotify(poison={ids[poisoned]})
    with place.open() as outbox:
        read_all(outbox, ids)
        report = delivered(outbox, spotify, place, batch=1_000)
        assert (report.delivered, report.dead) == (999, {"refused": 1})
        assert report.extra_calls == report.calls - 1 <= 12
        assert outbox.dead_letters()["event_id"].to_list() == [ids[poisoned]]
        assert totals(outbox) == {"read": 1_000, "delivered": 999, "pending": 0, "filtered": 0, "dead": 1}
    assert [ids[poisoned]] in spotify.requests, "it was refused alone"
    assert spotify.view == [each for each in ids if each != ids[poisoned]]
    assert set(spotify.taken.values()) == {1}


def test_a02_any_one_of_a_thousand_costs_at_most_twelve_calls(tmp_path_factory: pytest.TempPathFactory) -> None:
    from spotify_pipeline.conversions.delivery.bisect import Bisection, Refusal

    events = [Claimed(number=n, day=MONDAY, event_id=str(n), body="") for n in range(1_000)]
    for poisoned in range(1_000):
        calls, accepted = 0, list[int]()
        refused: list[Refusal] = []

        def send(batch: Sequence[Claimed], poisoned: int = poisoned) -> None:
            nonlocal calls
            calls += 1
            if any(each.number == poisoned for each in batch):
                raise InvalidRequest("no", status=400)

        Bisection(send, lambda batch, to=accepted: to.extend(each.number for each in batch), refused.append).settle(
            events
        )
        assert calls <= 13
        assert [each.event.number for each in refused] == [poisoned]
        assert sorted([*accepted, poisoned]) == list(range(1_000))


def test_a03_one_late_event_for_which_a_whole_batch_is_refused_is_found_as_well(place: Place) -> None:
    ids = orders(100)
    spotify = FakeSpotify(poison={ids[40]})
    with place.open() as outbox:
        outbox.record(MONDAY, [pending(*ids[:99])], at=NOON)
        delivered(outbox, FakeSpotify(), place)
        outbox.record(MONDAY, [pending(*ids)], at=NOON)
        outbox.record(TUESDAY, [pending(*orders(40, first=100))], at=NOON)
        spotify.poison = {ids[99]}
        report = delivered(outbox, spotify, place)
        assert (report.delivered, report.dead) == (40, {"refused": 1})
        assert outbox.dead_letters()["event_id"].to_list() == [ids[99]]
        assert report.extra_calls <= 12


@pytest.mark.parametrize("bad", [2, 9, 30])
def test_a02_several_bad_events_are_found_each_and_the_rest_is_delivered(place: Place, bad: int) -> None:
    ids = orders(120)
    poison = {*ids[:60:7], *ids[60 : 60 + bad]} if bad > 2 else {ids[3], ids[119]}
    spotify = FakeSpotify(poison=poison)
    with place.open() as outbox:
        read_all(outbox, ids)
        # A batch of which ten are refused before one is accepted would be held against the connection.
        report = delivered(outbox, spotify, place, batch=120)
        assert set(outbox.dead_letters()["event_id"]) == poison
        assert report.delivered == 120 - len(poison)
        assert report.extra_calls <= 12 * len(poison)
        assert totals(outbox)["pending"] == 0
    assert set(spotify.view) == set(ids) - poison


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a04_where_spotify_accepts_nothing_it_is_not_the_events(place: Place, batch: int) -> None:
    spotify = FakeSpotify(refuses_everything=True)
    with place.open() as outbox:
        read_all(outbox, orders(50))
        with pytest.raises(FeedRefused, match=r"all events are pending.*An event is not right") as caught:
            delivered(outbox, spotify, place, batch=batch)
        assert totals(outbox) == {"read": 50, "delivered": 0, "pending": 50, "filtered": 0, "dead": 0}
        assert "order-" not in str(caught.value)
        spotify.refuses_everything = False
        assert delivered(outbox, spotify, place, batch=batch).delivered == 50


@pytest.mark.parametrize("events", [1, 2])
def test_a20_one_or_two_events_that_are_refused_wait_until_another_is_accepted(place: Place, events: int) -> None:
    spotify = FakeSpotify(refuses_everything=True)
    with place.open() as outbox:
        read_all(outbox, orders(events))
        report = delivered(outbox, spotify, place)
        assert (report.dead, report.refused) == ({}, events)
        assert totals(outbox) == {"read": events, "delivered": 0, "pending": events, "filtered": 0, "dead": 0}
        spotify.refuses_everything, spotify.poison = False, set(orders(events))
        read_all(outbox, orders(1, first=10), TUESDAY)
        report = delivered(outbox, spotify, place)
        assert (report.delivered, report.dead, report.refused) == (1, {"refused": events}, 0)


def test_a20_a_spotify_that_refuses_everything_buries_nobody_however_few_come_at_a_time(place: Place) -> None:
    spotify = FakeSpotify(refuses_everything=True)
    with place.open() as outbox:
        for run in range(8):
            read_all(outbox, orders(2, first=2 * run), MONDAY + timedelta(days=run))
            try:
                assert delivered(outbox, spotify, place).refused == 2
                assert run == 0
            except FeedRefused:
                assert run > 0
            assert totals(outbox)["pending"] == totals(outbox)["read"] == 2 * run + 2
        spotify.refuses_everything = False
        assert delivered(outbox, spotify, place).delivered == 16


@pytest.mark.e2e
@pytest.mark.parametrize(("days", "batch"), [(1, 100), in_test_rest(2, 1_000), in_test_rest(5, 7)])
def test_a20_three_hundred_refused_events_hold_up_no_good_one(place: Place, days: int, batch: int) -> None:
    bad, good = orders(300), orders(1_000, first=300)
    spotify = FakeSpotify(poison=set(bad))
    with place.open() as outbox:
        if days == 1:
            read_all(outbox, [*bad, *good])
        else:
            read_all(outbox, bad)
            for day in range(1, days):
                read_all(outbox, good[day - 1 :: days - 1], MONDAY + timedelta(days=day))
        report = delivered(outbox, spotify, place, batch=batch)
        assert (report.delivered, report.dead, report.refused) == (1_000, {"refused": 300}, 0)
    assert set(spotify.view) == set(good)
    assert set(spotify.taken.values()) == {1}


@pytest.mark.stress
@pytest.mark.parametrize("good_day", [3, *map(in_test_rest, (0, 6))])
def test_a20_every_day_is_tried_before_it_is_concluded_that_everything_is_refused(place: Place, good_day: int) -> None:
    spotify = FakeSpotify()
    with place.open() as outbox:
        for day in range(7):
            ids = orders(40, first=40 * day)
            spotify.poison |= set() if day == good_day else set(ids)
            read_all(outbox, ids, MONDAY + timedelta(days=day))
        # What follows the good day waits for a good event after it: it may be Spotify that refuses everything now.
        with suppress(FeedRefused):
            delivered(outbox, spotify, place, batch=20)
    assert spotify.view == orders(40, first=40 * good_day)


def test_a20_a_spotify_that_begins_to_refuse_everything_amid_a_delivery_buries_nobody_after_that(place: Place) -> None:
    spotify = FakeSpotify()

    def send(bodies: Sequence[str]) -> None:
        spotify.refuses_everything = len(spotify.requests) >= 3
        spotify.send(bodies)

    with place.open() as outbox:
        for day in range(5):
            read_all(outbox, orders(100, first=100 * day), MONDAY + timedelta(days=day))
        with pytest.raises(FeedRefused):
            deliver(outbox, send, DeliveryPlan(batch_events=20), clock=place.clock)
        assert totals(outbox) == {"read": 500, "delivered": 60, "pending": 440, "filtered": 0, "dead": 0}
        assert len(spotify.requests) < 3 + 12 * MOST_REFUSED + 10, "ten suspects, and two of each day"


def test_a20_people_who_asked_to_be_forgotten_are_not_tried_either(place: Place) -> None:
    bad, good = orders(60), orders(10, first=60)
    spotify, asked = FakeSpotify(poison=set(bad)), list[str]()

    def erasure_filter(events: Sequence[Claimed]) -> list[int]:
        asked.extend(each.event_id for each in events)
        return [each.number for each in events if each.event_id == good[-1]]

    with place.open() as outbox:
        read_all(outbox, bad)
        read_all(outbox, good, TUESDAY)
        report = deliver(
            outbox, spotify.send, DeliveryPlan(batch_events=20), clock=place.clock, erasure_filter=erasure_filter
        )
        assert (report.delivered, report.dead, report.filtered) == (9, {"refused": 60}, {"erased": 1})
    assert good[-1] in asked
    assert not any(good[-1] in each for each in spotify.requests)


@pytest.mark.stress
@pytest.mark.parametrize("guarantee", list(Guarantee))
@pytest.mark.parametrize("dies_at", [1, 4, 7])
def test_a18_a20_a_death_while_days_are_tried_costs_no_other_event_than_the_one_on_its_way(
    place: Place, guarantee: Guarantee, dies_at: int
) -> None:
    spotify = FakeSpotify(refuses_everything=True)
    with place.open(guarantee=guarantee) as outbox:
        for day in range(8):
            read_all(outbox, orders(20, first=20 * day), MONDAY + timedelta(days=day))
        real, tried, dead = outbox, list[str](), False

        class Dying:
            def __getattr__(self, name: str) -> object:
                if dead:
                    raise OutboxError("This process is dead.")
                return getattr(real, name)

        def send(bodies: Sequence[str]) -> None:
            nonlocal dead
            if len(bodies) == 1 and json.loads(bodies[0])["event_id"] >= "order-00020":  # no suspect's day
                tried.append(bodies[0])
                dead = len(tried) == dies_at
            if dead:
                raise OutboxError("This process is dead.")
            spotify.send(bodies)

        plan = DeliveryPlan(guarantee=guarantee, batch_events=20)
        with pytest.raises(OutboxError, match="dead"):
            deliver(Dying(), send, plan, clock=place.clock)  # type: ignore[arg-type]
    with place.open(guarantee=guarantee) as outbox:
        lost = 1 if guarantee is Guarantee.AT_MOST_ONCE else 0
        assert totals(outbox) == {"read": 160, "delivered": 0, "pending": 160 - lost, "filtered": 0, "dead": lost}


def test_a_few_refused_first_are_dead_letters_once_another_is_accepted(place: Place) -> None:
    ids = orders(12)
    with place.open() as outbox:
        read_all(outbox, ids)
        report = delivered(outbox, FakeSpotify(poison=set(ids[:9])), place, batch=1)
        assert (report.delivered, report.dead, report.extra_calls) == (3, {"refused": 9}, 0)


def test_a_batch_that_is_wholly_bad_holds_up_no_other(place: Place) -> None:
    ids = orders(140)
    spotify = FakeSpotify(poison=set(ids[:30]))
    with place.open() as outbox:
        read_all(outbox, ids[:60], MONDAY)
        read_all(outbox, ids[60:], TUESDAY)
        report = delivered(outbox, spotify, place, batch=20)
        assert (report.delivered, report.dead) == (110, {"refused": 30})
        assert totals(outbox)["pending"] == 0
    assert set(spotify.view) == set(ids[30:])
    assert set(spotify.taken.values()) == {1}


def test_a_request_that_is_too_large_is_halved_and_nobody_is_at_fault(place: Place) -> None:
    spotify = FakeSpotify(most=30)
    with place.open() as outbox:
        read_all(outbox, orders(200))
        report = delivered(outbox, spotify, place)
        assert (report.delivered, report.dead) == (200, {})
    assert [len(each) for each in spotify.requests[3:]] == [25] * 7, "it remembers what fits"


def test_an_event_that_is_too_large_alone_is_a_dead_letter(place: Place) -> None:
    def send(bodies: Sequence[str]) -> None:
        if any("order-00003" in each for each in bodies):
            raise InvalidRequest("Too large.", status=413)

    with place.open() as outbox:
        read_all(outbox, orders(8))
        report = deliver(outbox, send, DeliveryPlan(), clock=place.clock)
        assert (report.delivered, report.dead) == (7, {"too_large": 1})


def test_a04_a_token_that_ends_while_bad_events_are_sought_leaves_only_what_is_certain(place: Place) -> None:
    ids = orders(64)
    spotify = FakeSpotify(poison={ids[60]})
    with place.open() as outbox:
        read_all(outbox, ids)
        for after in range(1, 8):
            refusals: list[BaseException] = [*[InvalidRequest("no", status=400)] * after, PermissionDenied("403")]
            spotify.answers = [(each, False) for each in refusals]
            with pytest.raises(PermissionDenied):
                delivered(outbox, spotify, place)
            assert totals(outbox) == {"read": 64, "delivered": 0, "pending": 64, "filtered": 0, "dead": 0}
        assert delivered(outbox, spotify, place).delivered == 63
