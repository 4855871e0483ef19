"""Spotify's Ads API v3: the client, and its operations on audiences, data sets and connections."""

from spotify_pipeline.spotify.ads.audiences import (
    AD_ENGAGEMENT,
    CUSTOM,
    LOOKALIKE,
    WEB_EVENT,
)
from spotify_pipeline.spotify.ads.client import SpotifyAdsClient
from spotify_pipeline.spotify.ads.models import (
    AdAccount,
    Audience,
    AudienceDataset,
    Business,
    CapiConnection,
    CapiToken,
    Dataset,
    NewCapiToken,
    ReceivedEvents,
)

__all__ = [
    "AD_ENGAGEMENT",
    "CUSTOM",
    "LOOKALIKE",
    "WEB_EVENT",
    "AdAccount",
    "Audience",
    "AudienceDataset",
    "Business",
    "CapiConnection",
    "CapiToken",
    "Dataset",
    "NewCapiToken",
    "ReceivedEvents",
    "SpotifyAdsClient",
]
