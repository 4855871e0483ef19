"""Retries failed calls, limits the rate of calls, and maps error responses to typed errors."""

from spotify_pipeline.spotify.retry.error_mapping import response_error
from spotify_pipeline.spotify.retry.gcra import RateLimit
from spotify_pipeline.spotify.retry.policy import PAUSE_WHEN_LIMITED, RetryPolicy, backoff, requested_pause
from spotify_pipeline.spotify.retry.rate_limiter import MAX_WAIT, RateLimiter

__all__ = [
    "MAX_WAIT",
    "PAUSE_WHEN_LIMITED",
    "RateLimit",
    "RateLimiter",
    "RetryPolicy",
    "backoff",
    "requested_pause",
    "response_error",
]
