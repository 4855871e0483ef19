"""Numbers rows in an order: the SQL for a table of DuckDB, and for rows of another warehouse a sort on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa

from spotify_pipeline.warehouse.column_types import fields_of, may_be_nan
from spotify_pipeline.warehouse.duckdb.inserting import create_table, insert
from spotify_pipeline.warehouse.duckdb.opening import lock_down
from spotify_pipeline.warehouse.relation import quoted
from spotify_pipeline.warehouse.selection import RANK_COLUMN, Ranking


def rank_column(rank: Ranking, kind: pa.DataType, selected: Sequence[str]) -> str:
    """The SQL of `RANK_COLUMN`, ``kind`` being the type of the column that orders the rows."""
    name = quoted(rank.column)
    value = f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END" if may_be_nan(kind) else name
    # All selected columns break ties, so that equal tables give equal ranks.
    ties = "".join(f", {quoted(column)} ASC NULLS LAST" for column in selected)
    order = f"{value} {'DESC' if rank.highest_first else 'ASC'} NULLS LAST{ties}"
    return f"row_number() OVER (ORDER BY {order}) AS {quoted(RANK_COLUMN)}"


def rank_rows(
    batches: Iterator[pa.RecordBatch], selected: Sequence[str], rank: Ranking, spill: Path, batch_rows: int = 50_000
) -> Iterator[pa.RecordBatch]:
    """The selected columns of rows of any warehouse, with `RANK_COLUMN` last. Memory is bounded; the rest is spilled.

    Args:
        batches: of one schema, with the selected columns and the one that orders.
        selected: the columns to return.
        rank: the order.
        spill: private directory.
        batch_rows: maximum number of rows of a batch.
    """
    first = next(batches, None)
    if first is None:
        return
    kind = fields_of(first.schema)[rank.column].type
    columns = ", ".join([*(quoted(column) for column in selected), rank_column(rank, kind, selected)])
    with closing(duckdb.connect()) as connection:
        lock_down(connection, spill)
        create_table(connection, "rows", first.schema)
        insert(connection, "rows", chain([first], batches))
        yield from connection.sql(f"SELECT {columns} FROM rows").to_arrow_reader(batch_rows)  # noqa: S608 - quoted
