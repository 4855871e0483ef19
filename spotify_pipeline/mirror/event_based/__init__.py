"""Audiences that Spotify fills by itself: from web events, from ad engagement, and lookalikes."""

from spotify_pipeline.mirror.event_based.datasets import dataset_ids
from spotify_pipeline.mirror.event_based.definitions import AdEngagement, EventBasedDefinition, Lookalike, WebEvents
from spotify_pipeline.mirror.event_based.service import EventBasedAction, EventBasedOutcome, sync_event_based

__all__ = [
    "AdEngagement",
    "EventBasedAction",
    "EventBasedDefinition",
    "EventBasedOutcome",
    "Lookalike",
    "WebEvents",
    "dataset_ids",
    "sync_event_based",
]
