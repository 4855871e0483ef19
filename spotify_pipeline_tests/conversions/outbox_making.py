"""Verdicts, an outbox anywhere, and a Spotify that takes events: what the tests of the outbox are told with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from spotify_pipeline.conversions.delivery.deliver import DeliveryPlan, DeliveryReport, deliver
from spotify_pipeline.conversions.model.verdict import VERDICTS
from spotify_pipeline.conversions.outbox.bodies import IN_A_BLOCK, Bodies
from spotify_pipeline.conversions.outbox.database import Database
from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox, OutboxBusy
from spotify_pipeline.conversions.outbox.opening import open_outbox, view_outbox
from spotify_pipeline.conversions.outbox.views import OutboxViews
from spotify_pipeline.retries import DELIVERY
from spotify_pipeline.spotify import InvalidRequest, SpotifyUnavailable
from spotify_pipeline.state import Key, StateStore, tables
from spotify_pipeline.state import Place as StatePlace

MONDAY = date(2026, 11, 2)
TUESDAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
CANARY = "c0ffee" * 10 + "beef"
"""Stands in every body, as a digest would."""


def body(event_id: str) -> str:
    return json.dumps({"event_name": "PURCHASE", "event_id": event_id, "user_data": {"hashed_emails": [CANARY]}})


def verdict(
    key: str, state: str = "pending", reason: str | None = None, fields: str | None = None
) -> dict[str, object]:
    return {
        "key": key,
        "event_id": None if key.startswith("row:") else key,
        "event_name": "PURCHASE",
        "event_time": datetime(2026, 11, 2, 9, tzinfo=UTC),
        "state": state,
        "reason": reason,
        "fields": fields,
        "body": body(key) if state == "pending" else None,
    }


def verdicts(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=VERDICTS)


def pending(*keys: str) -> pl.DataFrame:
    return verdicts(*(verdict(key) for key in keys))


def orders(count: int, first: int = 0) -> list[str]:
    return [f"order-{number:05}" for number in range(first, first + count)]


@dataclass
class Place:
    """Where outboxes of a test are kept, and how they are opened. Nobody waits."""

    state: StateStore
    now: datetime = NOON

    @classmethod
    def in_home(cls, home: Path) -> Place:
        return cls(StateStore.in_home(home))

    def open(
        self, feed: str = "purchases", guarantee: Guarantee = Guarantee.AT_LEAST_ONCE, wait: float = 0.0
    ) -> AbstractContextManager[Outbox]:
        return open_outbox(feed, self.state, guarantee=guarantee, wait=wait, sleep=no_sleep, clock=self.clock)

    def look(self, feed: str = "purchases") -> AbstractContextManager[OutboxViews]:
        return view_outbox(feed, self.state)

    def bodies(self) -> dict[int, str]:
        """The bodies that the state holds of the first feed, by their event's number."""
        with self.state.read() as transaction:
            blocks = transaction.execute(sa.select(tables.event_body.c["block"]).where(tables.event_body.c.feed == 1))
            numbers = [block * IN_A_BLOCK + each for (block,) in blocks for each in range(IN_A_BLOCK)]
            return dict(Bodies(self.state, Database(self.state, within=transaction), feed=1).read(numbers))

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


def state_at(home: Path, url: str, key: str) -> StateStore:
    """The state in a home, or, where a URL is given, in that database."""
    if not url:
        return StateStore.in_home(home)
    return StateStore(StatePlace.of(url, home), home, key=lambda: Key.of(key))


def no_sleep(seconds: float) -> None:
    raise OutboxBusy("any", seconds)


@dataclass
class FakeSpotify:
    """Takes batches as a whole, or refuses them as a whole; knows an event again by its id.

    Attributes:
        poison: ids of events for which it refuses a batch.
        answers: of the next requests, oldest first: an error to raise instead, and whether it takes the events first.
        most: events that fit in a request.
        requests: the ids of each.
        taken: how often each id was taken.
    """

    poison: set[str] = field(default_factory=set[str])
    answers: list[tuple[BaseException, bool]] = field(default_factory=list[tuple[BaseException, bool]])
    most: int = 1_000_000
    requests: list[list[str]] = field(default_factory=list[list[str]])
    taken: Counter[str] = field(default_factory=Counter[str])
    refuses_everything: bool = False

    @property
    def view(self) -> list[str]:
        """The ids of the events that it knows."""
        return sorted(self.taken)

    def send(self, bodies: Sequence[str]) -> None:
        ids = [str(json.loads(each)["event_id"]) for each in bodies]
        self.requests.append(ids)
        if self.answers:
            error, takes = self.answers.pop(0)
            if takes:
                self.taken.update(ids)
            raise error
        if len(ids) > self.most:
            raise InvalidRequest("The request is too large.", status=413)
        if self.refuses_everything or self.poison.intersection(ids):
            raise InvalidRequest("An event is not right.", status=400)
        self.taken.update(ids)


def lost_answer() -> SpotifyUnavailable:
    return SpotifyUnavailable("No answer came.", may_have_happened=True)


def read_all(outbox: Outbox, keys: Iterable[str], day: date = MONDAY) -> None:
    outbox.record(day, [pending(*keys)], at=NOON)


def totals(views: OutboxViews | Outbox) -> dict[str, int]:
    """Of all days; every account adds up."""
    accounts = views.accounts()
    assert all(each.adds_up for each in accounts), accounts
    return {
        "read": sum(each.read for each in accounts),
        "delivered": sum(each.delivered for each in accounts),
        "pending": sum(each.pending for each in accounts),
        "filtered": sum(sum(each.filtered.values()) for each in accounts),
        "dead": sum(sum(each.dead.values()) for each in accounts),
    }


def delivered(
    outbox: Outbox,
    spotify: FakeSpotify,
    place: Place,
    *,
    batch: int = 100,
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE,
) -> DeliveryReport:
    plan = DeliveryPlan(batch_events=batch, guarantee=guarantee, retries=replace(DELIVERY, tries=1))
    return deliver(outbox, spotify.send, plan, clock=place.clock)
