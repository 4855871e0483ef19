"""Compares what was delivered with what Spotify says it received, hour by hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, cast

import polars as pl

SETTLE = timedelta(minutes=20)
"""Spotify: what it counts means something 20 minutes later."""
HOUR = timedelta(hours=1)
COLUMNS = ("hour", "event_name", "events")
_WIDTH = 30
Counts: TypeAlias = Counter[tuple[datetime, str]]


@dataclass(frozen=True, kw_only=True)
class HourParity:
    """One hour: its beginning, and how many events were delivered and received in it."""

    hour: datetime
    delivered: int
    received: int

    @property
    def difference(self) -> int:
        """Delivered and not received; negative if Spotify received more."""
        return self.delivered - self.received


@dataclass(frozen=True, kw_only=True)
class Parity:
    """The comparison.

    Attributes:
        hours: that Spotify has counted to their end, oldest first.
        missing: delivered in these hours and not received, by event name; negative if Spotify received more. An event
            that we saw accepted in one hour and Spotify counted in the one before is not missing.
        not_yet: events delivered in hours that are too young to be compared.
    """

    hours: tuple[HourParity, ...]
    missing: dict[str, int]
    not_yet: int

    @property
    def delivered(self) -> int:
        return sum(each.delivered for each in self.hours)

    @property
    def received(self) -> int:
        return sum(each.received for each in self.hours)

    @property
    def agrees(self) -> bool:
        return not self.missing

    def plot(self) -> str:
        """Bars of both, an hour a pair of lines, as a code block of Markdown."""
        most = max((max(each.delivered, each.received) for each in self.hours), default=0)
        lines = ["```"]
        for each in self.hours:
            sign = "" if each.difference == 0 else f"  {-each.difference:+}"
            lines.append(f"{each.hour:%Y-%m-%d %H:%M} delivered {_bar(each.delivered, most)} {each.delivered}")
            lines.append(f"{'':16} received  {_bar(each.received, most)} {each.received}{sign}")
        if not self.hours:
            lines.append("no hour to compare yet")
        return "\n".join([*lines, "```"])


def compare(
    delivered: pl.DataFrame,
    received: Sequence[tuple[datetime, str, int]],
    *,
    now: datetime,
    settle: timedelta = SETTLE,
) -> Parity:
    """Compare the hours that ended at least ``settle`` ago.

    Args:
        delivered: columns hour, event_name, events, as the outbox gives them.
        received: hour, event name as in the Conversions API, events; of the same hours.
        now: with its zone.
        settle: an hour is compared as long after its end.
    """
    ours = _counted(cast("Iterable[tuple[datetime, str, int]]", delivered.select(*COLUMNS).iter_rows()))
    theirs = _counted(received)
    hours = sorted({hour for hour, _ in ours.keys() | theirs.keys() if hour + HOUR + settle <= now})
    return Parity(
        hours=tuple(
            HourParity(
                hour=hour,
                delivered=sum(events for (at, _), events in ours.items() if at == hour),
                received=sum(events for (at, _), events in theirs.items() if at == hour),
            )
            for hour in hours
        ),
        missing=_missing(ours, theirs, hours),
        not_yet=sum(events for (hour, _), events in ours.items() if hour not in hours),
    )


def _counted(rows: Iterable[tuple[datetime, str, int]]) -> Counts:
    counts: Counts = Counter()
    for hour, name, events in rows:
        counts[hour, name] += events
    return counts


def _missing(ours: Counts, theirs: Counts, hours: Sequence[datetime]) -> dict[str, int]:
    names = sorted({name for at, name in ours.keys() | theirs.keys() if at in hours})
    missing = {
        name: sum(ours[hour, name] - theirs[hour, name] for hour in hours) + _counted_early(ours, theirs, hours, name)
        for name in names
    }
    return {name: events for name, events in missing.items() if events}


def _counted_early(ours: Counts, theirs: Counts, hours: Sequence[datetime], name: str) -> int:
    """Events that Spotify counted in the newest hour, and we in the next one, which is too young."""
    newest = hours[-1]
    return min(max(theirs[newest, name] - ours[newest, name], 0), ours[newest + HOUR, name])


def _bar(events: int, most: int) -> str:
    return "█" * round(_WIDTH * events / most) if most else ""
