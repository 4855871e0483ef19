"""Decides whether a customer list may be sent, and makes the audience at Spotify equal to it."""

from spotify_pipeline.mirror.accountable import stated_name, stated_reason
from spotify_pipeline.mirror.audience_mirror import AudienceMirror
from spotify_pipeline.mirror.datasets import dataset_ids
from spotify_pipeline.mirror.filled_audience import FilledAction, FilledOutcome, keep_filled_audience
from spotify_pipeline.mirror.filling import AdEngagement, Filling, WebEvents
from spotify_pipeline.mirror.guards import (
    Approval,
    ApprovalRefused,
    ApprovalSource,
    ApprovalStore,
    ApprovedChange,
    ApprovedRules,
    Decision,
    Finding,
    Guard,
    GuardBlocked,
    GuardLimits,
    GuardName,
    History,
    ListGuard,
    Outcome,
    change_within,
    refusal,
)
from spotify_pipeline.mirror.journal import Journal, JournalError
from spotify_pipeline.mirror.journal_entry import JournalEntry, Phase, SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.journal_page import flush_receipts
from spotify_pipeline.mirror.lookalike import LookalikeAction, LookalikeOutcome, keep_lookalike
from spotify_pipeline.mirror.outcome import MirrorAction, MirrorOutcome
from spotify_pipeline.mirror.parts import mirror_parts, parts_in_use, parts_known
from spotify_pipeline.mirror.receipt import Receipt, ReceiptKind
from spotify_pipeline.mirror.receipt_chain import ChainReport
from spotify_pipeline.mirror.receipts import ReceiptBook
from spotify_pipeline.mirror.refusal import MirrorRefused
from spotify_pipeline.mirror.retirement import Orphan, RemovalPolicy, Retired, orphans, part_number, retire, sent_before
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.mirror.witness import Remembered, Witness, newest_erasure

__all__ = [
    "AdEngagement",
    "Approval",
    "ApprovalRefused",
    "ApprovalSource",
    "ApprovalStore",
    "ApprovedChange",
    "ApprovedRules",
    "AudienceMirror",
    "AudienceTarget",
    "ChainReport",
    "Decision",
    "FilledAction",
    "FilledOutcome",
    "Filling",
    "Finding",
    "Guard",
    "GuardBlocked",
    "GuardLimits",
    "GuardName",
    "History",
    "Journal",
    "JournalEntry",
    "JournalError",
    "ListGuard",
    "LookalikeAction",
    "LookalikeOutcome",
    "MirrorAction",
    "MirrorOutcome",
    "MirrorRefused",
    "Orphan",
    "Outcome",
    "Phase",
    "Receipt",
    "ReceiptBook",
    "ReceiptKind",
    "Remembered",
    "RemovalPolicy",
    "Retired",
    "SentList",
    "Unfinished",
    "WebEvents",
    "Witness",
    "WriteKind",
    "change_within",
    "dataset_ids",
    "flush_receipts",
    "keep_filled_audience",
    "keep_lookalike",
    "mirror_parts",
    "newest_erasure",
    "orphans",
    "part_number",
    "parts_in_use",
    "parts_known",
    "refusal",
    "retire",
    "sent_before",
    "stated_name",
    "stated_reason",
]
