"""A day of a feed: the partition that its events are looked at, sent again and accounted for by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Day:
    """The events that happened on one day.

    Attributes:
        date: the day.
        start, end: its first moment and the first one after it, aware.
        is_open: it is the newest day that can be read. It takes the rows, too, that belong to no day: those without a
            usable time, and those of the future; they are counted there once.
    """

    date: date
    start: datetime
    end: datetime
    is_open: bool

    @classmethod
    def of(cls, day: date, zone: str, *, now: datetime) -> Day:
        """That day in a time zone (IANA name); ``now`` is aware and says whether it is the open one."""
        here = ZoneInfo(zone)
        start, end = (datetime.combine(each, time(), here) for each in (day, day + timedelta(days=1)))
        return cls(date=day, start=start, end=end, is_open=now.astimezone(here).date() == day)
