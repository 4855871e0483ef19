"""The connection: declared once in a project, it yields what its audiences, feeds and lists share."""

from spotify_pipeline.components.connection.component import SpotifyAds
from spotify_pipeline.components.connection.found import audience_definitions, event_audience_definitions

__all__ = [
    "SpotifyAds",
    "audience_definitions",
    "event_audience_definitions",
]
