"""Decides whether a customer list may be sent, and makes the audience at Spotify equal to it."""

from spotify_pipeline.mirror.audience_mirror import AudienceMirror
from spotify_pipeline.mirror.journal import Journal, JournalError
from spotify_pipeline.mirror.journal_entry import JournalEntry, Phase, SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.outcome import MirrorAction, MirrorOutcome
from spotify_pipeline.mirror.refusal import MirrorRefused, too_few_rows
from spotify_pipeline.mirror.target import AudienceTarget

__all__ = [
    "AudienceMirror",
    "AudienceTarget",
    "Journal",
    "JournalEntry",
    "JournalError",
    "MirrorAction",
    "MirrorOutcome",
    "MirrorRefused",
    "Phase",
    "SentList",
    "Unfinished",
    "WriteKind",
    "too_few_rows",
]
