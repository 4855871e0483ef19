"""Feeds of conversion events: assets, checks, schedules."""

from spotify_pipeline.components.conversions.component import ConversionFeed
from spotify_pipeline.components.conversions.definitions import feed_definitions, feed_tables, find_feeds
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.guards import FEEDS, feed_decision
from spotify_pipeline.components.conversions.parity import received_events
from spotify_pipeline.components.conversions.resources import Outboxes
from spotify_pipeline.components.conversions.schedules import feed_tags, range_tags

__all__ = [
    "FEEDS",
    "ConversionFeed",
    "FeedDefinition",
    "Outboxes",
    "feed_decision",
    "feed_definitions",
    "feed_tables",
    "feed_tags",
    "find_feeds",
    "range_tags",
    "received_events",
]
