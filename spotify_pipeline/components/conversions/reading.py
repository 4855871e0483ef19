"""Reads days of a feed out of the warehouse into its outbox, each to its end or not at all; counts rows of no day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.components.sources import read_suppressions
from spotify_pipeline.conversions import Day, Outbox, Reading, places_of, range_of, rows_of, unit_meant, validate_events
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.rows import Suppressions
from spotify_pipeline.warehouse import Between, SegmentError, SegmentReader

MOST_KEPT = 200_000
"""Rows of other days that one scan keeps in memory; days that have more are read by another scan."""


def read_days(
    feed: FeedDefinition,
    days: Sequence[Day],
    segment: SegmentReader,
    outbox: Outbox,
    suppressions: Suppressions,
    now: datetime,
    most_kept: int = MOST_KEPT,
) -> Mapping[date, Reading]:
    """Judge the rows of some days and take the verdicts into the outbox, of each day all of them or none.

    Days that follow each other are read by one scan of the relation as long as memory has room for them; all days are,
    where the warehouse cannot choose rows by their time.

    Raises:
        SegmentError: the events cannot be read, or not all of them.
        RowsError: a column is of a type that cannot be used.
        OutboxError: the outbox cannot take them.
    """
    readings: dict[date, Reading] = {}
    for stretch in _scanned_together(feed, sorted(days, key=lambda day: day.date), segment, most_kept):
        left = stretch
        while left:
            scan = _Scan(feed, left, segment, most_kept)
            readings[left[0].date] = outbox.record(
                left[0].date, _validated(feed, scan.rows_of_first(), suppressions, now), at=now
            )
            for day, frames in scan.kept.items():
                readings[day.date] = outbox.record(day.date, _validated(feed, frames, suppressions, now), at=now)
            left = [day for day in left if day.date not in readings]
    return readings


def read_what_waits(
    feed: FeedDefinition,
    outbox: Outbox,
    warehouse: WarehouseResource,
    ledger: ErasureLedger,
    *,
    since: datetime,
    now: datetime,
) -> Sequence[Reading]:
    """Read the days again whose events wait and were validated before ``since``: consent, suppressions, age, or the row
    itself may have changed.

    Raises:
        SegmentError, RowsError, ErasureError: what must be known of them cannot be read.
        OutboxError: the outbox cannot take it.
    """
    accounts = outbox.accounts(outbox.pending_days())
    days = [each.day for each in accounts if each.pending and (each.read_at is None or each.read_at < since)]
    if not days:
        return []
    suppressions = read_suppressions(feed.suppressions, warehouse, ledger)
    with warehouse.segment(feed.relation) as segment:
        found = read_days(feed, [feed.day(day.isoformat(), now) for day in days], segment, outbox, suppressions, now)
    return list(found.values())


def _validated(
    feed: FeedDefinition, frames: Iterable[pl.DataFrame], suppressions: Suppressions, now: datetime
) -> Iterator[pl.DataFrame]:
    for rows in frames:
        if rows.height:
            yield validate_events(rows, feed.plan, now=now, suppressions=suppressions)


class _Scan:
    """One scan for some days, oldest first: the rows of the first as they come, those of the others kept.

    Attributes:
        kept: the rows of other days, as far as there was room, once those of the first were read.
    """

    def __init__(self, feed: FeedDefinition, days: Sequence[Day], segment: SegmentReader, most_kept: int) -> None:
        self._feed = feed
        self._days = days
        self._segment = segment
        self.kept: dict[Day, list[pl.DataFrame]] = {day: [] for day in days[1:]}
        self._room = most_kept

    def rows_of_first(self) -> Iterator[pl.DataFrame]:
        plan = self._feed.plan
        only = _selection(self._feed, self._days, self._segment)
        expected, read = self._segment.count(only), 0
        batches = self._segment.batches(
            plan.columns, only=only, identifiers=plan.identifier_columns, consent=plan.consent_columns
        )
        for batch in batches:
            read += batch.height
            self._keep(batch)
            yield rows_of(self._days[0], batch, plan)
        if read != expected:
            # Raised before the outbox takes anything over: it reads all rows first.
            raise SegmentError(
                f"{self._feed.relation} has {expected:,} rows for {self._days[0].date}, but {read:,} were read. "
                "Nothing was recorded, and nothing was sent: a partial read would leave events out unseen. Run again; "
                "if it recurs, look at the warehouse's log."
            )

    def _keep(self, batch: pl.DataFrame) -> None:
        for day, frames in list(self.kept.items()):
            rows = rows_of(day, batch, self._feed.plan)
            frames.append(rows)
            self._room -= rows.height
        while self._room < 0 and self.kept:
            _, dropped = self.kept.popitem()
            self._room += sum(each.height for each in dropped)


def _scanned_together(
    feed: FeedDefinition, days: Sequence[Day], segment: SegmentReader, most_kept: int
) -> list[list[Day]]:
    """The days in groups: those that follow each other and are small enough, or all where the warehouse cannot choose
    rows by their time.
    """
    if not days or _selection(feed, days[:1], segment) is None:
        return [list(days)] if days else []
    found: list[list[Day]] = []
    for day in days:
        if found and (day.date - found[-1][-1].date).days == 1:
            found[-1].append(day)
        else:
            found.append([day])
    return [group for stretch in found for group in _small_enough(feed, stretch, segment, most_kept)]


def _small_enough(feed: FeedDefinition, days: list[Day], segment: SegmentReader, most_kept: int) -> list[list[Day]]:
    if len(days) == 1 or segment.count(_selection(feed, days, segment)) <= most_kept:
        return [days]
    half = len(days) // 2
    return [each for part in (days[:half], days[half:]) for each in _small_enough(feed, part, segment, most_kept)]


def _selection(feed: FeedDefinition, days: Sequence[Day], segment: SegmentReader) -> Between | None:
    """The rows that may be of these days, which follow each other, as far as the warehouse can tell; None for all."""
    column = feed.plan.event_time.column
    kind = segment.columns().get(column)
    if kind is None:
        raise SegmentError(
            f"{feed.relation} has no column {column}, which event_time of the feed {feed.name} names. Correct its "
            "YAML, or add the column. Nothing was sent."
        )
    first, last = range_of(days[0], feed.plan, kind), range_of(days[-1], feed.plan, kind)
    if first is None or last is None:
        return None
    return Between(column=column, at_least=first.at_least, below=last.below, or_missing=last.or_missing)


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Where the rows of a feed's relation lie in time.

    Attributes:
        placed: rows with a time, whenever it is.
        before_start: those before the feed's first day, which is nobody's.
        within: those from then until tomorrow.
        meant: what the numbers in the column of times seem to count, where none lies within.
    """

    placed: int
    before_start: int
    within: int
    meant: str | None = None


def coverage(feed: FeedDefinition, segment: SegmentReader, now: datetime) -> Coverage:
    """Where the rows lie; the warehouse counts them where it can, else all times are read."""
    column, zone = feed.plan.event_time.column, feed.config.timezone
    start = Day.of(feed.config.start, zone, now=now)
    tomorrow = Day.of(feed.today(now) + timedelta(days=1), zone, now=now)
    kind = segment.columns()[column]
    first, last = range_of(start, feed.plan, kind), range_of(tomorrow, feed.plan, kind)
    if first is None or last is None:
        found = _scanned(feed, segment.batches([column]), start, tomorrow)
    else:
        found = Coverage(
            placed=segment.count(Between(column=column)),
            before_start=segment.count(Between(column=column, below=first.at_least)),
            within=segment.count(Between(column=column, at_least=first.at_least, below=last.below)),
        )
    if found.within or not found.placed:
        return found
    meant = unit_meant((batch[column] for batch in segment.batches([column])), now)
    return Coverage(placed=found.placed, before_start=found.before_start, within=0, meant=meant)


def _scanned(feed: FeedDefinition, batches: Iterable[pl.DataFrame], start: Day, tomorrow: Day) -> Coverage:
    placed = before = within = 0
    for batch in batches:
        places = places_of(batch, feed.plan).drop_nulls()
        early = places < start.start_place
        placed += places.len()
        before += int(early.sum())
        within += int((~early & (places < tomorrow.end_place)).sum())
    return Coverage(placed=placed, before_start=before, within=within)
