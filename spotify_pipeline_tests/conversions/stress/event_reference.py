"""What becomes of events, by the plainest Python there is: a dictionary of events, a row at a time.

It knows what readings and replays make of rows. What a delivery makes of them it is told, and only checks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

BY_SPOTIFY = ("refused", "unconfirmed")
REASONS = {
    "no_consent": "filtered",
    "suppressed": "filtered",
    "not_wanted": "filtered",
    "amount_missing": "dead",
    "no_event_id": "dead",
}


@dataclass(frozen=True, order=True)
class Row:
    """A row of the warehouse: the id of its event, when it happened, and what is to be said of it.

    Attributes:
        key: the id; ``row:`` and something for a row without one.
        day, minute: of the event.
        amount: tells rows of one id apart.
        reason: why it is not sent; empty where it may be.
    """

    key: str
    day: date
    minute: int
    amount: int
    reason: str

    @property
    def at(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 9, self.minute, tzinfo=UTC)

    @property
    def body(self) -> str:
        details = {"event_id": self.key, "amount": self.amount, "minute": self.minute, "day": self.day.isoformat()}
        return json.dumps(details)

    @property
    def verdict(self) -> dict[str, Any]:
        state = REASONS.get(self.reason, "pending")
        return {
            "key": self.key,
            "event_id": None if self.key.startswith("row:") else self.key,
            "event_name": None if self.reason == "not_wanted" else "PURCHASE",
            "event_time": self.at,
            "state": state,
            "reason": self.reason or None,
            "fields": "amount" if self.reason == "amount_missing" else None,
            "body": None if self.reason else self.body,
        }


@dataclass
class Event:
    """What is known of one event."""

    row: Row
    day: date
    state: str
    reason: str
    marked: bool = False

    @property
    def is_ours(self) -> bool:
        """It was not sent yet, so it is not Spotify's to say what became of it."""
        return self.state != "delivered" and self.reason not in BY_SPOTIFY

    @property
    def is_open(self) -> bool:
        """The next reading may say otherwise."""
        return self.is_ours or (self.state == "dead" and self.marked)

    @property
    def rank(self) -> tuple[object, ...]:
        if self.reason == "withdrawn":
            return (0, self.row.at, "")
        return rank(self.state, self.row, self.reason)


def rank(state: str, row: Row, reason: str) -> tuple[object, ...]:
    """Of two rows of one id the one that ranks higher counts."""
    content = row.body if state == "pending" else reason
    return ({"pending": 3, "dead": 2, "filtered": 1}[state], row.at, content)


@dataclass
class Reference:
    """All that is known after some readings, replays and deliveries."""

    events: dict[str, Event] = field(default_factory=dict[str, Event])
    repeated: dict[date, int] = field(default_factory=dict[date, int])
    unwanted: dict[date, int] = field(default_factory=dict[date, int])
    marked_days: set[date] = field(default_factory=set[date])

    def read(self, day: date, rows: Sequence[Row]) -> None:
        wanted = [row for row in rows if row.reason != "not_wanted"]
        unwanted = {row.key for row in rows} - {row.key for row in wanted}
        keys = sorted({row.key for row in wanted})
        for key, event in list(self.events.items()):
            if event.day == day and event.is_ours and key not in keys:
                if key.startswith("row:") or key in unwanted:
                    del self.events[key]
                else:
                    event.state, event.reason = "filtered", "withdrawn"
        for key in keys:
            best = max((row for row in wanted if row.key == key), key=lambda row: rank(_state(row), row, row.reason))
            self._take(key, day, best)
        for event in self.events.values():
            event.marked = event.marked and event.day != day
        self.marked_days.discard(day)
        self.unwanted[day] = len(rows) - len(wanted)
        self.repeated[day] = len(wanted) - sum(self.events[key].day == day for key in keys)

    def _take(self, key: str, day: date, row: Row) -> None:
        known = self.events.get(key)
        if known is not None:
            if not known.is_open:
                return
            if known.day != day:
                if rank(_state(row), row, row.reason) <= known.rank:
                    return
                self.repeated[known.day] += known.reason != "withdrawn"
        self.events[key] = Event(row, day, _state(row), row.reason)

    def replay(self, reason: str | None) -> dict[date, int]:
        counts: Counter[date] = Counter()
        for event in self.events.values():
            if event.state == "dead" if reason is None else event.reason == reason:
                event.marked = True
                counts[event.day] += 1
        rows = {"not_wanted": self.unwanted, "repeated": self.repeated}.get(reason or "", {})
        for day, count in rows.items():
            if count:
                self.marked_days.add(day)
                counts[day] += count
        return dict(counts)

    @property
    def waiting(self) -> dict[str, tuple[date, str]]:
        """Day and body of each event that is to be sent."""
        return {key: (each.day, each.row.body) for key, each in self.events.items() if each.state == "pending"}

    @property
    def pending_days(self) -> list[date]:
        days = {each.day for each in self.events.values() if each.state == "pending" or each.marked}
        return sorted(days | self.marked_days)

    @property
    def accounts(self) -> dict[date, dict[str, int]]:
        """Of each day that was read: its events by reason or state, and the rows that are none; and their sum."""
        found: dict[date, dict[str, int]] = {}
        for day in self.unwanted:
            events = [each for each in self.events.values() if each.day == day]
            counts = Counter(each.reason or each.state for each in events)
            counts["repeated"] += self.repeated[day]
            counts["not_wanted"] += self.unwanted[day]
            found[day] = {**{name: count for name, count in counts.items() if count}, "read": counts.total()}
        return found

    @property
    def dead(self) -> set[tuple[date, str, str]]:
        return {(each.day, key, each.reason) for key, each in self.events.items() if each.state == "dead"}


def _state(row: Row) -> str:
    return REASONS.get(row.reason, "pending")
