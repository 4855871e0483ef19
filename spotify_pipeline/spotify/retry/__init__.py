"""What a failed call means, whether and when it is tried again, and how fast calls may be made."""

from spotify_pipeline.spotify.retry.backoff import PAUSE_WHEN_LIMITED, backoff, requested_pause
from spotify_pipeline.spotify.retry.error_mapping import refusal
from spotify_pipeline.spotify.retry.policy import Repetitions
from spotify_pipeline.spotify.retry.rate_limiter import PATIENCE, RateBudget

__all__ = [
    "PATIENCE",
    "PAUSE_WHEN_LIMITED",
    "RateBudget",
    "Repetitions",
    "backoff",
    "refusal",
    "requested_pause",
]
