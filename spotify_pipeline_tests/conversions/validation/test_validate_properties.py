"""Whatever the warehouse holds: one verdict a row, bodies as Spotify takes them, no identifier where none belongs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.conversions.model.plan import EventIdSource, OptOutPolicy
from spotify_pipeline.conversions.model.verdict import Dead, Filtered
from spotify_pipeline.conversions.validation.validate import validate_events
from spotify_pipeline.identity import digest
from spotify_pipeline.rows import DigestSet, Suppressions
from spotify_pipeline_tests.conversions.body_checker import violations
from spotify_pipeline_tests.conversions.validating import NOW, PLAN, PURCHASE, plan_with

NAMES = {"ping": None, "bought": "PURCHASE"}
PLANS = [
    plan_with(names=NAMES),
    plan_with(names=NAMES, event_id=EventIdSource(columns=("order_id", "email"), hashed=True), consent_column=None),
    plan_with(names=NAMES, opt_out_policy=OptOutPolicy.DROP, purchase_needs_amount=False, max_age=timedelta(days=1)),
    plan_with(identifiers=None, opt_out_column=None, content_category=None, currency=None),
]
ERASED = "forgotten@example.com"
SUPPRESSIONS = Suppressions({"erasure": DigestSet.of(digest(pl.Series([ERASED])))})

ADDRESSES = ["anna@example.com", " Björn.Å@Example.ORG", "a+b@example.net", ERASED]
PHONES = ["+12025550123", "(202) 555-0143", "202-555-0199"]
IN_URLS = [each.replace("@", "%40") for each in ADDRESSES]
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
CHOICES: dict[str, list[str | None]] = {
    "event": ["PURCHASE", "view", "bought", "ping", "Search", "ADDTOCART", None],
    "order_id": ["order-1", "order-2", " 3 ", '"\\', "\x07", "x" * 257, None, "", *ADDRESSES, PHONES[0]],
    "happened_at": ["2026-11-22T10:00:00Z", "2026-11-21", "2026-11-22T12:03:00Z", "2027-01-01", "2026-01-01", "x"],
    "email": [*ADDRESSES, "no address", None, ""],
    "second_email": [*ADDRESSES, None, None],
    "phone": [*PHONES, "12", None],
    "device": ["aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "A" * 32, "f" * 64, "0" * 32, None],
    "ip": ["203.0.113.12", "10.0.0.1", "2001:db8::1", "::1", "?", None],
    "total": ["100.00", "0.1", "-1", "1,000", "1e3", None],
    "currency": ["USD", "sek", "DEM", "", None],
    "title": ["A coat", '"\\\n\x01', "", None, *ADDRESSES, *(f"For {each}!" for each in ADDRESSES)],
    "category": ["35", "Coats", "0", None],
    "url": ["https://example.com/a?b#c", "https://u:p@example.com", "x", "HTTPS://example.com/ä", None,
            *(f"https://example.com/{part}{each}#{each}" for each in [*ADDRESSES, *IN_URLS] for part in ("", "a?b="))],
    "channel": ["web", "APP", "store", None],
    "consent": ["yes", "yes", "yes", "no", None],
    "opted_out": ["yes", "no", None],
}  # fmt: skip
VALUES = {name: st.one_of(st.sampled_from(CHOICES[name]), TEXTS) for name in PURCHASE}
SLIGHTLY_WRONG = st.lists(
    st.one_of([st.tuples(st.just(name), st.sampled_from(CHOICES[name])) for name in PURCHASE]), max_size=6
).map(lambda changes: {**PURCHASE, **dict(changes)})
ROW = st.one_of(SLIGHTLY_WRONG, SLIGHTLY_WRONG, st.fixed_dictionaries(VALUES))
# Judging costs little for a row and much for a frame.
ROWS = st.one_of(
    st.lists(ROW, min_size=12, max_size=24), st.lists(ROW, min_size=12, max_size=24), st.lists(ROW, max_size=2)
)


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(PURCHASE, pl.String))


@pytest.mark.stress
@settings(max_examples=25)
@given(ROWS, st.sampled_from(PLANS))
def test_a10_a12_every_row_gets_one_verdict_and_bodies_are_as_spotify_takes_them(rows: list[Any], plan: Any) -> None:
    found = validate_events(frame(rows), plan, now=NOW, suppressions=SUPPRESSIONS)
    assert found.height == len(rows)
    for each in found.iter_rows(named=True):
        assert each["key"]
        if each["state"] == "pending":
            # An optional parameter that is unknown is left out, and named.
            assert each["reason"] is None
            assert each["fields"] in (None, "action_source")
            assert each["key"] == each["event_id"] == json.loads(each["body"])["event_id"]
            if plan.purchase_needs_amount and plan.currency is not None:
                assert violations(each["body"], NOW) == []
            else:
                assert set(violations(each["body"], NOW)) <= {"a purchase without revenue"}
        elif each["state"] == "filtered":
            assert (each["body"], each["fields"]) == (None, None)
            assert Filtered(each["reason"]) is not Filtered.REPEATED
        else:
            assert each["state"] == "dead"
            assert each["body"] is None
            assert Dead(each["reason"])
            assert len(set(each["fields"].split(","))) == len(each["fields"].split(","))


@pytest.mark.stress
@settings(max_examples=15)
@given(ROWS, st.sampled_from(PLANS))
def test_p03_a09_no_identifier_stands_in_a_verdict(rows: list[Any], plan: Any) -> None:
    for row, each in zip(rows, validate_events(frame(rows), plan, now=NOW).iter_rows(named=True), strict=True):
        everything = " ".join(str(each[column]) for column in ("key", "event_id", "reason", "fields", "body")).lower()
        for secret in [*ADDRESSES, *IN_URLS, *PHONES]:
            assert secret.strip().lower() not in everything
        kept = " ".join(str(each[column]) for column in ("reason", "fields"))
        for column in ("email", "phone", "device", "ip"):
            assert len(row[column] or "") < 9 or row[column] not in kept


@pytest.mark.stress
@settings(max_examples=12)
@given(ROWS, st.sampled_from(PLANS), st.data())
def test_a07_a08_a_verdict_depends_on_its_row_alone(rows: list[Any], plan: Any, data: st.DataObject) -> None:
    whole = validate_events(frame(rows), plan, now=NOW, suppressions=SUPPRESSIONS).rows()
    order = data.draw(st.permutations(range(len(rows))))
    cut = data.draw(st.integers(0, len(rows)))
    shuffled = [rows[n] for n in order]
    parts = [
        validate_events(frame(part), plan, now=NOW, suppressions=SUPPRESSIONS)
        for part in (shuffled[:cut], shuffled[cut:])
    ]
    assert pl.concat(parts).rows() == [whole[n] for n in order]


def test_p13_the_erased_are_in_no_body() -> None:
    rows = [{**PURCHASE, "email": ERASED, "order_id": f"{n}"} for n in range(3)]
    found = validate_events(frame(rows), PLAN, now=NOW, suppressions=SUPPRESSIONS)
    assert found["reason"].to_list() == ["erased"] * 3
