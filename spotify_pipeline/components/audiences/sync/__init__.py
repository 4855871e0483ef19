"""The asset that is the audience at Spotify, and everything that one sync of it does."""

from spotify_pipeline.components.audiences.sync.asset import audience_asset

__all__ = ["audience_asset"]
