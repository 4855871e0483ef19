"""Whether the days of a feed reach the rows of its relation at all: rows outside every partition are counted (A13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
import polars as pl

from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.conversions import Day, places_of, range_of, unit_meant
from spotify_pipeline.warehouse import Between, SegmentReader

ROWS_ARE_READ = "rows_are_read"
TIME_BEFORE_START = "time_before_start"


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


def coverage_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """That the days of the feed reach the rows of its relation."""
    return dg.AssetCheckSpec(
        ROWS_ARE_READ,
        asset=key,
        description="Rows of the relation are read: not all of them lie before the feed's start or in the future, and "
        "the newest days are not empty while others have rows.",
    )


def coverage_result(feed: FeedDefinition, found: Coverage, *, read: int, with_today: bool) -> dg.AssetCheckResult:
    """Whether rows are read; if not, what may be wrong with their times.

    Args:
        feed: see there.
        found: where its rows lie.
        read: rows that this run read.
        with_today: whether it read the newest day.
    """
    setting = feed.config.event_time
    severity = dg.AssetCheckSeverity.ERROR
    if found.placed and not found.within:
        sentence = (
            f"None of the {found.placed:,} rows of {feed.relation} can be sent: {found.before_start:,} lie before "
            f"{feed.config.start}, the feed's start, and {found.placed - found.before_start:,} in the future."
        )
        if found.meant is not None:
            stated = f"unit: {setting.unit.value}" if setting.unit is not None else "no unit"
            sentence += f" {setting.column} looks like {found.meant}, and event_time states {stated}. Correct that."
        else:
            sentence += f" Check {setting.column}, its unit, and start."
    elif found.placed and with_today and not read:
        severity = dg.AssetCheckSeverity.WARN
        sentence = (
            f"{feed.relation} has {found.placed:,} rows, and none of the days that this run read. If events should "
            "have come, look at what fills it."
        )
    else:
        sentence = f"{found.within:,} of {found.placed:,} rows lie between {feed.config.start} and now."
        return dg.AssetCheckResult(
            check_name=ROWS_ARE_READ, passed=True, description=sentence, metadata=coverage_metadata(found)
        )
    return dg.AssetCheckResult(
        check_name=ROWS_ARE_READ,
        passed=False,
        severity=severity,
        description=sentence,
        metadata=coverage_metadata(found),
    )


def coverage_metadata(found: Coverage) -> dict[str, dg.MetadataValue]:
    """How many rows are in no day's account, as they lie before the feed's start."""
    return {TIME_BEFORE_START: dg.IntMetadataValue(found.before_start)}
