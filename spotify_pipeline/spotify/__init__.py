"""Everything that speaks to Spotify: sign-in and tokens, the Ads API v3, signed uploads.

What other rooms use is named here. The room imports nothing of ours but :mod:`spotify_pipeline.home`.
"""

from __future__ import annotations

from spotify_pipeline.spotify.ads_api import SpotifyAdsClient
from spotify_pipeline.spotify.answer import CallRecord, Observer
from spotify_pipeline.spotify.authorization import Authorization, AuthorizationKey
from spotify_pipeline.spotify.call_log import CallLog, CallTotals
from spotify_pipeline.spotify.errors import (
    BusinessNotAllowed,
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    ScopeMissing,
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
    UploadDataLoss,
    UploadIncomplete,
    UploadRefused,
)
from spotify_pipeline.spotify.login import DEFAULT_PORT, sign_in, sign_out, sign_out_of_all
from spotify_pipeline.spotify.models import (
    AdAccount,
    Audience,
    Business,
    OpenUpload,
    UploadProgress,
    UploadProof,
    UploadTicket,
)
from spotify_pipeline.spotify.rate_budget import RateBudget
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import SpotifySettings
from spotify_pipeline.spotify.sign_in_state import SignInKind, SignInState, sign_in_state, state_of
from spotify_pipeline.spotify.token_store import TokenStore

__all__ = [
    "DEFAULT_PORT",
    "AdAccount",
    "Audience",
    "Authorization",
    "AuthorizationKey",
    "Business",
    "BusinessNotAllowed",
    "CallLog",
    "CallRecord",
    "CallTotals",
    "Conflict",
    "InvalidRequest",
    "NotFound",
    "Observer",
    "OpenUpload",
    "PermissionDenied",
    "RateBudget",
    "RateLimited",
    "ScopeMissing",
    "Secret",
    "SettingsInvalid",
    "SettingsMissing",
    "SignInFailed",
    "SignInKind",
    "SignInRequired",
    "SignInState",
    "SpotifyAdsClient",
    "SpotifyError",
    "SpotifySettings",
    "SpotifyUnavailable",
    "TermsNotAccepted",
    "TokenStore",
    "TokenStoreUnusable",
    "UnexpectedAnswer",
    "UntrustedServer",
    "UploadDataLoss",
    "UploadIncomplete",
    "UploadProgress",
    "UploadProof",
    "UploadRefused",
    "UploadTicket",
    "sign_in",
    "sign_in_state",
    "sign_out",
    "sign_out_of_all",
    "state_of",
]
