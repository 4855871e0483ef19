"""HTTP as this project speaks it: verified TLS, one deadline per call, no secret in any log, a record of each call."""

from spotify_pipeline.spotify.transport.call_log import CallLog, CallTotals
from spotify_pipeline.spotify.transport.http import HttpClient, Transport
from spotify_pipeline.spotify.transport.response import Answer, CallRecord, Observer
from spotify_pipeline.spotify.transport.timeouts import ACCOUNTS, ADS_API, CONVERSIONS, STORAGE, Service

__all__ = [
    "ACCOUNTS",
    "ADS_API",
    "CONVERSIONS",
    "STORAGE",
    "Answer",
    "CallLog",
    "CallRecord",
    "CallTotals",
    "HttpClient",
    "Observer",
    "Service",
    "Transport",
]
