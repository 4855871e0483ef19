"""Dagster's side: typed YAML becomes assets, checks and schedules. No business rule lives here."""

from spotify_pipeline.components.audiences import CustomerListAudience, audience_of_table
from spotify_pipeline.components.audiences.event_based import AdEngagementAudience, WebEventAudience
from spotify_pipeline.components.cadence import NoWindowOpen
from spotify_pipeline.components.configured import ConfiguredResource
from spotify_pipeline.components.connection import SpotifyAds, audience_definitions, event_audience_definitions
from spotify_pipeline.components.conversions import ConversionFeed
from spotify_pipeline.components.metadata import in_words, size_range
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.components.sources import SuppressionList, WarehouseProject

__all__ = [
    "AdEngagementAudience",
    "ConfiguredResource",
    "ConversionFeed",
    "CustomerListAudience",
    "NoWindowOpen",
    "PipelineHome",
    "SpotifyAds",
    "SpotifyAdsResource",
    "SuppressionList",
    "WarehouseProject",
    "WarehouseResource",
    "WebEventAudience",
    "audience_definitions",
    "audience_of_table",
    "event_audience_definitions",
    "in_words",
    "size_range",
]
