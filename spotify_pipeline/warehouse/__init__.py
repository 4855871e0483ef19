"""Reads a segment out of the warehouse, as a stream of data frames."""

from spotify_pipeline.warehouse.column_types import (
    can_consent,
    can_identify,
    duckdb_name,
    no_consent,
    no_identifier,
    orders_rows,
)
from spotify_pipeline.warehouse.errors import SegmentError, WarehouseHeld
from spotify_pipeline.warehouse.location import WAREHOUSE_VARIABLE, warehouse_file
from spotify_pipeline.warehouse.opening import TO_READ, open_to_read
from spotify_pipeline.warehouse.relation import Relation
from spotify_pipeline.warehouse.segment import RANK_COLUMN, Between, Ranking, SegmentReader, lock_down

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
    "warehouse_file",
]
