"""When events happened: whatever the warehouse holds, read as a moment in UTC (A06); and what numbers seem to count."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from spotify_pipeline.conversions.model import Dead, TimeSource, TimeUnit
from spotify_pipeline.conversions.validation.source_columns import plain_numbers, text_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
# The years 1 to 9999, less two days at both ends, so that every time zone can write every moment.
EARLIEST = -719_162 * _DAY + 2 * _DAY
LATEST = 2_932_897 * _DAY - 2 * _DAY
"""Microseconds since 1970: moments beyond these are read by nobody, and stand for infinity."""

MICROSECONDS_PER = {TimeUnit.SECONDS: _SECOND, TimeUnit.MILLISECONDS: 1_000, TimeUnit.MICROSECONDS: 1}
_FRACTION_DIGITS = {TimeUnit.SECONDS: 6, TimeUnit.MILLISECONDS: 3, TimeUnit.MICROSECONDS: 0}

_NUMBER = r"^(?<sign>[+-]?)0*(?<whole>[0-9]+)(?:\.(?<fraction>[0-9]+))?$"
_ISO = (
    r"^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?<hour>[0-9]{2}):(?<minute>[0-9]{2})(?::(?<second>[0-9]{2})(?:[.,](?<fraction>[0-9]{1,9}))?)?"
    r"(?: ?(?<offset>[Zz]|UTC|(?<sign>[+-])(?<ahead>[0-9]{2})(?::?(?<ahead_minutes>[0-9]{2}))?))?)?$"
)

_Read: TypeAlias = tuple[pl.Series, pl.Series]
"""The time of each value, in microseconds since 1970 (null if it has none); whether it is usable."""


def event_times(values: pl.Series, source: TimeSource) -> pl.DataFrame:
    """Columns ``place``, ``at`` (UTC) and ``time_fault`` (a ``Dead``); in each row exactly one of the last two is null.

    ``place`` orders the values, in microseconds since 1970: the value's moment; or nearby, for a time that the clocks
    of its zone skipped; or beyond all days, if it is too far away. It is null for a value without a time.
    """
    dtype = values.dtype
    missing = values.is_null()
    if isinstance(dtype, pl.Datetime | pl.Date):
        place, usable = _of_moments(values, source.zone)
    elif isinstance(dtype, pl.Boolean | pl.Time | pl.Duration | pl.Float32):
        # A float of 32 bits is wrong by minutes.
        place, usable = pl.repeat(None, values.len(), dtype=pl.Int64, eager=True), missing & False
    elif dtype.is_numeric():
        place, usable = _of_numbers(plain_numbers(values), source.unit)
    else:
        text = text_of(values)
        missing = text.is_null()
        place, usable = _of_texts(text, source)
    fault = (
        pl.when("missing")
        .then(pl.lit(Dead.NO_TIME.value))
        .when(~pl.col("usable"))
        .then(pl.lit(Dead.TIME_UNREADABLE.value))
    )
    found = pl.DataFrame({"place": place, "missing": missing, "usable": usable.fill_null(value=False) & ~missing})
    at = pl.when("usable").then("place").cast(pl.Datetime("us", "UTC"))
    return found.select("place", at=at, time_fault=fault)


def _of_moments(values: pl.Series, zone: str) -> _Read:
    """Dates, read as their first moment in the zone, and dates with times, with a zone or without."""
    dtype = values.dtype
    if isinstance(dtype, pl.Date):
        days = values.to_physical().cast(pl.Int64).clip(EARLIEST // _DAY - 1, LATEST // _DAY + 1)
        place, usable, _ = _localized(days * _DAY, zone)
        return place, usable
    unit = dtype.time_unit if isinstance(dtype, pl.Datetime) else "us"
    physical = values.to_physical()
    if unit == "ns":
        place = physical // 1_000
    else:
        factor = 1_000 if unit == "ms" else 1
        place = physical.clip(EARLIEST // factor - 1, LATEST // factor + 1) * factor
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return place, place.is_between(EARLIEST, LATEST)
    place, usable, left_out = _localized(place, zone)
    return place, usable & ~left_out


def _localized(clock: pl.Series, zone: str) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Microseconds by the clocks of a zone as microseconds in UTC; whether they are within the years; and which of them
    no clock ever showed, as it was put forward. Those are read as if it had not been. An hour that it showed twice is
    the first.
    """
    within = clock.is_between(EARLIEST, LATEST).fill_null(value=False)
    naive = clock.set(~within, None).cast(pl.Datetime("us"))
    moments = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    place = moments.to_physical()
    left_out = within & place.is_null()
    if left_out.any():
        here = ZoneInfo(zone)
        shown = {each: _in_utc(each, here) for each in clock.filter(left_out).unique()}
        place = place.scatter(left_out.arg_true(), [shown[each] for each in clock.filter(left_out)])
    return place.zip_with(within, clock), within, left_out


def _in_utc(clock: int, zone: ZoneInfo) -> int:
    local = (_EPOCH + timedelta(microseconds=clock)).replace(tzinfo=zone)
    return (local.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _of_numbers(text: pl.Series, unit: TimeUnit | None) -> _Read:
    """Plain decimals, which count the unit; of infinity, where it lies."""
    if unit is None:
        return pl.repeat(None, text.len(), dtype=pl.Int64, eager=True), text.is_in([])
    factor, digits = MICROSECONDS_PER[unit], _FRACTION_DIGITS[unit]
    most = LATEST // factor + 1
    parts = text.str.extract_groups(_NUMBER).struct.unnest()
    whole = parts["whole"].cast(pl.Int64, strict=False)
    whole = whole.set(parts["whole"].is_not_null() & whole.is_null(), most).clip(0, most)
    fraction = parts["fraction"].fill_null("").str.pad_end(digits, "0").str.slice(0, digits)
    place = whole * factor + (fraction.cast(pl.Int64) if digits else 0)
    place = place.zip_with(parts["sign"] != "-", -place)
    place = place.set(text == "inf", LATEST + 1).set(text == "-inf", EARLIEST - 1).clip(EARLIEST - 1, LATEST + 1)
    return place, place.is_between(EARLIEST, LATEST)


def _of_texts(text: pl.Series, source: TimeSource) -> _Read:
    """ISO 8601 and RFC 3339, and numbers where they have a unit."""
    parts = text.str.extract_groups(_ISO).struct.unnest()
    number = {name: parts[name].cast(pl.Int64).fill_null(0) for name in ("hour", "minute", "second")}
    days = parts["date"].str.to_date("%Y-%m-%d", strict=False).to_physical().cast(pl.Int64)
    # 23:59:60 is the leap second; our clocks do not count it, so it is the second after it.
    leap = number["second"] == 60
    fraction = parts["fraction"].fill_null("").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).set(leap, 0)
    minutes = number["hour"] * 60 + number["minute"]
    clock = days * _DAY + (minutes * 60 + number["second"]) * _SECOND + fraction
    valid = (number["hour"] < 24) & (number["minute"] < 60) & (number["second"] <= 60)
    ahead_hours, ahead_minutes = (parts[name].cast(pl.Int64).fill_null(0) for name in ("ahead", "ahead_minutes"))
    ahead = (ahead_hours * 60 + ahead_minutes) * 60 * _SECOND
    valid &= (ahead_hours < 24) & (ahead_minutes < 60)
    clock = clock.set(~valid, None)
    stated = clock - ahead.zip_with((parts["sign"] != "-").fill_null(value=True), -ahead)
    own = parts["offset"].is_not_null()
    local, _, left_out = _localized(clock.set(own, None), source.zone)
    # A date without a time is its first moment, which it always has.
    left_out &= parts["hour"].is_not_null()
    place = stated.zip_with(own, local)
    usable = place.is_between(EARLIEST, LATEST).fill_null(value=False) & ~left_out
    place = place.set(~(usable | left_out), None)
    if source.unit is None:
        return place, usable
    counted, countable = _of_numbers(text, source.unit)
    numeric = text.str.contains(_NUMBER).fill_null(value=False)
    return counted.zip_with(numeric, place), countable.zip_with(numeric, usable)


_EARLIEST = datetime(2005, 1, 1, tzinfo=UTC)
_PER_SECOND = {
    "seconds (unit: s)": 1,
    "milliseconds (unit: ms)": 10**3,
    "microseconds (unit: us)": 10**6,
    "nanoseconds, for which there is no unit: divide them by 1,000 for us": 10**9,
}
_DATES = {
    "dates written as numbers (yyyymmdd), which count nothing: make them a date": "%Y%m%d",
    "times written as numbers (yyyymmddhhmmss), which count nothing: make them a time": "%Y%m%d%H%M%S",
}


def unit_meant(columns: Iterable[pl.Series], now: datetime) -> str | None:
    """What the numbers in these columns seem to count, in words; None where they are none, or nothing fits.

    Args:
        columns: numbers or texts, parts of one column.
        now: aware; the newest event is not much later.
    """
    newest = _largest(columns)
    if newest is None:
        return None
    latest = now + timedelta(days=2)
    for words, count in _PER_SECOND.items():
        if _EARLIEST.timestamp() <= newest / count <= latest.timestamp():
            return words
    for words, written in _DATES.items():
        try:
            moment = datetime.strptime(f"{newest:.0f}", written).replace(tzinfo=UTC)
        except ValueError:
            continue
        if _EARLIEST <= moment <= latest:
            return words
    return None


def _largest(columns: Iterable[pl.Series]) -> float | None:
    largest: float | None = None
    for column in columns:
        if not (column.dtype.is_numeric() or column.dtype == pl.String):
            return None
        numbers = column.cast(pl.Float64, strict=False)
        finite: list[float] = numbers.filter(numbers.is_finite().fill_null(value=False)).top_k(1).to_list()
        largest = max(finite, default=largest) if largest is None else max(largest, *finite)
    return largest
