"""The journal: which audience at Spotify is ours, what it holds, what was left half done, and who may write now."""

from spotify_pipeline.mirror.journal.entry import (
    SESSION_OPEN,
    EditAsked,
    JournalEntry,
    Moment,
    Phase,
    RetirementOrder,
    SentList,
    SettingValue,
    Unfinished,
    WriteKind,
)
from spotify_pipeline.mirror.journal.journal import Journal, JournalError

__all__ = [
    "SESSION_OPEN",
    "EditAsked",
    "Journal",
    "JournalEntry",
    "JournalError",
    "Moment",
    "Phase",
    "RetirementOrder",
    "SentList",
    "SettingValue",
    "Unfinished",
    "WriteKind",
]
