"""Sends pending events in batches, finds the rejected ones, holds a feed back, compares with Spotify's counts."""

from spotify_pipeline.conversions.delivery.deliver import (
    DeliveryPlan,
    DeliveryReport,
    FeedRefused,
    FeedStopped,
    Send,
    active_stop,
    deliver,
)
from spotify_pipeline.conversions.delivery.guards import (
    FeedDecision,
    FeedGuard,
    FeedHeld,
    FeedLimits,
    HeldDay,
    decide_feed,
)
from spotify_pipeline.conversions.delivery.parity import Parity, compare

__all__ = [
    "DeliveryPlan",
    "DeliveryReport",
    "FeedDecision",
    "FeedGuard",
    "FeedHeld",
    "FeedLimits",
    "FeedRefused",
    "FeedStopped",
    "HeldDay",
    "Parity",
    "Send",
    "active_stop",
    "compare",
    "decide_feed",
    "deliver",
]
