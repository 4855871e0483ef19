"""Puts Arrow batches into a table of DuckDB, one at a time.

DuckDB could read an iterator by itself, but would call it from a thread of its own, in which what a project's function
holds (a connection of SQLite, say) may not work; and it would take the place of what the iterator raises.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import pyarrow as pa


def create_table(connection: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema) -> None:
    """Create a table, given as SQL, with the columns of ``schema``, unless it is there."""
    connection.register("new_rows", schema.empty_table())
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM new_rows")  # noqa: S608 - quoted


def insert(connection: duckdb.DuckDBPyConnection, table: str, batches: Iterable[pa.RecordBatch]) -> None:
    """Add rows to a table, given as SQL, whose columns are in the order of theirs."""
    for batch in batches:
        connection.register("new_rows", pa.Table.from_batches([batch]))
        connection.execute(f"INSERT INTO {table} SELECT * FROM new_rows")  # noqa: S608 - quoted
