"""Audiences that Spotify fills by itself: from web events, from ad engagement, and lookalikes."""

from spotify_pipeline.mirror.event_based.datasets import dataset_ids
from spotify_pipeline.mirror.event_based.definitions import AdEngagement, Filling, WebEvents
from spotify_pipeline.mirror.event_based.lookalike import LookalikeAction, LookalikeOutcome, keep_lookalike
from spotify_pipeline.mirror.event_based.service import FilledAction, FilledOutcome, keep_filled_audience

__all__ = [
    "AdEngagement",
    "FilledAction",
    "FilledOutcome",
    "Filling",
    "LookalikeAction",
    "LookalikeOutcome",
    "WebEvents",
    "dataset_ids",
    "keep_filled_audience",
    "keep_lookalike",
]
