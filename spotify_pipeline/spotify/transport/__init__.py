"""HTTP calls: verified TLS, one deadline per call, no secret in any log, a record of each call."""

from spotify_pipeline.spotify.transport.call_log import CallLog, CallRecord, CallTotals, Observer
from spotify_pipeline.spotify.transport.http import (
    ACCOUNTS,
    ADS_API,
    CONVERSIONS,
    STORAGE,
    HttpClient,
    Response,
    Service,
    Transport,
)

__all__ = [
    "ACCOUNTS",
    "ADS_API",
    "CONVERSIONS",
    "STORAGE",
    "CallLog",
    "CallRecord",
    "CallTotals",
    "HttpClient",
    "Observer",
    "Response",
    "Service",
    "Transport",
]
