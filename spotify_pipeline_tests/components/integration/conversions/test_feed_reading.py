"""Days of a feed are read with few scans of its relation, each day exactly and as a whole."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest

from spotify_pipeline.components.conversions.definitions import find_feeds
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.reading import MOST_KEPT, read_days
from spotify_pipeline.conversions import Outbox, open_outbox
from spotify_pipeline.rows import Suppressions
from spotify_pipeline.state import StateStore
from spotify_pipeline.warehouse import DuckDBWarehouse, SegmentReader
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.examples import in_test_rest

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS = 30
A_DAY = 40


class Counting(SegmentReader):
    """Counts its scans."""

    scans = 0

    def batches(self, *arguments: Any, **more: Any) -> Iterator[pl.DataFrame]:
        self.scans += 1
        return super().batches(*arguments, batch_rows=500, **more)


@pytest.fixture
def feed(load: Callable[..., dg.Definitions]) -> FeedDefinition:
    return find_feeds(load({"orders": FEED}))[0]


@pytest.fixture
def outbox(tmp_path: Path) -> Generator[Outbox]:
    with open_outbox("orders", StateStore.in_home(tmp_path)) as opened:
        yield opened


def orders(kind: str) -> duckdb.DuckDBPyConnection:
    """Forty orders a day, in no order, their times of that type."""
    connection = duckdb.connect()
    connection.execute("SET timezone = 'UTC'")
    connection.execute("CREATE SCHEMA shop")
    connection.execute(
        f"CREATE TABLE shop.orders AS SELECT 'o-' || i AS order_id, CAST(moment AS {kind}) AS ordered_at, "
        "'person' || i || '@example.com' AS email, true AS agreed, 10 AS total "
        f"FROM (SELECT i, TIMESTAMPTZ '2026-11-22 00:00:00+00' - to_hours(24 * (i % {DAYS})) AS moment "
        f"FROM range({DAYS * A_DAY}) r(i)) ORDER BY hash(i)"
    )
    return connection


def read(feed: FeedDefinition, outbox: Outbox, kind: str, days: list[int], most_kept: int = MOST_KEPT) -> int:
    """Reads these days, so many days ago; each has its forty. How many scans that took."""
    with closing(orders(kind)) as connection:
        segment = Counting(DuckDBWarehouse.over(connection), feed.relation, Path("unused"))
        asked = [feed.day((NOW - timedelta(days=each)).date().isoformat(), NOW) for each in days]
        readings = read_days(feed, asked, segment, outbox, Suppressions(), NOW, most_kept)
    assert {day: each.rows for day, each in readings.items()} == {day.date: A_DAY for day in asked}
    assert [each.pending for each in outbox.accounts()] == [A_DAY] * len(days)
    assert all(each.adds_up for each in outbox.accounts())
    return segment.scans


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("kind", "days", "scans"),
    [
        ("VARCHAR", list(range(DAYS)), 1),
        ("VARCHAR", [0, 5, 29], 1),
        in_test_rest("TIMESTAMPTZ", list(range(DAYS)), 1),
        ("TIMESTAMPTZ", [3, 2, 1, 0], 1),
        ("TIMESTAMPTZ", [29, 1, 0], 2),
        ("DATE", [0, 1], 1),
    ],
)
def test_a25_days_are_read_by_one_scan(
    feed: FeedDefinition, outbox: Outbox, kind: str, days: list[int], scans: int
) -> None:
    assert read(feed, outbox, kind, days) == scans


@pytest.mark.e2e
@pytest.mark.parametrize("kind", ["VARCHAR", "TIMESTAMPTZ"])
@pytest.mark.parametrize("room", [3 * A_DAY + 1, *map(in_test_rest, (1, A_DAY))])
def test_a25_what_does_not_fit_into_memory_is_read_by_further_scans(
    feed: FeedDefinition, outbox: Outbox, kind: str, room: int
) -> None:
    assert 1 < read(feed, outbox, kind, list(range(8)), most_kept=room) <= 8


def test_a25_no_day_is_recorded_of_a_scan_that_breaks_off(feed: FeedDefinition, outbox: Outbox) -> None:
    class Short(Counting):
        def batches(self, *arguments: Any, **more: Any) -> Iterator[pl.DataFrame]:
            frames = super().batches(*arguments, **more)
            next(frames)
            return frames

    with closing(orders("VARCHAR")) as connection:
        asked = [feed.day((NOW - timedelta(days=each)).date().isoformat(), NOW) for each in range(3)]
        with pytest.raises(Exception, match="were read"):
            read_days(
                feed,
                asked,
                Short(DuckDBWarehouse.over(connection), feed.relation, Path("unused")),
                outbox,
                Suppressions(),
                NOW,
            )
    assert list(outbox.accounts()) == []
