"""Events of somebody who asks to be forgotten leave every outbox at once, and stay in its accounts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress

import polars as pl
import pytest

from spotify_pipeline.conversions import Guarantee, kept_outboxes
from spotify_pipeline.conversions.outbox.model import Outbox, OutboxBusy
from spotify_pipeline.rows import DigestSet
from spotify_pipeline_tests.conversions.outbox_making import (
    MONDAY,
    NOON,
    TUESDAY,
    FakeSpotify,
    Place,
    delivered,
    totals,
    verdict,
    verdicts,
)

DEVICE = "0a1b2c3d-0000-4000-8000-00000000beef"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


ADA = {"hashed_emails": [sha("x@example.com"), sha("ada@example.com")], "ip_address": "203.0.113.12"}
PHONE = {"hashed_phone_number": sha("+46701740605")}
ON_DEVICE = {"device_id": DEVICE}
BOB = {"hashed_emails": [sha("bob@example.com")]}


def of(key: str, person: Mapping[str, object]) -> dict[str, object]:
    return {**verdict(key), "body": json.dumps({"event_id": key, "user_data": person})}


def read(outbox: Outbox) -> None:
    outbox.record(MONDAY, [verdicts(of("a", ADA), of("b", BOB), of("p", PHONE))], at=NOON)
    outbox.record(TUESDAY, [verdicts(of("d", ON_DEVICE), of("a2", ADA))], at=NOON)


def set_of(*digests: str) -> DigestSet:
    return DigestSet.of(pl.Series(digests))


@pytest.mark.stress
@pytest.mark.parametrize(
    ("digest", "left"),
    [
        (sha("ada@example.com"), ["b", "d", "p"]),
        (sha("+46701740605"), ["a", "a2", "b", "d"]),
        (sha(DEVICE), ["a", "a2", "b", "p"]),
        (sha(DEVICE.upper()), ["a", "a2", "b", "p"]),
        (sha("nobody@example.com"), ["a", "a2", "b", "d", "p"]),
    ],
)
def test_p21_events_of_a_forgotten_person_are_filtered_at_once_and_accounts_add_up(
    place: Place, digest: str, left: list[str]
) -> None:
    with place.open() as outbox:
        read(outbox)
    with place.open() as outbox:
        erased = outbox.erase(set_of(digest), at=NOON)
        assert totals(outbox) == {
            "read": 5,
            "delivered": 0,
            "pending": len(left),
            "filtered": 5 - len(left),
            "dead": 0,
        }
        assert erased == 5 - len(left)
        reasons = {reason for each in outbox.accounts() for reason in each.filtered}
        assert reasons == ({"erased"} if erased else set())
    spotify = FakeSpotify()
    with place.open() as outbox:
        delivered(outbox, spotify, place)
    assert spotify.view == left


def test_p21_nothing_of_their_body_stays(place: Place) -> None:
    with place.open() as outbox:
        read(outbox)
    with place.open() as outbox:
        outbox.erase(set_of(sha("ada@example.com"), sha(DEVICE)), at=NOON)
    with place.look() as outbox:
        (frame,) = outbox.waiting_people()
        assert sorted(set(frame["hashed"])) == sorted([sha("bob@example.com"), sha("+46701740605")])
    kept = "".join(place.bodies().values())
    assert sha("bob@example.com") in kept
    assert sha("ada@example.com") not in kept
    assert "203.0.113.12" not in kept


def test_p21_what_a_dead_run_left_on_its_way_at_most_once_stays_unconfirmed(place: Place) -> None:
    with place.open(guarantee=Guarantee.AT_MOST_ONCE) as outbox:
        read(outbox)
    with suppress(RuntimeError), place.open(guarantee=Guarantee.AT_MOST_ONCE) as outbox:
        assert len(outbox.claim(1, 1)) == 1
        raise RuntimeError
    with place.open() as outbox:
        assert outbox.erase(set_of(sha("ada@example.com")), at=NOON) == 1
        assert totals(outbox) == {"read": 5, "delivered": 0, "pending": 3, "filtered": 1, "dead": 1}


def test_p21_an_outbox_that_is_held_says_so(place: Place) -> None:
    with place.open() as outbox:
        read(outbox)
        with pytest.raises(OutboxBusy), place.open():
            pass


def test_p21_every_outbox_is_found(place: Place) -> None:
    assert kept_outboxes(place.state) == []
    for feed in ("web_shop", "app"):
        with place.open(feed):
            pass
    assert kept_outboxes(place.state) == ["app", "web_shop"]
