"""What numbers seem to count that are in a column of times, where the unit that is stated makes no sense of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import polars as pl

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
