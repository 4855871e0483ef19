"""Dagster's side: typed YAML becomes assets, checks and schedules. No business rule lives here."""

from spotify_pipeline.components.customer_list_audience import CustomerListAudience
from spotify_pipeline.components.suppression_list import SuppressionList
from spotify_pipeline.components.warehouse_project import WarehouseProject

__all__ = ["CustomerListAudience", "SuppressionList", "WarehouseProject"]
