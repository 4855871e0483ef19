"""A13: rows outside every partition are counted, and a relation of which no row is read fails its check."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import duckdb
import pytest

from spotify_pipeline.components.conversions.checks import coverage_result
from spotify_pipeline.components.conversions.definitions import find_feeds
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.reading import Coverage, coverage
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.warehouse.readers import reader_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def feeds() -> dict[str, FeedDefinition]:
    from spotify_pipeline_tests.components.conftest import definitions_of

    stated = {"none": "ordered_at"}
    stated |= {unit: f"{{column: ordered_at, unit: {unit}}}" for unit in ("s", "ms", "us")}
    yaml = {
        f"feed_{unit}": FEED.replace("event_time: ordered_at", f"event_time: {time}").replace(
            "shop.orders", f"shop.orders_{unit}"
        )
        for unit, time in stated.items()
    }
    return {feed.name.removeprefix("feed_"): feed for feed in find_feeds(definitions_of(yaml))}


def found(feed: FeedDefinition, *times: str) -> Coverage:
    with closing(duckdb.connect()) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.execute("CREATE SCHEMA shop")
        rows = " UNION ALL ".join(f"SELECT {each} AS ordered_at" for each in times)
        connection.execute(f"CREATE TABLE {feed.relation.sql} AS {rows}")
        return coverage(feed, reader_of(connection, feed.relation), NOW)


def said(feed: FeedDefinition, where: Coverage, read: int = 0, *, with_today: bool = True) -> tuple[bool, str]:
    result = coverage_result(feed, where, read=read, with_today=with_today)
    assert result.metadata["time_before_start"].value == where.before_start
    return result.passed, str(result.description)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("unit", "number", "words"),
    [
        ("ms", "1796000000", "seconds (unit: s)"),
        ("us", "1796000000::BIGINT", "seconds (unit: s)"),
        ("us", "1796000000000", "milliseconds (unit: ms)"),
        ("s", "1796000000000", "milliseconds (unit: ms)"),
        ("ms", "1796000000000000", "microseconds (unit: us)"),
        ("s", "1796000000000000000", "nanoseconds"),
        ("s", "20261115", "yyyymmdd"),
        ("ms", "20261115::DOUBLE", "yyyymmdd"),
        ("us", "20261115120000", "yyyymmddhhmmss"),
        ("ms", "'1796000000'", "seconds (unit: s)"),
        ("ms", "1796000000::DECIMAL(18, 3)", "seconds (unit: s)"),
    ],
)
def test_a13_times_in_another_unit_than_stated_fail_the_check_which_names_the_unit(
    feeds: dict[str, FeedDefinition], unit: str, number: str, words: str
) -> None:
    number = number.replace("1796", "1795")
    where = found(feeds[unit], number, number, "NULL")
    assert (where.placed, where.within) == (2, 0)
    passed, sentence = said(feeds[unit], where)
    assert not passed
    assert f"looks like {words.split(' (')[0]}" in sentence or words in sentence
    assert f"event_time states unit: {unit}" in sentence
    assert number.split(":")[0].strip("'") not in sentence


@pytest.mark.parametrize("kind", ["TIMESTAMPTZ", "TIMESTAMP", "DATE", "VARCHAR"])
def test_a13_rows_before_the_start_are_counted_and_others_are_read(feeds: dict[str, FeedDefinition], kind: str) -> None:
    times = [f"CAST('{each}' AS {kind})" for each in ("1970-01-01", "2025-12-31", "2026-01-01", "2026-11-28")]
    where = found(feeds["none"], *times, "NULL")
    assert where == Coverage(placed=4, before_start=2, within=2)
    assert said(feeds["none"], where, read=1)[0]
    passed, sentence = said(feeds["none"], found(feeds["none"], *times[:2]))
    assert not passed
    assert (
        "None of the 2 rows of shop.orders_none can be sent: 2 lie before 2026-01-01, the feed's start, and 0 in the"
        in sentence
    )


def test_a13_a_relation_that_stopped_warns_with_the_newest_day_only(feeds: dict[str, FeedDefinition]) -> None:
    where = Coverage(placed=10, before_start=0, within=10)
    passed, sentence = said(feeds["none"], where)
    assert not passed
    assert "has 10 rows, and none of the days that this run read" in sentence
    assert said(feeds["none"], where, with_today=False)[0]
    assert said(feeds["none"], Coverage(placed=0, before_start=0, within=0))[0]
