"""Reads tables of a warehouse as streams of data frames: the class to derive from, and DuckDB as the first of them."""

from spotify_pipeline.warehouse.chosen import chosen_warehouse, warehouse_class
from spotify_pipeline.warehouse.column_types import (
    can_consent,
    can_identify,
    no_consent,
    no_identifier,
    no_order,
    orders_rows,
    without_parameters,
)
from spotify_pipeline.warehouse.duckdb import (
    TO_READ,
    WAREHOUSE_VARIABLE,
    DuckDBWarehouse,
    open_to_read,
)
from spotify_pipeline.warehouse.errors import SegmentError, WarehouseHeld
from spotify_pipeline.warehouse.own_table import OwnTable, refuse_other_schema
from spotify_pipeline.warehouse.python_function import FunctionWarehouse, PythonFunction
from spotify_pipeline.warehouse.relation import Relation, quoted
from spotify_pipeline.warehouse.segment import SegmentReader
from spotify_pipeline.warehouse.selection import RANK_COLUMN, Between, Ranking
from spotify_pipeline.warehouse.warehouse import Warehouse

__all__ = [
    "RANK_COLUMN",
    "TO_READ",
    "WAREHOUSE_VARIABLE",
    "Between",
    "DuckDBWarehouse",
    "FunctionWarehouse",
    "OwnTable",
    "PythonFunction",
    "Ranking",
    "Relation",
    "SegmentError",
    "SegmentReader",
    "Warehouse",
    "WarehouseHeld",
    "can_consent",
    "can_identify",
    "chosen_warehouse",
    "no_consent",
    "no_identifier",
    "no_order",
    "open_to_read",
    "orders_rows",
    "quoted",
    "refuse_other_schema",
    "warehouse_class",
    "without_parameters",
]
