"""A person's word that one list may be sent although a guard blocks it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import ConfigDict

from spotify_pipeline.mirror.journal_entry import Moment


class ApprovalSource(StrEnum):
    """How an approval was given."""

    COMMAND = "command line"
    RUN_CONFIG = "run config"
    ROLLBACK = "rollback"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """For one file and one audience, to be used once.

    Attributes:
        audience: the audience's folder name.
        ad_account_id: the ad account it is for.
        file_sha256: of the very list.
        reason: the person's, in a sentence.
        approved_by: who, as they call themselves.
        approved_at: ISO 8601 with its offset.
        expires_at: from then on it is worth nothing.
        source: how it was given.
        used_at: when it was used, if it was.
    """

    audience: str
    ad_account_id: str
    file_sha256: str
    reason: str
    approved_by: str
    approved_at: Moment
    expires_at: Moment
    source: ApprovalSource
    used_at: Moment | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")
