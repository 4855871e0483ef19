"""Reads days of a feed out of the warehouse into its outbox, each to its end or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import polars as pl

from spotify_pipeline.components.event_feed import EventFeed
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.components.suppression_sources import read_suppressions
from spotify_pipeline.conversions import Day, Outbox, Reading, judge, range_of, rows_of
from spotify_pipeline.customer_list import Suppressions
from spotify_pipeline.erasure import ErasureLedger
from spotify_pipeline.warehouse import Between, SegmentError, SegmentReader


def read_day(
    feed: EventFeed, day: Day, segment: SegmentReader, outbox: Outbox, suppressions: Suppressions, now: datetime
) -> Reading:
    """Judge the rows of one day and take the verdicts into the outbox, all of them or none.

    Raises:
        SegmentError: the events cannot be read, or not all of them.
        CustomerListError: a column is of a type that cannot be used.
        OutboxError: the outbox cannot take them.
    """
    return outbox.record(day.date, _verdicts(feed, day, segment, suppressions, now), at=now)


def read_what_waits(
    feed: EventFeed,
    outbox: Outbox,
    warehouse: WarehouseResource,
    ledger: ErasureLedger,
    *,
    since: datetime,
    now: datetime,
) -> Sequence[Reading]:
    """Read the days again whose events wait and were judged before ``since``: consent, suppressions, age, or the row
    itself may have changed.

    Raises:
        SegmentError, CustomerListError, ErasureError: what must be known of them cannot be read.
        OutboxError: the outbox cannot take it.
    """
    accounts = outbox.accounts(outbox.pending_days())
    days = [each.day for each in accounts if each.pending and (each.read_at is None or each.read_at < since)]
    if not days:
        return []
    suppressions = read_suppressions(feed.suppressions, warehouse, ledger)
    with warehouse.segment(feed.relation) as segment:
        return [read_day(feed, feed.day(day.isoformat(), now), segment, outbox, suppressions, now) for day in days]


def _verdicts(
    feed: EventFeed, day: Day, segment: SegmentReader, suppressions: Suppressions, now: datetime
) -> Iterator[pl.DataFrame]:
    only = _selection(feed, day, segment)
    expected, read = segment.count(only), 0
    batches = segment.batches(
        feed.plan.columns,
        only=only,
        identifiers=feed.plan.identifier_columns,
        consent=feed.plan.consent_columns,
    )
    for batch in batches:
        read += batch.height
        rows = rows_of(day, batch, feed.plan)
        if rows.height:
            yield judge(rows, feed.plan, now=now, suppressions=suppressions)
    if read != expected:
        # Raised while the outbox's transaction is open, so nothing of the day is taken over.
        raise SegmentError(
            f"{feed.relation} has {expected:,} rows for {day.date}, but {read:,} were read. Nothing was recorded, and "
            "nothing was sent: a partial read would leave events out unseen. Run again; if it recurs, look at the "
            "warehouse's log."
        )


def _selection(feed: EventFeed, day: Day, segment: SegmentReader) -> Between | None:
    """The rows that may be of the day, as far as the warehouse can tell; None for all of them."""
    column = feed.plan.event_time.column
    kind = segment.columns().get(column)
    if kind is None:
        raise SegmentError(
            f"{feed.relation} has no column {column}, which event_time of the feed {feed.feed} names. Correct its "
            "YAML, or add the column. Nothing was sent."
        )
    wanted = range_of(day, feed.plan, kind)
    if wanted is None:
        return None
    return Between(column=column, at_least=wanted.at_least, below=wanted.below, or_missing=wanted.or_missing)
