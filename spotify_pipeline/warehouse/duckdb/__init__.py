"""Reads a DuckDB warehouse: opening the file, column types, tables as streams of data frames."""

from spotify_pipeline.warehouse.duckdb.column_types import (
    can_consent,
    can_identify,
    duckdb_name,
    no_consent,
    no_identifier,
    orders_rows,
)
from spotify_pipeline.warehouse.duckdb.opening import TO_READ, WAREHOUSE_VARIABLE, open_to_read, warehouse_file
from spotify_pipeline.warehouse.duckdb.segment import RANK_COLUMN, Between, Ranking, SegmentReader, lock_down

__all__ = [
    "RANK_COLUMN",
    "TO_READ",
    "WAREHOUSE_VARIABLE",
    "Between",
    "Ranking",
    "SegmentReader",
    "can_consent",
    "can_identify",
    "duckdb_name",
    "lock_down",
    "no_consent",
    "no_identifier",
    "open_to_read",
    "orders_rows",
    "warehouse_file",
]
