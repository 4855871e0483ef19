"""Dagster's side: typed YAML becomes assets, checks and schedules. No business rule lives here."""

from spotify_pipeline.components.ad_engagement_audience import AdEngagementAudience
from spotify_pipeline.components.conversion_feed import ConversionFeed
from spotify_pipeline.components.customer_list_audience import CustomerListAudience
from spotify_pipeline.components.suppression_list import SuppressionList
from spotify_pipeline.components.warehouse_project import WarehouseProject
from spotify_pipeline.components.web_event_audience import WebEventAudience

__all__ = [
    "AdEngagementAudience",
    "ConversionFeed",
    "CustomerListAudience",
    "SuppressionList",
    "WarehouseProject",
    "WebEventAudience",
]
