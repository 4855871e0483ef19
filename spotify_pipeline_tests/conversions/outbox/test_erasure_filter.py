"""Events of people who asked to be forgotten, told by the digests in their bodies."""

from __future__ import annotations

import hashlib
import json

import polars as pl
import pytest

from spotify_pipeline.conversions.outbox.erasure_filter import filter_erased
from spotify_pipeline.conversions.outbox.model import Claimed, OutboxError
from spotify_pipeline.rows import DigestSet
from spotify_pipeline_tests.conversions.outbox_making import MONDAY

DEVICE = "0a1b2c3d-0000-4000-8000-00000000beef"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def event(number: int, **person: object) -> Claimed:
    body = json.dumps({"event_id": str(number), "user_data": person})
    return Claimed(number=number, day=MONDAY, event_id=str(number), body=body)


EVENTS = [
    event(1, hashed_emails=[sha256("a@example.com"), sha256("b@example.com")]),
    event(2, hashed_phone_number=sha256("+15550100")),
    event(3, device_id=DEVICE, ip_address="203.0.113.12"),
    event(4, device_id=DEVICE.upper()),
    event(5, ip_address="203.0.113.12"),
    event(6, hashed_emails=[sha256("c@example.com")]),
]


@pytest.mark.parametrize(
    ("identifier", "named"),
    [
        ("b@example.com", {1}),
        ("+15550100", {2}),
        (DEVICE, {3, 4}),
        (DEVICE.upper(), {3, 4}),
        ("nobody@example.com", set[int]()),
    ],
)
def test_a11_who_holds_an_erased_digest_is_named(identifier: str, named: set[int]) -> None:
    assert set(filter_erased(lambda: DigestSet.of(pl.Series([sha256(identifier)])))(EVENTS)) == named


def test_nobody_asked_to_be_forgotten() -> None:
    assert list(filter_erased(DigestSet.of)(EVENTS)) == []


def test_p13_a_body_that_cannot_be_read_is_not_quoted() -> None:
    broken = Claimed(number=1, day=MONDAY, event_id="1", body='{"user_data": a@example.com')
    with pytest.raises(OutboxError, match="people who asked to be forgotten stopped") as caught:
        filter_erased(lambda: DigestSet.of(pl.Series([sha256("a")])))([broken])
    assert "example.com" not in str(caught.value)
    assert caught.value.__suppress_context__
