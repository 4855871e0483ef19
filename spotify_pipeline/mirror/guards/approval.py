"""A person's approval of a list that a guard blocks: of one file, of a change, or of other rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ConfigDict

from spotify_pipeline.mirror.journal import Moment


class ApprovalSource(StrEnum):
    """How an approval was given."""

    COMMAND = "command line"
    RUN_CONFIG = "run config"
    ROLLBACK = "rollback"


class ApprovalOf(StrEnum):
    """What an approval is of. A guard says by which of them it is overridden."""

    FILE = "file"
    """This very list."""
    CHANGE = "change"
    """The next list, within shares that a guard measured."""
    RULES = "rules"
    """What other identity rules make of the next list."""
    ROLLBACK = "rollback"
    """This list, as it was once."""


LIST_IS_RIGHT = frozenset({ApprovalOf.FILE, ApprovalOf.ROLLBACK})
"""Of what a list shows by itself. A rollback says that a list is right as it was once; not that what this machine knows
or reads today is right."""
SHARE_IS_RIGHT = LIST_IS_RIGHT | {ApprovalOf.CHANGE}
"""Of a share that is measured in a list, so that the next may show it, too."""


@dataclass(frozen=True, kw_only=True)
class ApprovedChange:
    """How far the next list may differ from the one that Spotify has.

    Attributes:
        live_sha256: of the list that Spotify has. Once it has another, the word is void.
        within: by guard, and by what it measured: the largest share that is approved.
    """

    live_sha256: str
    within: Mapping[str, Mapping[str, float]]

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class ApprovedRules:
    """The next list may differ as other identity rules make it.

    Attributes:
        before: the version that the list was built by that Spotify has.
        now: the version that the next is built by.
    """

    before: int
    now: int

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Approval:
    """For one audience, to be used once; for one file, or the next one within a change or by other rules.

    Attributes:
        audience: the audience's folder name.
        ad_account_id: the ad account it is for.
        file_sha256: of the very list; None where it is for what follows.
        reason: the person's, in a sentence.
        approved_by: who, as they call themselves.
        approved_at: ISO 8601 with its offset.
        expires_at: from then on it is worth nothing.
        source: how it was given.
        change: the change that it is for, if it is.
        rules: the identity rules that it is for, if it is.
        used_at: when it was used, if it was.
        used_for: the SHA-256 of the list that it was used for.
    """

    audience: str
    ad_account_id: str
    file_sha256: str | None
    reason: str
    approved_by: str
    approved_at: Moment
    expires_at: Moment
    source: ApprovalSource
    change: ApprovedChange | None = None
    rules: ApprovedRules | None = None
    used_at: Moment | None = None
    used_for: str | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def is_for_one_thing(self) -> bool:
        """Whether it says what it is for: one of a file, a change and other rules."""
        return sum(each is not None for each in (self.file_sha256, self.change, self.rules)) == 1

    @property
    def of(self) -> ApprovalOf:
        """What it is of."""
        if self.rules is not None:
            return ApprovalOf.RULES
        if self.change is not None:
            return ApprovalOf.CHANGE
        return ApprovalOf.ROLLBACK if self.source is ApprovalSource.ROLLBACK else ApprovalOf.FILE

    def may_be_for(self, file_sha256: str, *, going_on: bool) -> bool:
        """Whether it may count for a list: not used, or used for this very list whose sending is not finished."""
        if self.used_at is None:
            return self.file_sha256 in (None, file_sha256)
        return going_on and file_sha256 in (self.file_sha256, self.used_for)

    @property
    def words(self) -> str:
        """What it is for, as the end of a sentence."""
        if self.rules is not None:
            return f"what version {self.rules.now} of the identity rules changes"
        return "this change" if self.change is not None else "this list"
