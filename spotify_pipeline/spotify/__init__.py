"""Everything that talks to Spotify: sign-in and tokens, the Ads API v3, resumable uploads, the Conversions API.

Other packages import from here. It imports only ``home``, ``checksums`` and ``printable`` of this project.
"""

from __future__ import annotations

from spotify_pipeline.spotify.ads import (
    AdAccount,
    Audience,
    AudienceDataset,
    Business,
    CapiConnection,
    CapiToken,
    Dataset,
    NewCapiToken,
    ReceivedEvents,
    SpotifyAdsClient,
)
from spotify_pipeline.spotify.auth import (
    Authorization,
    AuthorizationKey,
    SignInKind,
    SignInState,
    TokenStore,
    authorization_state,
    sign_in_state,
)
from spotify_pipeline.spotify.capi import CONTRACT, AcceptedResponse, ConversionsClient
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
    UnexpectedResponse,
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
from spotify_pipeline.spotify.lenient_json import same_id
from spotify_pipeline.spotify.retry import RateLimiter
from spotify_pipeline.spotify.secret import Secret, revealed
from spotify_pipeline.spotify.settings import ConversionsSettings, SpotifySettings, setting_fault
from spotify_pipeline.spotify.sign_in import DEFAULT_PORT, sign_in, sign_out, sign_out_of_all
from spotify_pipeline.spotify.transport import CallLog, CallRecord, CallTotals, Observer
from spotify_pipeline.spotify.upload import OpenUpload, UploadProgress, UploadProof, UploadTicket

__all__ = [
    "CAPI_EVENT_NAMES",
    "CONTRACT",
    "DEFAULT_PORT",
    "AcceptedResponse",
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
    "RateLimited",
    "RateLimiter",
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
    "TermsNotAccepted",
    "TokenStore",
    "UnexpectedResponse",
    "UnknownSuccess",
    "UntrustedServer",
    "UploadDataLoss",
    "UploadIncomplete",
    "UploadProgress",
    "UploadProof",
    "UploadRefused",
    "UploadTicket",
    "authorization_state",
    "capi_event_name",
    "is_signal",
    "revealed",
    "same_id",
    "sent_event_name",
    "setting_fault",
    "sign_in",
    "sign_in_state",
    "sign_out",
    "sign_out_of_all",
    "signal_event_name",
]
