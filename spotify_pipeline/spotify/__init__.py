"""Everything that speaks to Spotify: sign-in and tokens, the Ads API v3, signed uploads, conversion events.

What other rooms use is named here. The room imports nothing of ours but :mod:`spotify_pipeline.home`.
"""

from __future__ import annotations

from spotify_pipeline.spotify.ads_api import SpotifyAdsClient
from spotify_pipeline.spotify.answer import CallRecord, Observer
from spotify_pipeline.spotify.authorization import Authorization, AuthorizationKey
from spotify_pipeline.spotify.call_log import CallLog, CallTotals
from spotify_pipeline.spotify.conversion_models import CapiConnection, CapiToken, Dataset, NewCapiToken, ReceivedEvents
from spotify_pipeline.spotify.conversions_client import ConversionsClient
from spotify_pipeline.spotify.conversions_settings import CONNECTION_VARIABLE, ConversionsSettings
from spotify_pipeline.spotify.errors import (
    BusinessNotAllowed,
    CapiTokenRefused,
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
    UnknownSuccess,
    UntrustedServer,
    UploadDataLoss,
    UploadIncomplete,
    UploadRefused,
)
from spotify_pipeline.spotify.event_names import (
    CAPI_EVENT_NAMES,
    capi_event_name,
    is_signal,
    sent_event_name,
    signal_event_name,
)
from spotify_pipeline.spotify.login import DEFAULT_PORT, sign_in, sign_out, sign_out_of_all
from spotify_pipeline.spotify.models import (
    AdAccount,
    Audience,
    AudienceDataset,
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
from spotify_pipeline.spotify.taken_answers import CONTRACT, TakenAnswer
from spotify_pipeline.spotify.token_store import TokenStore

__all__ = [
    "CAPI_EVENT_NAMES",
    "CONNECTION_VARIABLE",
    "CONTRACT",
    "DEFAULT_PORT",
    "AdAccount",
    "Audience",
    "AudienceDataset",
    "Authorization",
    "AuthorizationKey",
    "Business",
    "BusinessNotAllowed",
    "CallLog",
    "CallRecord",
    "CallTotals",
    "CapiConnection",
    "CapiToken",
    "CapiTokenRefused",
    "Conflict",
    "ConversionsClient",
    "ConversionsSettings",
    "Dataset",
    "InvalidRequest",
    "NewCapiToken",
    "NotFound",
    "Observer",
    "OpenUpload",
    "PermissionDenied",
    "RateBudget",
    "RateLimited",
    "ReceivedEvents",
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
    "TakenAnswer",
    "TermsNotAccepted",
    "TokenStore",
    "TokenStoreUnusable",
    "UnexpectedAnswer",
    "UnknownSuccess",
    "UntrustedServer",
    "UploadDataLoss",
    "UploadIncomplete",
    "UploadProgress",
    "UploadProof",
    "UploadRefused",
    "UploadTicket",
    "capi_event_name",
    "is_signal",
    "sent_event_name",
    "sign_in",
    "sign_in_state",
    "sign_out",
    "sign_out_of_all",
    "signal_event_name",
    "state_of",
]
