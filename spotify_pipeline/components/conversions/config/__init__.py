"""What a feed's YAML may contain."""

from spotify_pipeline.components.conversions.config.feed import FeedConfig

__all__ = [
    "FeedConfig",
]
