"""Spotify's Conversions API: the client, and what its answers mean."""

from spotify_pipeline.spotify.capi.client import ConversionsClient
from spotify_pipeline.spotify.capi.taken_answers import CONTRACT, TakenAnswer

__all__ = [
    "CONTRACT",
    "ConversionsClient",
    "TakenAnswer",
]
