"""What a guard finds, and the decision whether a list may be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards.approval import Approval
from spotify_pipeline.mirror.guards.facts import History
from spotify_pipeline.mirror.guards.limits import GuardLimits
from spotify_pipeline.mirror.journal import JournalEntry


class GuardName(StrEnum):
    """The guards, in the order in which they are shown."""

    EMPTY = "empty"
    MINIMUM = "minimum"
    SHRINK = "shrink"
    GROWTH = "growth"
    CHURN = "churn"
    DRAIN = "drain"
    INVALID = "invalid share"
    COLUMN_GONE = "column gone"
    COLUMN_CONSTANT = "column constant"
    PARTIAL_READ = "partial read"
    STALE_SOURCE = "stale source"
    SWAPPED = "swapped segments"
    AD_ACCOUNT = "ad account"
    HISTORY = "history"
    SUPPRESSIONS = "suppressions"
    ERASED = "erased people"
    OVERSIZE = "oversize"


FINAL = frozenset({GuardName.EMPTY, GuardName.PARTIAL_READ, GuardName.ERASED, GuardName.OVERSIZE})
"""Guards that no approval overrides: a person cannot know better, or Spotify would not take the list."""


class Outcome(StrEnum):
    """What a guard found."""

    PASSED = "passed"
    BLOCKED = "blocked"
    OVERRIDDEN = "overridden"
    """It would block, and a person approved this very list."""
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one guard found.

    Attributes:
        guard: which.
        outcome: what it says.
        figure: what was measured, in words and numbers; never a value of anybody.
        limit: what it was measured against.
        sentence: for a person; why it blocks and what to look at, where it does.
        beyond: by how much, where that is a share: what is beyond its limit, and the share.
    """

    guard: GuardName
    outcome: Outcome
    figure: str
    limit: str
    sentence: str = ""
    beyond: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether one list may be sent.

    Attributes:
        audience: the audience's folder name.
        ad_account_id: where it is sent.
        snapshot: the partition.
        file_sha256: of the list; the decision holds for these bytes alone.
        decided_at: ISO 8601, UTC.
        limits: that it was decided by.
        findings: one of each guard, in the order of ``GuardName``.
        history: what was known of the list before.
        approval: that was found for this very list, whether it was needed or not.
        approval_problem: why one that was given does not count, as a sentence; empty where there is nothing to say.
    """

    audience: str
    ad_account_id: str
    snapshot: str
    file_sha256: str
    decided_at: str
    limits: GuardLimits
    findings: tuple[Finding, ...]
    history: History
    approval: Approval | None = None
    approval_problem: str = ""

    @property
    def blocked_by(self) -> tuple[Finding, ...]:
        """The findings that block."""
        return tuple(each for each in self.findings if each.outcome is Outcome.BLOCKED)

    @property
    def allowed(self) -> bool:
        """Whether the list may be sent."""
        return not self.blocked_by

    @property
    def overridden(self) -> bool:
        """Whether it may be sent only because somebody approved it."""
        return any(each.outcome is Outcome.OVERRIDDEN for each in self.findings)

    def to_json(self) -> dict[str, Any]:
        """For the receipt: all of it, as plain JSON values."""
        stored = asdict(self)
        age = self.limits.max_source_age
        stored["limits"]["max_source_age"] = age.total_seconds() if age is not None else None
        return stored


class GuardBlocked(MirrorRefused):
    """A list was not sent because a guard blocks it; nothing was asked of Spotify that changes anything."""

    def __init__(self, message: str, decision: Decision | None = None) -> None:
        super().__init__(message)
        self.decision = decision


class Guard(Protocol):
    """Decides about one list, and remembers that an approval was used."""

    def judge(self, entry: JournalEntry) -> Decision:
        """Decide, from what the journal says now. Called while the audience is locked, before any call to Spotify."""
        ...

    def use_approval(self, decision: Decision) -> None:
        """Mark the decision's approval as used, durably, if it was needed; before the first write to Spotify."""
        ...
