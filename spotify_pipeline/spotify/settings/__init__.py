"""Where Spotify is and who we are to it: read from the environment, checked before anything is sent."""

from spotify_pipeline.spotify.settings.addresses import UUID
from spotify_pipeline.spotify.settings.ads import DEFAULT_LABEL, LABEL, SpotifySettings
from spotify_pipeline.spotify.settings.conversions import CONNECTION_VARIABLE, ConversionsSettings

__all__ = [
    "CONNECTION_VARIABLE",
    "DEFAULT_LABEL",
    "LABEL",
    "UUID",
    "ConversionsSettings",
    "SpotifySettings",
]
