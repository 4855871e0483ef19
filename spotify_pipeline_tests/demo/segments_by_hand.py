"""Each segment of ``dbt_project`` once more, in plain Python, from the raw tables alone.

Written from what the models promise, not from their SQL: no SQL here says more than ``select * from raw.x``, and
nothing of the product is imported. Tests compare the two; the recount of a customer list starts from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]

_COUNTRY_PADDING = " \t\r\n\x0b"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the raw tables say, each question answered once."""

    as_of: date
    customers: dict[int, Row]
    """The newest row of each customer number."""
    consents: dict[tuple[int, str], bool | None]
    """The answer in force of a customer and channel; absent: never asked."""
    answered_at: dict[tuple[int, str], datetime]
    """When it was given."""
    events: list[tuple[int, str, datetime]]
    """Customer, event, moment."""


def read_facts(warehouse: Path, as_of: date) -> Facts:
    """Read the raw tables of a DuckDB file, which stays as it is."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        consents, answered_at = _in_force(_rows(connection, "consents"))
        return Facts(
            as_of=as_of,
            customers=_newest(_rows(connection, "customers")),
            consents=consents,
            answered_at=answered_at,
            events=[(row["customer_id"], row["event"], row["happened_at"]) for row in _rows(connection, "events")],
        )


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[Row]:
    cursor = connection.execute(f"select * from raw.{table}")
    names = [column[0] for column in cursor.description]
    while rows := cursor.fetchmany(10_000):
        for row in rows:
            yield dict(zip(names, row, strict=True))


def _newest(rows: Iterator[Row]) -> dict[int, Row]:
    customers: dict[int, Row] = {}
    for row in rows:
        known = customers.get(row["customer_id"])
        if known is None or row["loaded_at"] > known["loaded_at"]:
            customers[row["customer_id"]] = row
    for row in customers.values():
        if row["country"] is not None:
            row["country"] = row["country"].strip(_COUNTRY_PADDING)
            if row["country"].upper() == "UK":
                row["country"] = "GB"
    return customers


def _in_force(rows: Iterator[Row]) -> tuple[dict[tuple[int, str], bool | None], dict[tuple[int, str], datetime]]:
    latest: dict[tuple[int, str], tuple[datetime, int]] = {}
    granted: dict[tuple[int, str], bool | None] = {}
    for row in rows:
        key, order = (row["customer_id"], row["channel"]), (row["changed_at"], row["consent_id"])
        if key not in latest or order > latest[key]:
            latest[key] = order
            granted[key] = row["granted"]
    return granted, {key: moment for key, (moment, _) in latest.items()}


def _person(facts: Facts, customer_id: int, columns: str, **more: Any) -> Row:
    customer = facts.customers[customer_id]
    consent = facts.consents.get((customer_id, "advertising"))
    return {name: customer[name] for name in columns.split()} | more | {"marketing_consent": consent}


def _latest(facts: Facts, event: str, *, days: int) -> dict[int, datetime]:
    """When each customer last did ``event``, of those who did it within ``days`` of the day of the data."""
    begin = datetime.combine(facts.as_of - timedelta(days=days), time())
    end = datetime.combine(facts.as_of + timedelta(days=1), time())
    latest: dict[int, datetime] = {}
    for customer_id, name, moment in facts.events:
        if name == event and begin <= moment < end:
            latest[customer_id] = max(moment, latest.get(customer_id, moment))
    return latest


def lapsed_subscribers(facts: Facts) -> Iterator[Row]:
    """Cancelled in the last 90 days."""
    columns = "customer_id email billing_email phone country device_id plan cancelled_on"
    for customer_id, customer in facts.customers.items():
        cancelled = customer["cancelled_on"]
        if cancelled is not None and 0 <= (facts.as_of - cancelled).days < 90:
            yield _person(facts, customer_id, columns)


def active_listeners(facts: Facts) -> Iterator[Row]:
    """Listened in the last 30 days."""
    for customer_id, moment in _latest(facts, "listened", days=30).items():
        yield _person(facts, customer_id, "customer_id email phone country", last_listened_at=moment)


def newsletter_readers(facts: Facts) -> Iterator[Row]:
    """Opened a newsletter in the last 60 days, and still allows it."""
    for customer_id, moment in _latest(facts, "newsletter_opened", days=60).items():
        if facts.consents.get((customer_id, "newsletter")) is True:
            yield _person(facts, customer_id, "customer_id email", last_opened_at=moment)


def app_only_listeners(facts: Facts) -> Iterator[Row]:
    """Signed up in the app, with a device."""
    for customer_id, customer in facts.customers.items():
        if customer["signed_up_with"] == "app" and customer["device_id"] is not None:
            yield _person(facts, customer_id, "customer_id device_id signed_up_on")


def vip_customers(facts: Facts) -> Iterator[Row]:
    """Bought ten times or more in the last 365 days."""
    begin = datetime.combine(facts.as_of - timedelta(days=365), time())
    end = datetime.combine(facts.as_of + timedelta(days=1), time())
    bought = Counter(
        customer_id for customer_id, name, moment in facts.events if name == "purchase" and begin <= moment < end
    )
    for customer_id, purchases in bought.items():
        if purchases >= 10:
            yield _person(facts, customer_id, "customer_id email phone country", purchases=purchases)


def do_not_contact(facts: Facts) -> Iterator[Row]:
    """Refused the newsletter, at the last answer, within the last 90 days."""
    begin = datetime.combine(facts.as_of - timedelta(days=90), time())
    for (customer_id, channel), granted in facts.consents.items():
        answered = facts.answered_at[customer_id, channel]
        if channel == "newsletter" and granted is False and answered >= begin:
            customer = facts.customers[customer_id]
            person = {name: customer[name] for name in ("customer_id", "email", "phone", "country")}
            yield person | {"refused_at": answered}


SUPPRESSIONS: dict[str, Callable[[Facts], Iterator[Row]]] = {"do_not_contact": do_not_contact}
SEGMENTS: dict[str, Callable[[Facts], Iterator[Row]]] = {
    segment.__name__: segment
    for segment in (lapsed_subscribers, active_listeners, newsletter_readers, app_only_listeners, vip_customers)
}
