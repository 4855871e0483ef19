"""The asset that is the audience at Spotify, and everything that one sync of it does."""

from spotify_pipeline.components.audiences.sync.asset import audience_asset
from spotify_pipeline.components.audiences.sync.blocked_runs import alert_blocked
from spotify_pipeline.components.audiences.sync.guarding import lists_compared, live_list, predicted

__all__ = [
    "alert_blocked",
    "audience_asset",
    "lists_compared",
    "live_list",
    "predicted",
]
