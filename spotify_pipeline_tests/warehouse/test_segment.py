"""Reading a segment: all of it, in bounded pieces, and no value in any error."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.warehouse import Relation, SegmentError
from spotify_pipeline.warehouse.duckdb import lock_down
from spotify_pipeline.warehouse.relation import quoted
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.warehouse.readers import reader_of

CANARY = "canary-7f3a@example.com"


def test_every_row_comes_once_in_bounded_batches(connection: duckdb.DuckDBPyConnection) -> None:
    rows = "SELECT i AS id, 'p' || i || '@example.com' AS email FROM range(10_000) r(i)"
    connection.execute(f"CREATE TABLE people AS {rows}")
    reader = reader_of(connection, "people")
    batches = list(reader.batches(["email", "id", "email"], batch_rows=3_000))
    assert all(batch.columns == ["email", "id"] for batch in batches)
    assert max(batch.height for batch in batches) <= 3_000
    assert sorted(pl.concat(batches)["id"].to_list()) == list(range(10_000)) == list(range(reader.count()))


def test_an_unknown_column_is_named_with_those_that_exist(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE people (email VARCHAR, phone VARCHAR)")
    with pytest.raises(SegmentError, match=r"people has no column e_mail\. It has: email, phone"):
        list(reader_of(connection, "people").batches(["e_mail"]))


def test_a_missing_table_says_to_build_it(connection: duckdb.DuckDBPyConnection) -> None:
    reader = reader_of(connection, "segments.people")
    for read in (reader.columns, reader.count, lambda: list(reader.batches(["email"]))):
        with pytest.raises(SegmentError, match=r"no table or view segments.people. Build it first"):
            read()


def test_p03_a_cast_error_shows_no_value(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"CREATE TABLE raw AS SELECT '{CANARY}' AS email")
    connection.execute("CREATE VIEW people AS SELECT CAST(email AS INTEGER) AS email FROM raw")
    with pytest.raises(SegmentError) as caught:
        list(reader_of(connection, "people").batches(["email"]))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_p03_an_error_far_into_the_rows_shows_no_value(connection: duckdb.DuckDBPyConnection) -> None:
    """By then it is Arrow that reads, and hands DuckDB's message on in an exception of its own."""
    # DuckDB reads ahead as far as its buffer goes: by default past the row, before the first batch is asked for.
    connection.execute("SET streaming_buffer_size = '100KB'")
    connection.execute(
        f"CREATE TABLE raw AS SELECT CASE i WHEN 600000 THEN '{CANARY}' ELSE i::VARCHAR END AS email "
        "FROM range(700000) rows(i)"
    )
    connection.execute("CREATE VIEW people AS SELECT CAST(email AS INTEGER) AS email FROM raw")
    batches = reader_of(connection, "people").batches(["email"])
    assert next(batches).height > 0
    with pytest.raises(SegmentError, match=r"could not be read to its end") as caught:
        list(batches)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_s02_a_locked_connection_reads_no_file_and_cannot_be_unlocked(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    lock_down(connection, tmp_path / "spill")
    for statement in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"ATTACH '{tmp_path}/other.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SET temp_directory = '/tmp'",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    assert not (tmp_path / "out.csv").exists()


def test_p07_the_spill_directory_is_private_whatever_the_umask(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        lock_down(connection, tmp_path / "home" / "spill")
    finally:
        os.umask(before)
    for directory in (tmp_path / "home", tmp_path / "home" / "spill"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


hostile_names = st.one_of(
    st.sampled_from(
        ['"; DROP TABLE canary; --', "a' OR '1'='1", 'x" FROM canary --', "select", "a.b", "--", "/*", "$$"]
    ),
    st.text(
        st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]), min_size=1, max_size=40
    ),
)


@settings(max_examples=examples(20, 100))
@given(hostile_names, hostile_names)
def test_s01_a_name_is_only_ever_a_name(table: str, column: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE canary AS SELECT 1 AS alive")
        connection.execute(f"CREATE SCHEMA s; CREATE TABLE s.{quoted(table)} AS SELECT 42 AS {quoted(column)}")
        reader = reader_of(connection, Relation(("s", table)))
        assert list(reader.columns()) == [column]
        assert pl.concat(reader.batches([column]))[column].to_list() == [42]
        assert connection.execute("SELECT alive FROM canary").fetchall() == [(1,)]


@pytest.mark.parametrize("name", ["", "a\x00b", "a\nb", "\x7f", "x" * 129])
def test_s01_a_name_that_no_table_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name must have 1 to 128 characters"):
        Relation((name,))


@pytest.mark.parametrize("text", ["a.b.c.d", "", "a..b", "."])
def test_a_relation_has_one_to_three_names(text: str) -> None:
    with pytest.raises(ValueError, match=r"a name must have|a table is named"):
        Relation.parse(text)
