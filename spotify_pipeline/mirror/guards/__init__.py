"""Decides whether a customer list may be sent. What is not known, and what fails, blocks.

``decide`` is pure; ``ListGuard`` gathers the facts for it; ``ApprovalStore`` keeps the approvals that people gave.
"""

from spotify_pipeline.mirror.guards.approval import (
    Approval,
    ApprovalOf,
    ApprovalSource,
    ApprovedChange,
    ApprovedRules,
)
from spotify_pipeline.mirror.guards.approvals import APPROVAL_LIFE, ApprovalRefused, ApprovalStore
from spotify_pipeline.mirror.guards.base import Decision, Finding, Guard, GuardBlocked, Judge, Outcome
from spotify_pipeline.mirror.guards.changes import MAX_SHRINK
from spotify_pipeline.mirror.guards.comparison_guards import MAX_DRAIN
from spotify_pipeline.mirror.guards.evaluate import block_message, change_within, decide, outdated, without_history
from spotify_pipeline.mirror.guards.facts import GuardFacts, History, PreviousList, SentLately, Twin
from spotify_pipeline.mirror.guards.limits import GuardLimits, Limit, LimitKind, LimitValue
from spotify_pipeline.mirror.guards.list_guards import MAX_BYTES, MAX_SOURCE_AGE, MIN_ROWS
from spotify_pipeline.mirror.guards.registry import GUARDS, GuardUnusable, guard_limits, limits_of, own_guards
from spotify_pipeline.mirror.guards.service import ListGuard
from spotify_pipeline.mirror.guards.words import counted, exact, percent

__all__ = [
    "APPROVAL_LIFE",
    "GUARDS",
    "MAX_BYTES",
    "MAX_DRAIN",
    "MAX_SHRINK",
    "MAX_SOURCE_AGE",
    "MIN_ROWS",
    "Approval",
    "ApprovalOf",
    "ApprovalRefused",
    "ApprovalSource",
    "ApprovalStore",
    "ApprovedChange",
    "ApprovedRules",
    "Decision",
    "Finding",
    "Guard",
    "GuardBlocked",
    "GuardFacts",
    "GuardLimits",
    "GuardUnusable",
    "History",
    "Judge",
    "Limit",
    "LimitKind",
    "LimitValue",
    "ListGuard",
    "Outcome",
    "PreviousList",
    "SentLately",
    "Twin",
    "block_message",
    "change_within",
    "counted",
    "decide",
    "exact",
    "guard_limits",
    "limits_of",
    "outdated",
    "own_guards",
    "percent",
    "without_history",
]
