"""Spotify's Conversions API: the client, and what its responses mean."""

from spotify_pipeline.spotify.capi.accepted_responses import CONTRACT, AcceptedResponse
from spotify_pipeline.spotify.capi.client import ConversionsClient

__all__ = [
    "CONTRACT",
    "AcceptedResponse",
    "ConversionsClient",
]
