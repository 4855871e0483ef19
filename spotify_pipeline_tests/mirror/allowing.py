"""A guard that knows one list only, for tests that are not about guards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.guards.approval import Approval, ApprovalSource
from spotify_pipeline.mirror.guards.base import Decision
from spotify_pipeline.mirror.guards.evaluate import decide
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.registry import guard_limits
from spotify_pipeline.mirror.journal.entry import JournalEntry


class Allow:
    """Lets a list through that has ``min_rows`` rows, by what its manifest says alone."""

    def __init__(self, manifest: Manifest, ad_account_id: str, *, min_rows: int, approved: bool = False) -> None:
        self._manifest = manifest
        self._ad_account_id = ad_account_id
        self._min_rows = min_rows
        self._approved = approved
        self.judged: list[JournalEntry] = []
        self.spent: list[Decision] = []

    def judge(self, entry: JournalEntry) -> Decision:
        self.judged.append(entry)
        manifest = self._manifest
        return decide(
            GuardFacts(manifest=manifest, now=manifest.built_at, history=History.FIRST),
            guard_limits(min_rows=self._min_rows),
            audience=manifest.audience,
            ad_account_id=self._ad_account_id,
            approval=approval_of(manifest, self._ad_account_id) if self._approved else None,
        )

    def use_approval(self, decision: Decision, within: sa.Connection) -> None:
        assert within.in_transaction()
        self.spent.append(decision)


def approval_of(manifest: Manifest, ad_account_id: str) -> Approval:
    """A person's word for this very list."""
    return Approval(
        audience=manifest.audience,
        ad_account_id=ad_account_id,
        file_sha256=manifest.sha256,
        reason="The journal was lost with its disk.",
        approved_by="somebody",
        approved_at=datetime(2026, 11, 1, tzinfo=UTC).isoformat(),
        expires_at=(manifest.built_at + timedelta(days=1)).isoformat(),
        source=ApprovalSource.COMMAND,
    )
