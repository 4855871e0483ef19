"""In which order a segment's rows come first, and how old the newest of them is."""

from __future__ import annotations

import math
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.warehouse import RANK_COLUMN, Ranking, Relation, SegmentError
from spotify_pipeline.warehouse.duckdb import lock_down, rank_rows
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.warehouse.readers import reader_of

PEOPLE = Relation.parse("people")


def ranked(connection: duckdb.DuckDBPyConnection, rank: Ranking, columns: tuple[str, ...] = ("email",)) -> pl.DataFrame:
    return pl.concat(reader_of(connection, PEOPLE).batches(list(columns), rank=rank)).sort(RANK_COLUMN)


@settings(max_examples=examples(15, 40))
@given(
    spent=st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=30),
    highest_first=st.booleans(),
    seed=st.randoms(use_true_random=False),
)
def test_ranks_follow_the_column_and_tell_everybody_apart(spent, highest_first: bool, seed) -> None:
    rows = [(f"p{n:02}@example.com", value) for n, value in enumerate(spent)]
    by_value = sorted(rows, key=lambda row: (row[1] is None, (-1 if highest_first else 1) * (row[1] or 0), row[0]))
    seed.shuffle(rows)
    with tempfile.TemporaryDirectory() as name, duckdb.connect(f"{name}/warehouse.duckdb") as connection:
        connection.execute("CREATE TABLE people (email VARCHAR, spent INTEGER)")
        connection.executemany("INSERT INTO people VALUES (?, ?)", rows)
        lock_down(connection, Path(name) / "spill")
        found = ranked(connection, Ranking("spent", highest_first))
    assert found.columns == ["email", RANK_COLUMN]
    assert found.schema[RANK_COLUMN] == pl.Int64
    assert found[RANK_COLUMN].to_list() == list(range(1, len(rows) + 1))
    assert found["email"].to_list() == [email for email, _ in by_value]


@settings(max_examples=examples(15, 40))
@given(
    spent=st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=30),
    highest_first=st.booleans(),
    kind=st.sampled_from(["FLOAT", "DOUBLE"]),
)
def test_what_is_no_number_comes_last_whichever_end_is_first(spent, highest_first: bool, kind: str) -> None:
    rows = [(f"p{n:02}@example.com", value) for n, value in enumerate(spent)]
    missing = [value is None or math.isnan(value) for value in spent]
    by_value = sorted(
        rows,
        key=lambda row: (
            missing[int(row[0][1:3])],
            0 if missing[int(row[0][1:3])] else (-1 if highest_first else 1) * row[1],
            row[0],
        ),
    )
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE people (email VARCHAR, spent {kind})")
        connection.executemany("INSERT INTO people VALUES (?, ?)", rows)
        found = ranked(connection, Ranking("spent", highest_first))
    assert found["email"].to_list() == [email for email, _ in by_value]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("TINYINT", ["-3", "9", "10"]),
        ("UBIGINT", ["0", "9", "18446744073709551615"]),
        ("HUGEINT", ["-170141183460469231731687303715884105727", "9", "170141183460469231731687303715884105727"]),
        ("UHUGEINT", ["0", "9", "340282366920938463463374607431768211455"]),
        ("BIGNUM", ["-10", "9", "10", "1000000000000000000000000000000000000000000"]),
        ("DECIMAL(18, 3)", ["-1.5", "9.25", "10"]),
        ("DOUBLE", ["-infinity", "-9", "10", "infinity"]),
        ("DATE", ["-infinity", "2025-12-31", "2026-01-01", "infinity"]),
        ("TIMESTAMP", ["2026-01-01 09:00", "2026-01-01 10:00"]),
        ("TIMESTAMP_S", ["2026-01-01 09:00:00", "2026-01-01 10:00:00"]),
        ("TIMESTAMP_NS", ["2026-01-01 09:00:00.1", "2026-01-01 09:00:00.2"]),
        ("TIMESTAMPTZ", ["2026-01-01 10:00:00+02:00", "2026-01-01 09:00:00+00:00"]),
    ],
)
@pytest.mark.parametrize("highest_first", [True, False])
def test_numbers_dates_and_times_order_as_they_are_counted(
    connection: duckdb.DuckDBPyConnection, kind: str, values: list[str], highest_first: bool
) -> None:
    connection.execute(f"CREATE TABLE people (email VARCHAR, value {kind})")
    for value in [None, *reversed(values)]:
        connection.execute("INSERT INTO people VALUES (?, ?)", [str(value), value])
    found = ranked(connection, Ranking("value", highest_first))
    assert found["email"].to_list() == [*(reversed(values) if highest_first else values), "None"]


@pytest.mark.parametrize(
    "kind",
    [
        "VARCHAR",
        "BOOLEAN",
        "BLOB",
        "UUID",
        "TIME",
        "INTERVAL",
        "BIT",
        "JSON",
        "VARIANT",
        "ENUM('low', 'high')",
        "INTEGER[]",
        "DECIMAL(18, 3)[]",
        "DOUBLE[3]",
        "STRUCT(DATE INTEGER)",
        "MAP(INTEGER, INTEGER)",
        "UNION(n INTEGER, s VARCHAR)",
    ],
)
def test_people_are_ranked_by_nothing_but_numbers_dates_and_times(
    connection: duckdb.DuckDBPyConnection, kind: str
) -> None:
    connection.execute(f"CREATE TABLE people (email VARCHAR, tier {kind})")
    with pytest.raises(SegmentError, match=r"people\.tier holds .*, so it cannot say who stays when a list is cut"):
        ranked(connection, Ranking("tier", highest_first=True))


def test_ranked_rows_come_in_bounded_batches(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE people AS SELECT i AS id FROM range(10_000) r(i)")
    batches = list(reader_of(connection, PEOPLE).batches(["id"], 3_000, Ranking("id", highest_first=True)))
    assert max(batch.height for batch in batches) <= 3_000
    assert pl.concat(batches).select((pl.col("id") + pl.col(RANK_COLUMN) == 10_000).all()).item()


def test_s01_an_order_is_only_ever_a_column(connection: duckdb.DuckDBPyConnection) -> None:
    hostile = 'x" DESC); DROP TABLE people; --'
    name = hostile.replace('"', '""')
    connection.execute(f"CREATE TABLE people AS SELECT 1 AS \"{name}\", 'a@example.com' AS email")
    assert ranked(connection, Ranking(hostile, highest_first=False)).rows() == [("a@example.com", 1)]


def test_order_needs_a_column_that_exists_and_a_name_that_is_free(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"CREATE TABLE people (email VARCHAR, {RANK_COLUMN} INTEGER)")
    with pytest.raises(SegmentError, match="people has no column spent"):
        ranked(connection, Ranking("spent", highest_first=True))
    with pytest.raises(SegmentError, match="name __rank is taken"):
        ranked(connection, Ranking("email", highest_first=True), ("email", RANK_COLUMN))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("DATE", "2026-11-16", datetime(2026, 11, 16, tzinfo=UTC)),
        ("TIMESTAMP", "2026-11-16 06:30:00.25", datetime(2026, 11, 16, 6, 30, 0, 250_000, UTC)),
        ("TIMESTAMP_S", "2026-11-16 06:30:00", datetime(2026, 11, 16, 6, 30, tzinfo=UTC)),
        ("TIMESTAMP_MS", "2026-11-16 06:30:00.5", datetime(2026, 11, 16, 6, 30, 0, 500_000, UTC)),
        ("TIMESTAMP_NS", "2026-11-16 06:30:00.123456", datetime(2026, 11, 16, 6, 30, 0, 123_456, UTC)),
        ("TIMESTAMPTZ", "2026-11-16 06:30:00+01:00", datetime(2026, 11, 16, 5, 30, tzinfo=UTC)),
    ],
)
def test_w06_newest_row_in_utc(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str, value: str, expected: datetime
) -> None:
    connection.execute(f"CREATE TABLE people (changed {kind})")
    connection.execute(f"INSERT INTO people VALUES ('2020-01-01'), ('{value}'), (NULL)")
    lock_down(connection, tmp_path / "spill")
    newest = reader_of(connection, PEOPLE).newest("changed")
    assert newest == expected
    assert newest is not None
    assert newest.utcoffset() is not None


def test_w06_no_row_has_a_time(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE people (changed TIMESTAMP)")
    reader = reader_of(connection, PEOPLE)
    assert reader.newest("changed") is None
    connection.execute("INSERT INTO people VALUES (NULL)")
    assert reader.newest("changed") is None


@pytest.mark.parametrize("kind", ["VARCHAR", "BIGINT", "TIME", "INTERVAL", "TIMESTAMP[]"])
def test_w06_column_of_something_else_is_refused(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    connection.execute(f"CREATE TABLE people (changed {kind})")
    with pytest.raises(SegmentError, match=r"people\.changed holds .*, not a date or time"):
        reader_of(connection, PEOPLE).newest("changed")


@pytest.mark.parametrize("value", ["infinity", "200000-01-01"])
def test_w06_a_time_beyond_all_others_does_not_pass_for_fresh(
    connection: duckdb.DuckDBPyConnection, value: str
) -> None:
    connection.execute(f"CREATE TABLE people AS SELECT TIMESTAMP '{value}' AS changed")
    with pytest.raises(SegmentError, match="infinite or beyond the year 9999"):
        reader_of(connection, PEOPLE).newest("changed")


def test_w06_newest_of_what_is_not_there(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SegmentError, match="no table or view people"):
        reader_of(connection, PEOPLE).newest("changed")
    connection.execute("CREATE TABLE people (email VARCHAR)")
    with pytest.raises(SegmentError, match="people has no column changed"):
        reader_of(connection, PEOPLE).newest("changed")


def test_p03_a_failing_view_shows_no_value(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE raw AS SELECT 'canary@example.com' AS email")
    connection.execute("CREATE VIEW people AS SELECT CAST(email AS TIMESTAMP) AS changed FROM raw")
    with pytest.raises(SegmentError) as caught:
        reader_of(connection, PEOPLE).newest("changed")
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@settings(max_examples=examples(10, 40))
@given(
    spent=st.lists(st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30),
    highest_first=st.booleans(),
    size=st.integers(1, 7),
)
def test_rows_of_another_warehouse_are_ranked_here_as_duckdb_would(spent, highest_first: bool, size: int) -> None:
    rows = pa.table(
        {"email": [f"p{n % 5}@example.com" for n in range(len(spent))], "spent": pa.array(spent, pa.float64())}
    )
    rank = Ranking("spent", highest_first)
    with tempfile.TemporaryDirectory() as name, duckdb.connect() as connection:
        connection.register("given", rows)
        connection.execute("CREATE TABLE people AS SELECT * FROM given")
        there = ranked(connection, rank) if spent else pl.DataFrame()
        batches = iter(rows.to_batches(max_chunksize=size))
        here = [each.to_pylist() for each in rank_rows(batches, ["email"], rank, Path(name) / "spill")]
    rows_here = sorted((row[RANK_COLUMN], row["email"]) for batch in here for row in batch)
    assert rows_here == [(row[RANK_COLUMN], row["email"]) for row in there.to_dicts()]
