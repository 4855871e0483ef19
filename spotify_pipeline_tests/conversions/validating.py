"""A plan that names every column, rows for it, and what is made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from spotify_pipeline.conversions.model.plan import Column, EventIdSource, FeedPlan, TimeSource
from spotify_pipeline.conversions.validation.validate import validate_events
from spotify_pipeline.identity import DeviceId, Email, Phone
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan, Suppressions

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

PEOPLE = IdentifierPlan(
    identifiers={
        "email": IdentifierColumns(kind=Email(), columns=("email", "second_email")),
        "phone": IdentifierColumns(kind=Phone(default_region="US"), columns=("phone",)),
        "device_id": IdentifierColumns(kind=DeviceId(), columns=("device",)),
    }
)

PLAN = FeedPlan(
    event_name=Column("event"),
    event_id=EventIdSource(columns=("order_id",)),
    event_time=TimeSource(column="happened_at", zone="Europe/Stockholm"),
    identifiers=PEOPLE,
    ip_address="ip",
    amount="total",
    currency=Column("currency"),
    content_name="title",
    content_category="category",
    event_source_url="url",
    action_source=Column("channel"),
    consent_column="consent",
    opt_out_column="opted_out",
)

PURCHASE: dict[str, Any] = {
    "event": "PURCHASE",
    "order_id": "order-1",
    "happened_at": "2026-11-22T10:00:00Z",
    "email": "anna@example.com",
    "second_email": None,
    "phone": None,
    "device": None,
    "ip": None,
    "total": "100.00",
    "currency": "USD",
    "title": None,
    "category": None,
    "url": None,
    "channel": None,
    "consent": "yes",
    "opted_out": None,
}
"""A row that is sent as it is."""


def rows_with(*changes: dict[str, Any]) -> pl.DataFrame:
    """Purchases that differ from the one above."""
    rows = [{**PURCHASE, **each} for each in changes]
    return pl.DataFrame({name: pl.Series([row[name] for row in rows], strict=False) for name in PURCHASE})


def verdicts(
    rows: pl.DataFrame, plan: FeedPlan = PLAN, *, now: datetime = NOW, suppressions: Suppressions | None = None
) -> list[dict[str, Any]]:
    return validate_events(rows, plan, now=now, suppressions=suppressions or Suppressions()).to_dicts()


def verdict(plan: FeedPlan = PLAN, *, suppressions: Suppressions | None = None, **changes: Any) -> dict[str, Any]:
    """The verdict on a purchase with these differences."""
    return verdicts(rows_with(changes), plan, suppressions=suppressions)[0]


def outcome(plan: FeedPlan = PLAN, **changes: Any) -> tuple[str, str | None, str | None]:
    """State, reason and fields."""
    found = verdict(plan, **changes)
    assert (found["body"] is not None) == (found["state"] == "pending")
    return found["state"], found["reason"], found["fields"]


def body(plan: FeedPlan = PLAN, **changes: Any) -> dict[str, Any]:
    """What is sent of a purchase with these differences."""
    found = verdict(plan, **changes)
    assert found["state"] == "pending", found
    return json.loads(found["body"])


def outcomes(plan: FeedPlan = PLAN, **column: Sequence[Any]) -> list[tuple[str, str | None, str | None]]:
    """State, reason and fields of purchases that differ in one column, of values of one type; judged together."""
    return [(each["state"], each["reason"], each["fields"]) for each in _together(plan, column)]


def bodies(plan: FeedPlan = PLAN, **column: Sequence[Any]) -> list[dict[str, Any]]:
    """What is sent of purchases that differ in one column, of values of one type; judged together."""
    found = _together(plan, column)
    assert [each for each in found if each["state"] != "pending"] == []
    return [json.loads(each["body"]) for each in found]


def _together(plan: FeedPlan, column: dict[str, Sequence[Any]]) -> list[dict[str, Any]]:
    ((name, values),) = column.items()
    return verdicts(rows_with(*({name: value} for value in values)), plan)


def plan_with(**changes: Any) -> FeedPlan:
    return replace(PLAN, **changes)
