"""Decides whether a customer list may be sent. What is not known, and what fails, blocks.

``decide`` is pure; ``ListGuard`` gathers the facts for it; ``ApprovalStore`` keeps the approvals that people gave.
"""

from spotify_pipeline.mirror.guards.approval import Approval, ApprovalSource, ApprovedChange, ApprovedRules
from spotify_pipeline.mirror.guards.approvals import APPROVAL_LIFE, ApprovalRefused, ApprovalStore
from spotify_pipeline.mirror.guards.base import FINAL, Decision, Finding, Guard, GuardBlocked, GuardName, Outcome
from spotify_pipeline.mirror.guards.evaluate import block_message, change_within, decide, outdated, without_history
from spotify_pipeline.mirror.guards.facts import GuardFacts, History, PreviousList, SentLately, Twin
from spotify_pipeline.mirror.guards.findings import counted, exact, percent
from spotify_pipeline.mirror.guards.limits import GuardLimits
from spotify_pipeline.mirror.guards.list_age import from_the_future, older_list
from spotify_pipeline.mirror.guards.service import ListGuard

__all__ = [
    "APPROVAL_LIFE",
    "FINAL",
    "Approval",
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
    "GuardName",
    "History",
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
    "from_the_future",
    "older_list",
    "outdated",
    "percent",
    "without_history",
]
