"""What Spotify gets of an outbox, whatever it answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, DeliveryReport, FeedStopped, Send, deliver
from spotify_pipeline.conversions.outbox.model import Claimed, Guarantee, OutboxError
from spotify_pipeline.retries import DELIVERY
from spotify_pipeline.spotify import (
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedResponse,
    UnknownSuccess,
)
from spotify_pipeline_tests.conversions.outbox_making import (
    CANARY,
    MONDAY,
    NOON,
    TUESDAY,
    FakeSpotify,
    Place,
    delivered,
    lost_answer,
    orders,
    pending,
    read_all,
    totals,
)

ONCE = Guarantee.AT_MOST_ONCE


def test_everything_pending_is_sent_oldest_day_first_a_batch_a_request(place: Place) -> None:
    spotify = FakeSpotify()
    told: list[DeliveryReport] = []
    with place.open() as outbox:
        read_all(outbox, orders(3, first=4), TUESDAY)
        read_all(outbox, orders(4), MONDAY)
        report = deliver(outbox, spotify.send, DeliveryPlan(batch_events=3), clock=place.clock, on_batch=told.append)
        assert totals(outbox) == {"read": 7, "delivered": 7, "pending": 0, "filtered": 0, "dead": 0}
        assert report == DeliveryReport(delivered=7, calls=3)
        assert [each.delivered for each in told] == [3, 6, 7]
        assert delivered(outbox, spotify, place) == DeliveryReport()
    assert spotify.requests == [orders(3), orders(3, first=3), orders(1, first=6)]


def test_a01_an_outage_is_waited_for_and_the_same_events_are_sent_again(place: Place) -> None:
    spotify, slept = FakeSpotify(), list[float]()
    spotify.answers = [(lost_answer(), True), (lost_answer(), False), (SpotifyUnavailable("Not reached."), False)]
    plan = DeliveryPlan(batch_events=10, retries=replace(DELIVERY, tries=4, pauses=(1.0, 2.0, 4.0)))
    with place.open() as outbox:
        read_all(outbox, orders(30))
        report = deliver(outbox, spotify.send, plan, clock=place.clock, sleep=slept.append, random=lambda: 0.5)
        assert (report.delivered, report.calls) == (30, 6)
        assert slept == [0.5, 1.0, 2.0]
    assert spotify.requests[:4] == [orders(10)] * 4
    assert spotify.view == orders(30)


def test_a01_a_long_outage_ends_the_delivery_and_pauses_begin_anew_after_each_answer(place: Place) -> None:
    spotify, slept = FakeSpotify(), list[float]()
    unreached = [(SpotifyUnavailable("Not reached."), False)] * 2
    plan = DeliveryPlan(batch_events=10, retries=replace(DELIVERY, tries=3, pauses=(1.0, 2.0)))
    with place.open() as outbox:
        read_all(outbox, orders(30))
        spotify.answers = list(unreached)
        deliver(outbox, spotify.send, plan, clock=place.clock, sleep=slept.append, random=lambda: 1.0)
        read_all(outbox, orders(10, first=30), TUESDAY)
        spotify.answers = [*unreached, *unreached]
        with pytest.raises(SpotifyUnavailable):
            deliver(outbox, spotify.send, plan, clock=place.clock, sleep=slept.append, random=lambda: 1.0)
        assert slept == [1.0, 2.0, 1.0, 2.0]
        assert totals(outbox) == {"read": 40, "delivered": 30, "pending": 10, "filtered": 0, "dead": 0}


@pytest.mark.stress
@pytest.mark.parametrize("guarantee", list(Guarantee))
@pytest.mark.parametrize(
    "error",
    [
        SpotifyError("401: the token is not valid.", status=401),
        PermissionDenied("403", status=403),
        NotFound("404", status=404),
        RateLimited("429", status=429),
        SpotifyUnavailable("Not reached."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a04_what_is_about_no_event_ends_the_delivery_and_everything_stays_pending(
    place: Place, error: SpotifyError, guarantee: Guarantee
) -> None:
    spotify = FakeSpotify()
    with place.open(guarantee=guarantee) as outbox:
        read_all(outbox, orders(30))
        spotify.answers = [(error, False)]
        with pytest.raises(type(error)) as caught:
            delivered(outbox, spotify, place, batch=10, guarantee=guarantee)
        assert caught.value is error
        assert totals(outbox) == {"read": 30, "delivered": 0, "pending": 30, "filtered": 0, "dead": 0}
        assert delivered(outbox, spotify, place, batch=10, guarantee=guarantee).delivered == 30
    assert spotify.requests[1:] == [orders(10), orders(10, first=10), orders(10, first=20)]
    assert set(spotify.taken.values()) == {1}


@pytest.mark.parametrize("error", [lost_answer(), UnexpectedResponse("?", may_have_happened=True)])
def test_a01_an_answer_that_is_lost_after_spotify_accepted_is_made_good_with_the_same_ids(
    place: Place, error: SpotifyError
) -> None:
    spotify = FakeSpotify(answers=[(error, True)])
    with place.open() as outbox:
        read_all(outbox, orders(20))
        with pytest.raises(type(error)):
            delivered(outbox, spotify, place, batch=10)
        assert totals(outbox)["pending"] == 20
    with place.open() as outbox:
        delivered(outbox, spotify, place, batch=10)
        assert totals(outbox)["delivered"] == 20
    assert spotify.view == orders(20)
    assert spotify.requests[0] == spotify.requests[1] == orders(10)


@pytest.mark.parametrize(
    "error",
    [lost_answer(), InvalidRequest("Errors in a success.", status=200, may_have_happened=True), KeyboardInterrupt()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("took", [True, False])
def test_a01_a18_at_most_once_an_answer_that_is_lost_is_for_a_person_to_judge(
    place: Place, error: BaseException, took: bool
) -> None:
    spotify = FakeSpotify(answers=[(error, took)])
    with place.open(guarantee=ONCE) as outbox:
        read_all(outbox, orders(20))
        kind = UnexpectedResponse if isinstance(error, SpotifyError) else type(error)
        with pytest.raises(kind):
            delivered(outbox, spotify, place, batch=10, guarantee=ONCE)
        (account,) = outbox.accounts()
        assert (account.dead, account.pending) == ({"unconfirmed": 10}, 10)
        outbox.resume()
        delivered(outbox, spotify, place, batch=10, guarantee=ONCE)
        assert totals(outbox) == {"read": 20, "delivered": 10, "pending": 0, "filtered": 0, "dead": 10}
    assert set(spotify.taken.values()) == {1}


@pytest.mark.parametrize("guarantee", list(Guarantee))
def test_a05_a_delivery_that_is_interrupted_loses_and_doubles_nothing(place: Place, guarantee: Guarantee) -> None:
    ids = orders(40)
    spotify = FakeSpotify(poison={ids[35]})
    with place.open(guarantee=guarantee) as outbox:
        read_all(outbox, ids)

    def interrupted(bodies: Sequence[str]) -> None:
        spotify.send(bodies)
        if len(spotify.requests) % 3 == 0:
            raise KeyboardInterrupt

    plan = DeliveryPlan(batch_events=5, guarantee=guarantee)
    for _ in range(20):
        try:
            with place.open(guarantee=guarantee) as outbox:
                deliver(outbox, interrupted, plan, clock=place.clock)
        except KeyboardInterrupt:
            continue
        break
    with place.open(guarantee=guarantee) as outbox:
        # Where everything else is unconfirmed, the bad event waits for another that is accepted.
        read_all(outbox, orders(1, first=40))
        deliver(outbox, spotify.send, plan, clock=place.clock)
        counted = totals(outbox)
        assert counted["read"] == 41
        assert counted["pending"] == 0
        dead = set(outbox.dead_letters()["event_id"])
    assert spotify.view == [each for each in orders(41) if each != ids[35]]
    assert set(spotify.taken.values()) == {1} or guarantee is Guarantee.AT_LEAST_ONCE
    assert (dead == {ids[35]}) == (guarantee is Guarantee.AT_LEAST_ONCE)


def test_a05_an_event_whose_success_could_not_be_noted_is_sent_again_with_its_id(place: Place) -> None:
    spotify = FakeSpotify()
    with place.open() as outbox:
        read_all(outbox, orders(5))
        settle, failures = outbox.settle, [OutboxError("The disk is full.")] * 2

        class Failing:
            claim = staticmethod(outbox.claim)
            stopped = staticmethod(outbox.stopped)

            @staticmethod
            def settle(outcomes: object, *, at: object) -> None:
                if failures:
                    raise failures.pop()
                settle(outcomes, at=at)  # type: ignore[arg-type]

        with pytest.raises(OutboxError, match="disk is full"):
            deliver(Failing(), spotify.send, DeliveryPlan(), clock=place.clock)  # type: ignore[arg-type]
        assert totals(outbox)["pending"] == 5
    with place.open() as outbox:
        assert delivered(outbox, spotify, place).delivered == 5
    assert spotify.requests == [orders(5), orders(5)]
    assert spotify.view == orders(5)


def test_a05_success_is_noted_at_the_latest_when_a_delivery_ends_however_it_ends(place: Place) -> None:
    spotify = FakeSpotify()
    with place.open() as outbox:
        read_all(outbox, orders(30))
        plan = DeliveryPlan(batch_events=10, retries=replace(DELIVERY, tries=1))
        spotify.send = stop_after(2, spotify.send)  # type: ignore[method-assign]
        with pytest.raises(PermissionDenied):
            deliver(outbox, spotify.send, plan, clock=place.clock)
        assert totals(outbox) == {"read": 30, "delivered": 20, "pending": 10, "filtered": 0, "dead": 0}


def stop_after(requests: int, send: Send) -> Send:
    """Sends so many requests; then the token is refused."""
    left = [None] * requests

    def sending(bodies: Sequence[str]) -> None:
        if not left:
            raise PermissionDenied("403", status=403)
        left.pop()
        send(bodies)

    return sending


def test_a09_replayed_dead_letters_are_sent_once_and_hold_no_values(place: Place) -> None:
    ids = orders(10)
    spotify = FakeSpotify(poison={ids[4], ids[7]})
    with place.open() as outbox:
        read_all(outbox, ids)
        delivered(outbox, spotify, place)
        assert CANARY not in json.dumps(outbox.dead_letters().rows(), default=str)
        spotify.poison = set()
        assert outbox.replay() == {MONDAY: 2}
        assert delivered(outbox, spotify, place).calls == 0, "its row is to be read first"
        for _ in range(2):
            outbox.record(MONDAY, [pending(*ids)], at=NOON)
            delivered(outbox, spotify, place)
        assert totals(outbox) == {"read": 10, "delivered": 10, "pending": 0, "filtered": 0, "dead": 0}
    assert spotify.view == ids
    assert set(spotify.taken.values()) == {1}


def test_a11_people_who_asked_to_be_forgotten_since_are_left_out_at_the_last_moment(place: Place) -> None:
    spotify = FakeSpotify()
    with place.open() as outbox:
        read_all(outbox, orders(6))

        def erasure_filter(events: Sequence[Claimed]) -> list[int]:
            return [each.number for each in events if each.event_id in ("order-00001", "order-00004")]

        report = deliver(
            outbox, spotify.send, DeliveryPlan(batch_events=4), clock=place.clock, erasure_filter=erasure_filter
        )
        assert (report.delivered, report.filtered, report.calls) == (4, {"erased": 2}, 2)
        (account,) = outbox.accounts()
        assert account.filtered == {"erased": 2}
        assert account.adds_up
    assert spotify.view == ["order-00000", "order-00002", "order-00003", "order-00005"]


def test_a_batch_of_erased_people_only_is_no_request(place: Place) -> None:
    spotify = FakeSpotify()
    with place.open() as outbox:
        read_all(outbox, orders(3))
        report = deliver(
            outbox,
            spotify.send,
            DeliveryPlan(),
            clock=place.clock,
            erasure_filter=lambda events: [e.number for e in events],
        )
        assert (report.calls, report.filtered) == (0, {"erased": 3})
    assert spotify.requests == []


def test_an_erasure_filter_that_fails_keeps_everything_pending(place: Place) -> None:
    def erasure_filter(events: Sequence[Claimed]) -> list[int]:
        raise OutboxError("The ledger cannot be trusted.")

    with place.open() as outbox:
        read_all(outbox, orders(3))
        with pytest.raises(OutboxError, match="ledger"):
            deliver(outbox, FakeSpotify().send, DeliveryPlan(), clock=place.clock, erasure_filter=erasure_filter)
        assert totals(outbox)["pending"] == 3


def unknown_success() -> UnknownSuccess:
    unknown = UnknownSuccess("It is not known.", status=200, may_have_happened=True)
    unknown.shown = '200 {"ok": false}'
    return unknown


@pytest.mark.parametrize("guarantee", list(Guarantee))
@pytest.mark.parametrize("took", [True, False])
def test_a21_after_an_unknown_success_nothing_is_sent_until_a_person_has_looked(
    place: Place, guarantee: Guarantee, took: bool
) -> None:
    spotify = FakeSpotify(answers=[(unknown_success(), took)])
    once = guarantee is ONCE
    with place.open(guarantee=guarantee) as outbox:
        read_all(outbox, orders(30))
        with pytest.raises(UnknownSuccess):
            delivered(outbox, spotify, place, batch=10, guarantee=guarantee)
    waiting = {"read": 30, "delivered": 0, "pending": 20 if once else 30, "filtered": 0, "dead": 10 if once else 0}
    for _ in range(3):
        with place.open(guarantee=guarantee) as outbox:
            with pytest.raises(FeedStopped, match=r'200 \{"ok": false\}.*taken_answers.*conversions resume'):
                delivered(outbox, spotify, place, batch=10, guarantee=guarantee)
            assert totals(outbox) == waiting
    assert len(spotify.requests) == 1
    with place.open(guarantee=guarantee) as outbox:
        assert outbox.resume()
        assert not outbox.resume()
        assert delivered(outbox, spotify, place, batch=10, guarantee=guarantee).delivered == waiting["pending"]
    assert max(spotify.taken.values()) == (2 if took and not once else 1)


def test_a21_a_feed_goes_on_by_itself_once_other_answers_are_stated(place: Place) -> None:
    spotify = FakeSpotify(answers=[(unknown_success(), True), (unknown_success(), True)])
    stated = DeliveryPlan(taken_answers=('200 {"ok": true}',))
    with place.open() as outbox:
        read_all(outbox, orders(3))
        with pytest.raises(UnknownSuccess):
            deliver(outbox, spotify.send, DeliveryPlan(), clock=place.clock)
        with pytest.raises(UnknownSuccess):
            deliver(outbox, spotify.send, stated, clock=place.clock)
        with pytest.raises(FeedStopped):
            deliver(outbox, spotify.send, stated, clock=place.clock)
        assert deliver(outbox, spotify.send, DeliveryPlan(), clock=place.clock).delivered == 3


def test_a21_what_was_accepted_before_an_unknown_success_is_delivered(place: Place) -> None:
    spotify = FakeSpotify(poison={"order-00003"})
    with place.open() as outbox:
        read_all(outbox, orders(30))

        def send(bodies: Sequence[str]) -> None:
            if len(spotify.requests) == 6:
                raise unknown_success()
            spotify.send(bodies)

        with pytest.raises(UnknownSuccess):
            deliver(outbox, send, DeliveryPlan(batch_events=10), clock=place.clock)
        counted = totals(outbox)
        assert counted["delivered"] == len(spotify.view) > 0
        assert counted["pending"] + counted["dead"] == 30 - len(spotify.view)


def test_a21_at_most_once_a_success_that_names_refused_parts_stops_the_feed(place: Place) -> None:
    parts = InvalidRequest("Errors in a success.", status=200, may_have_happened=True)
    spotify = FakeSpotify(answers=[(parts, True)])
    with place.open(guarantee=ONCE) as outbox:
        read_all(outbox, orders(20))
        with pytest.raises(UnknownSuccess):
            delivered(outbox, spotify, place, batch=10, guarantee=ONCE)
        with pytest.raises(FeedStopped, match="Spotify answered 200 with errors in it, which is not known"):
            delivered(outbox, spotify, place, batch=10, guarantee=ONCE)
        assert totals(outbox) == {"read": 20, "delivered": 0, "pending": 10, "filtered": 0, "dead": 10}


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("first", [0, 1])
def test_a18_at_most_once_a_refusal_that_may_have_taken_a_part_is_not_sent_in_halves(
    place: Place, status: int, first: int
) -> None:
    """Nor is a half of a batch, of which the whole was surely refused."""
    surely_not = (InvalidRequest("An event is not right.", status=400), False)
    unclear = (InvalidRequest("An event is not right.", status=status, may_have_happened=True), True)
    answers: list[tuple[BaseException, bool]] = [*[surely_not] * first, unclear]
    spotify = FakeSpotify(answers=answers)
    sent = 10 if first == 0 else 5
    with place.open(guarantee=ONCE) as outbox:
        read_all(outbox, orders(30))
        with pytest.raises(UnexpectedResponse) as caught:
            delivered(outbox, spotify, place, batch=10, guarantee=ONCE)
        assert not isinstance(caught.value, UnknownSuccess), "a refusal does not stop the feed"
        assert totals(outbox) == {"read": 30, "delivered": 0, "pending": 30 - sent, "filtered": 0, "dead": sent}
        assert delivered(outbox, spotify, place, batch=10, guarantee=ONCE).delivered == 30 - sent
    assert set(spotify.taken.values()) == {1}


def test_a21_at_least_once_a_success_that_names_refused_parts_is_sent_again_in_parts(place: Place) -> None:
    spotify, bad = FakeSpotify(), "order-00005"

    def send(bodies: Sequence[str]) -> None:
        if any(bad in each for each in bodies):
            raise InvalidRequest("Errors in a success.", status=200, may_have_happened=True)
        spotify.send(bodies)

    with place.open() as outbox:
        read_all(outbox, orders(20))
        report = deliver(outbox, send, DeliveryPlan(), clock=place.clock)
        assert (report.delivered, report.dead) == (19, {"refused": 1})
