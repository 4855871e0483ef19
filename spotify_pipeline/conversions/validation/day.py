"""A day of a feed: the partition that its events are looked at, sent again and accounted for by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa

from spotify_pipeline.conversions.model import FeedPlan, TimeSource
from spotify_pipeline.conversions.validation.event_times import MICROSECONDS_PER, event_times
from spotify_pipeline.conversions.validation.source_columns import require_columns
from spotify_pipeline.rows import withheld_errors

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Of the 38 digits of a decimal, 19 are in front of the point: a warehouse may compare it with a whole number.
_MOST_SCALE = 18


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

    @property
    def start_place(self) -> int:
        """Its first moment, as ``places_of`` counts."""
        return _microseconds(self.start)

    @property
    def end_place(self) -> int:
        """The first moment after it, as ``places_of`` counts."""
        return _microseconds(self.end)


@dataclass(frozen=True, kw_only=True)
class TimeRange:
    """Values of the column of times that a day's rows lie between: a first, rough choice, for the warehouse to make.

    Attributes:
        at_least, below: of the column's own type; None for no limit.
        or_missing: rows without a value, too.
    """

    at_least: object
    below: object | None
    or_missing: bool


def places_of(rows: pl.DataFrame, plan: FeedPlan) -> pl.Series:
    """The time of each row, in microseconds since 1970; null if it has none.

    Raises:
        EventsError: the rows have no column of times, or it holds no single values.
    """
    require_columns(rows, [plan.event_time.column])
    with withheld_errors("Reading the times of events"):
        return event_times(rows[plan.event_time.column], plan.event_time)["place"]


def rows_of(day: Day, rows: pl.DataFrame, plan: FeedPlan) -> pl.DataFrame:
    """The rows that belong to a day, exactly; with the open day also those that belong to none, and those after it.

    A time that the zone's clocks left out belongs to the day around it, where it is a dead letter. What lies before the
    year 1 is older than every day.

    Raises:
        EventsError: the rows have no column of times, or it holds no single values.
    """
    place = places_of(rows, plan)
    with withheld_errors("Choosing the events of a day"):
        late_enough = place >= _microseconds(day.start)
        if day.is_open:
            return rows.filter(late_enough.fill_null(value=True))
        return rows.filter((late_enough & (place < _microseconds(day.end))).fill_null(value=False))


def range_of(day: Day, plan: FeedPlan, column_type: pa.DataType) -> TimeRange | None:
    """What to ask of the warehouse, so that it need not hand over every row; None where it must.

    No row is left out that ``rows_of`` keeps.

    Args:
        day: whose rows are wanted.
        plan: names the column of times.
        column_type: its type.
    """
    limits = _limits(day, plan.event_time, column_type)
    if limits is None:
        return None
    return TimeRange(at_least=limits[0], below=None if day.is_open else limits[1], or_missing=day.is_open)


def _limits(day: Day, source: TimeSource, column_type: pa.DataType) -> tuple[object, object] | None:
    start, end = day.start.astimezone(UTC), day.end.astimezone(UTC)
    if pa.types.is_timestamp(column_type):
        return (start, end) if column_type.tz is not None else _by_the_clock(start, end, source.zone)
    if pa.types.is_date(column_type):
        first, last = _by_the_clock(start, end, source.zone)
        return first.date(), (last + timedelta(days=1) - _MICROSECOND).date()
    if source.unit is None:
        return None
    factor = MICROSECONDS_PER[source.unit]
    first, last = _microseconds(start) // factor, -(-_microseconds(end) // factor)
    if pa.types.is_float64(column_type):
        return math.nextafter(first, -math.inf), math.nextafter(last, math.inf)
    whole = pa.types.is_integer(column_type) or (pa.types.is_decimal(column_type) and column_type.scale == 0)
    if whole:
        return first, last
    if pa.types.is_decimal128(column_type) and 0 < column_type.scale <= _MOST_SCALE:
        return Decimal(first), Decimal(last)
    return None


def _by_the_clock(start: datetime, end: datetime, zone: str) -> tuple[datetime, datetime]:
    """The first and last time without a zone that clocks may have shown in between, however they were put."""
    # Polars' time zones, as it is Polars that reads the column.
    hours = pl.datetime_range(start - timedelta(days=2), end + timedelta(days=2), "1h", time_unit="us", eager=True)
    hours = hours.dt.convert_time_zone(zone)
    ahead = (hours.dt.base_utc_offset() + hours.dt.dst_offset()).dt.total_seconds().to_list()
    return (
        start.replace(tzinfo=None) + timedelta(seconds=min(ahead)),
        end.replace(tzinfo=None) + timedelta(seconds=max(ahead)),
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
