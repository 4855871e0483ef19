"""DuckDB as a warehouse: opening the file, its types in Arrow's terms, reading, ranking."""

from spotify_pipeline.warehouse.duckdb.opening import (
    TO_READ,
    WAREHOUSE_VARIABLE,
    lock_down,
    open_to_read,
)
from spotify_pipeline.warehouse.duckdb.ranking import rank_rows
from spotify_pipeline.warehouse.duckdb.warehouse import DuckDBWarehouse

__all__ = [
    "TO_READ",
    "WAREHOUSE_VARIABLE",
    "DuckDBWarehouse",
    "lock_down",
    "open_to_read",
    "rank_rows",
]
