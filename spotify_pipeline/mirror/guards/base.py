"""What a guard is and what it finds, and the decision whether a list may be sent."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards.approval import Approval, ApprovalOf
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.limits import GuardLimits, Limit
from spotify_pipeline.mirror.journal import JournalEntry

NOTHING: Mapping[str, Fraction] = {}


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
        guard: its name.
        outcome: what it says.
        figure: what was measured, in words and numbers; never a value of anybody.
        limit: what it was measured against.
        sentence: for a person; why it blocks and what to look at, where it does.
        beyond: by how much, where that is a share: what is beyond its limit, and the share.
    """

    guard: str
    outcome: Outcome
    figure: str
    limit: str
    sentence: str = ""
    beyond: Mapping[str, float] = field(default_factory=dict[str, float])


class Guard(ABC):
    """One rule that a list must satisfy before it is sent. Subclass it, with a first docstring line that says why.

    An instance is made without arguments and asked about every list. It sees counts and never a person; it may pass or
    block, and undoes nothing of what other guards found. If it raises, the list is held back.

    Attributes:
        name: as findings, approvals and receipts call it; small letters, digits and spaces.
        limit: what an audience may state for it; None where there is nothing to state.
        approvals: which approvals override it: at least that of the file, or none at all, and then it is final. One
            that measures shares may add that of a change.
        adds_up_as: how `drain` calls, in the sum of some days, what this one measures in one step; empty: not at all.
    """

    name: ClassVar[str]
    limit: ClassVar[Limit[Any] | None] = None
    approvals: ClassVar[frozenset[ApprovalOf]] = frozenset({ApprovalOf.FILE})
    adds_up_as: ClassVar[str] = ""

    @abstractmethod
    def judge(self, facts: GuardFacts, limits: GuardLimits, /) -> Finding:
        """What it finds; made by ``found`` or ``not_applicable``. Pure: the same facts, the same finding.

        Args:
            facts: about the list and those before it.
            limits: of the audience; ``limits[limit]`` is the value of one.
        """

    @property
    def is_final(self) -> bool:
        """Whether no approval overrides it."""
        return not self.approvals

    @property
    def why(self) -> str:
        """Why it blocks, in a sentence, for a table of guards: the first line of its docstring."""
        return (inspect.getdoc(self) or "").partition("\n")[0]

    def found(
        self,
        *,
        figure: str,
        limit: str,
        blocks: bool = False,
        beyond: Mapping[str, Fraction] = NOTHING,
        sentence: str = "",
    ) -> Finding:
        """Its finding, which blocks if anything is beyond its limit; the sentence is kept only then.

        Args:
            figure: what was measured.
            limit: what it was held against.
            blocks: whether it blocks, where that is not a matter of shares.
            beyond: what is beyond the limit, and the share; a person can approve that change.
            sentence: why it blocks and what to look at.
        """
        stopped = blocks or bool(beyond)
        return Finding(
            guard=self.name,
            outcome=Outcome.BLOCKED if stopped else Outcome.PASSED,
            figure=figure,
            limit=limit,
            sentence=sentence if stopped else "",
            beyond={what: round(float(share), 4) for what, share in beyond.items()},
        )

    def not_applicable(self, *, figure: str, limit: str) -> Finding:
        """Its finding where it has nothing to hold against its limit."""
        return Finding(guard=self.name, outcome=Outcome.NOT_APPLICABLE, figure=figure, limit=limit)


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
        findings: one of each guard: ours, in the order of ``GUARDS``, then the project's.
        history: what was known of the list before.
        final: names of the guards that no approval overrides.
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
    final: frozenset[str]
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
        stored = {**asdict(self), "limits": self.limits.to_json()}
        del stored["final"]
        return stored


class GuardBlocked(MirrorRefused):
    """A list was not sent because a guard blocks it; nothing was asked of Spotify that changes anything."""

    def __init__(self, message: str, decision: Decision | None = None) -> None:
        super().__init__(message)
        self.decision = decision


class Judge(Protocol):
    """Decides about one list, and remembers that an approval was used."""

    def judge(self, entry: JournalEntry) -> Decision:
        """Decide, from what the journal says now. Called while the audience is locked, before any call to Spotify."""
        ...

    def use_approval(self, decision: Decision, within: sa.Connection) -> None:
        """Mark the decision's approval as used, if it was needed, in the transaction that announces the first write."""
        ...
