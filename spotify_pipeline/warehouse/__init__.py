"""Reads tables of the warehouse as streams of data frames, over a locked-down connection."""

from spotify_pipeline.warehouse.duckdb import (
    RANK_COLUMN,
    TO_READ,
    WAREHOUSE_VARIABLE,
    Between,
    Ranking,
    SegmentReader,
    can_consent,
    can_identify,
    duckdb_name,
    lock_down,
    no_consent,
    no_identifier,
    open_to_read,
    orders_rows,
    warehouse_file,
)
from spotify_pipeline.warehouse.errors import SegmentError, WarehouseHeld
from spotify_pipeline.warehouse.relation import Relation, quoted

__all__ = [
    "RANK_COLUMN",
    "TO_READ",
    "WAREHOUSE_VARIABLE",
    "Between",
    "Ranking",
    "Relation",
    "SegmentError",
    "SegmentReader",
    "WarehouseHeld",
    "can_consent",
    "can_identify",
    "duckdb_name",
    "lock_down",
    "no_consent",
    "no_identifier",
    "open_to_read",
    "orders_rows",
    "quoted",
    "warehouse_file",
]
