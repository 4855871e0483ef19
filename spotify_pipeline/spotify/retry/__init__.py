"""Retries failed calls, limits the rate of calls, and maps error responses to typed errors."""

from spotify_pipeline.spotify.retry.error_mapping import response_error
from spotify_pipeline.spotify.retry.gcra import RateLimit
from spotify_pipeline.spotify.retry.loop import PAUSE_WHEN_LIMITED, RetryLoop, requested_pause
from spotify_pipeline.spotify.retry.rate_file import rate_file_is_damaged
from spotify_pipeline.spotify.retry.rate_limiter import RateLimiter, rate_key

__all__ = [
    "PAUSE_WHEN_LIMITED",
    "RateLimit",
    "RateLimiter",
    "RetryLoop",
    "rate_file_is_damaged",
    "rate_key",
    "requested_pause",
    "response_error",
]
