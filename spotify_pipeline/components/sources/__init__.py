"""Where people and events come from: tables, dbt models, and lists of suppressed people."""

from spotify_pipeline.components.sources.config import (
    ConsentedSourceConfig,
    IdentifiersConfig,
    SegmentConfig,
    SettingPath,
    Suppress,
    SuppressConfig,
    each_suppressed_once,
)
from spotify_pipeline.components.sources.dbt_project import WAREHOUSE_POOL, WarehouseProject
from spotify_pipeline.components.sources.suppression_list import SuppressionList
from spotify_pipeline.components.sources.suppressions import SuppressionSource, read_suppressions, suppression_sources
from spotify_pipeline.components.sources.table import find_source, refuse_unknown_columns

__all__ = [
    "WAREHOUSE_POOL",
    "ConsentedSourceConfig",
    "IdentifiersConfig",
    "SegmentConfig",
    "SettingPath",
    "Suppress",
    "SuppressConfig",
    "SuppressionList",
    "SuppressionSource",
    "WarehouseProject",
    "each_suppressed_once",
    "find_source",
    "read_suppressions",
    "refuse_unknown_columns",
    "suppression_sources",
]
