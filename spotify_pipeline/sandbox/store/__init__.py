"""What a sandbox knows and where it keeps it."""

from spotify_pipeline.sandbox.store.capi_records import CapiConnection, CapiToken, Pixel, Share
from spotify_pipeline.sandbox.store.clock import add_months, in_utc_seconds
from spotify_pipeline.sandbox.store.event_store import Arrival, Bucket, Tally
from spotify_pipeline.sandbox.store.listeners import (
    DEVICE_ID,
    EMAIL,
    NOBODY,
    PHONE,
    TOKENS,
    UNSPECIFIED,
    Listeners,
    SizeRange,
    size_range,
)
from spotify_pipeline.sandbox.store.records import (
    AccessToken,
    AdAccount,
    Audience,
    AuthorizationCode,
    Business,
    Dataset,
    Grant,
    Judgement,
    Problem,
    ReceivedList,
    RefreshToken,
    SessionState,
    Upload,
    UploadSession,
    secret_digest,
)
from spotify_pipeline.sandbox.store.request_log import Exchange
from spotify_pipeline.sandbox.store.state import SandboxState
from spotify_pipeline.sandbox.store.world import ROLES, VIEWER

__all__ = [
    "DEVICE_ID",
    "EMAIL",
    "NOBODY",
    "PHONE",
    "ROLES",
    "TOKENS",
    "UNSPECIFIED",
    "VIEWER",
    "AccessToken",
    "AdAccount",
    "Arrival",
    "Audience",
    "AuthorizationCode",
    "Bucket",
    "Business",
    "CapiConnection",
    "CapiToken",
    "Dataset",
    "Exchange",
    "Grant",
    "Judgement",
    "Listeners",
    "Pixel",
    "Problem",
    "ReceivedList",
    "RefreshToken",
    "SandboxState",
    "SessionState",
    "Share",
    "SizeRange",
    "Tally",
    "Upload",
    "UploadSession",
    "add_months",
    "in_utc_seconds",
    "secret_digest",
    "size_range",
]
