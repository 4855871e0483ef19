"""Syncs one list: finds the audience, decides, uploads, creates or replaces, and records it."""

from spotify_pipeline.mirror.sync.decision import unknown_audience
from spotify_pipeline.mirror.sync.result import MirrorAction, MirrorOutcome
from spotify_pipeline.mirror.sync.service import AudienceMirror
from spotify_pipeline.mirror.sync.split import mirror_parts, parts_in_use, parts_known
from spotify_pipeline.mirror.sync.stale_state import Checkpoint, StaleStateCheck

__all__ = [
    "AudienceMirror",
    "Checkpoint",
    "MirrorAction",
    "MirrorOutcome",
    "StaleStateCheck",
    "mirror_parts",
    "parts_in_use",
    "parts_known",
    "unknown_audience",
]
