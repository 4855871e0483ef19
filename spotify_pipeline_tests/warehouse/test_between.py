"""Only some rows: those of a day, and on the open day those that have none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from spotify_pipeline.warehouse import Between, SegmentError, SegmentReader
from spotify_pipeline_tests.warehouse.readers import reader_of

DAY: dict[str, Any] = {"at_least": datetime(2026, 11, 20), "below": datetime(2026, 11, 21)}  # noqa: DTZ001 - of a column without a zone


@pytest.fixture
def reader() -> SegmentReader:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        """create table events as select * from (values
        (1, timestamp '2026-11-19 23:59:59.999999', 10), (2, timestamp '2026-11-20 00:00:00', 20),
        (3, timestamp '2026-11-20 23:59:59.999999', 30), (4, timestamp '2026-11-21 00:00:00', null), (5, null, 50)
        ) as t(id, "happened ""at", number)"""
    )
    return reader_of(connection, "events")


def ids(reader: SegmentReader, only: Between) -> set[int]:
    found = {row for batch in reader.batches(["id"], only=only) for row in batch["id"]}
    assert reader.count(only) == len(found)
    return found


def test_rows_of_a_day(reader: SegmentReader) -> None:
    assert ids(reader, Between('happened "at', **DAY)) == {2, 3}


def test_rows_without_a_value_come_where_they_are_asked_for(reader: SegmentReader) -> None:
    assert ids(reader, Between('happened "at', **DAY, or_missing=True)) == {2, 3, 5}
    assert ids(reader, Between('happened "at', at_least=DAY["at_least"], or_missing=True)) == {2, 3, 4, 5}


def test_no_limit_is_every_row_with_a_value(reader: SegmentReader) -> None:
    assert ids(reader, Between("number")) == {1, 2, 3, 5}
    assert ids(reader, Between("number", below=30)) == {1, 2}


def test_a_column_that_is_not_there_is_named(reader: SegmentReader) -> None:
    with pytest.raises(SegmentError, match="no column moment"):
        list(reader.batches(["id"], only=Between("moment", at_least=datetime(2026, 1, 1, tzinfo=UTC))))
