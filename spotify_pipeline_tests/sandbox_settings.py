"""The settings with which the client speaks to a sandbox."""

from __future__ import annotations

from typing import Any

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline.spotify import Secret, SpotifySettings


def settings_at(origin: str, **others: Any) -> SpotifySettings:
    """Signed in as every new sandbox allows, with all services at ``origin``, such as ``http://127.0.0.1:8710``."""
    return SpotifySettings(
        client_id=DEFAULTS.client_id,
        client_secret=Secret(DEFAULTS.client_secret),
        refresh_token=Secret(DEFAULTS.refresh_token),
        ads_api_url=f"{origin}/ads/v3",
        accounts_url=origin,
        upload_hosts=(origin.removeprefix("http://"),),
        **others,
    )
