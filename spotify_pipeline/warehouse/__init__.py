"""Reads a segment out of the warehouse, as a stream of data frames."""

from spotify_pipeline.warehouse.location import WAREHOUSE_VARIABLE, warehouse_file
from spotify_pipeline.warehouse.relation import Relation
from spotify_pipeline.warehouse.segment import RANK_COLUMN, Between, Ranking, SegmentError, SegmentReader, lock_down

__all__ = [
    "RANK_COLUMN",
    "WAREHOUSE_VARIABLE",
    "Between",
    "Ranking",
    "Relation",
    "SegmentError",
    "SegmentReader",
    "lock_down",
    "warehouse_file",
]
