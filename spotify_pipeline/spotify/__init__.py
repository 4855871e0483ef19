"""Everything that speaks to Spotify: sign-in and tokens, the Ads API v3, signed uploads.

What other rooms use is named here. The room imports nothing of ours but :mod:`spotify_pipeline.home`.
"""

from __future__ import annotations

from spotify_pipeline.spotify.ads_api import SpotifyAdsClient
from spotify_pipeline.spotify.answer import CallRecord, Observer
from spotify_pipeline.spotify.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    SettingsInvalid,
    SettingsMissing,
    SignInFailed,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    TermsNotAccepted,
    TokenStoreUnusable,
    UnexpectedAnswer,
    UntrustedServer,
    UploadIncomplete,
    UploadRefused,
)
from spotify_pipeline.spotify.login import DEFAULT_PORT, sign_in
from spotify_pipeline.spotify.models import AdAccount, Audience, Business, UploadProof, UploadTicket
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.spotify.token_store import Authorization, TokenStore

__all__ = [
    "DEFAULT_PORT",
    "AdAccount",
    "Audience",
    "Authorization",
    "Business",
    "CallRecord",
    "Conflict",
    "InvalidRequest",
    "NotFound",
    "Observer",
    "PermissionDenied",
    "RateLimited",
    "Secret",
    "SettingsInvalid",
    "SettingsMissing",
    "SignInFailed",
    "SignInRequired",
    "SpotifyAdsClient",
    "SpotifyError",
    "SpotifySettings",
    "SpotifyUnavailable",
    "TermsNotAccepted",
    "TokenStore",
    "TokenStoreUnusable",
    "UnexpectedAnswer",
    "UntrustedServer",
    "UploadIncomplete",
    "UploadProof",
    "UploadRefused",
    "UploadTicket",
    "sign_in",
]
