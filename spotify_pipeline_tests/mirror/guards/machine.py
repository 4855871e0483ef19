"""A machine that has sent lists, with a guard over real files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from spotify_pipeline.customer_list import (
    Layout,
    Manifest,
    SnapshotStore,
    build_customer_list,
    write_identifiers,
)
from spotify_pipeline.identity import Email
from spotify_pipeline.mirror.guards import (
    Approval,
    ApprovalStore,
    Decision,
    GuardLimits,
    ListGuard,
    guard_limits,
)
from spotify_pipeline.mirror.journal.entry import JournalEntry, Phase, SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.journal.journal import Journal
from spotify_pipeline.rows import DigestSet, IdentifierColumns, IdentifierPlan
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.guards.facts import ACCOUNT, NOW, approval
from spotify_pipeline_tests.mirror.guards.names import GuardName
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.state_edits import keep

StoredList = tuple[Path, Manifest]

PLAN = IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))})


@dataclass
class Machine:
    """What a machine knows, and the guard of a list on it."""

    folder: Path
    now: datetime = NOW
    limits: GuardLimits = field(default_factory=lambda: guard_limits(min_rows=10))
    erased: Callable[[], DigestSet] = DigestSet.of

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.folder / "data")

    @property
    def journal(self) -> Journal:
        return Journal(StateStore.in_home(self.folder))

    @property
    def state(self) -> StateStore:
        return StateStore.in_home(self.folder)

    @property
    def approvals(self) -> ApprovalStore:
        return ApprovalStore(self.state)

    def build(self, people: range, snapshot: str, audience: str = "lapsed") -> StoredList:
        rows = pl.DataFrame({"email": [f"person{i}@example.com" for i in people]}, schema={"email": pl.String})
        identifiers = self.store.identifiers_path(audience, snapshot)
        report = write_identifiers([rows], PLAN, identifiers)
        file = on_disk(self.store.list_path(audience, snapshot))
        built_at = datetime.fromisoformat(snapshot).replace(hour=5, tzinfo=UTC)
        return file, build_customer_list(
            identifiers, report, file, layout=Layout.WIDE, audience=audience, snapshot=snapshot, built_at=built_at
        )

    def sent(self, stored: StoredList, account: str = ACCOUNT) -> JournalEntry:
        """Spotify has accepted a list."""
        manifest = stored[1]
        empty = JournalEntry(ad_account_id=account)
        entry = empty.accepting(f"id-of-{manifest.audience}-in-{account}", SentList.of(manifest), at=NOW.isoformat())
        keep(self.journal, manifest.audience, entry)
        return entry

    def guard(self, stored: StoredList, **changes: Any) -> ListGuard:
        return ListGuard(
            **{
                "customer_list": stored,
                "audience": "lapsed",
                "ad_account_id": ACCOUNT,
                "store": self.store,
                "journal": self.journal,
                "approvals": self.approvals,
                "limits": self.limits,
                "erased": self.erased,
                "now": lambda: self.now,
            }
            | changes
        )

    def judge(self, stored: StoredList, **changes: Any) -> Decision:
        """The decision of a guard made now, from what the journal says."""
        return self.guard(stored, **changes).judge(self.journal.read("lapsed", ACCOUNT))


def blocked_by(decision: Decision) -> set[str]:
    return {each.guard for each in decision.blocked_by}


def figure(decision: Decision, guard: GuardName) -> str:
    return next(each.figure for each in decision.findings if each.guard == guard)


def under_way(entry: JournalEntry, stored: StoredList, *, phase: Phase = Phase.SENDING, **changes: Any) -> JournalEntry:
    """The sending of a list was begun and is not finished."""
    sent = replace(SentList.of(stored[1]), **changes)
    kind = WriteKind.CREATE if phase is Phase.CREATING else WriteKind.REPLACE
    return replace(entry, unfinished=Unfinished(kind=kind, phase=phase, list=sent))


def word_for(stored: StoredList, **changes: Any) -> Approval:
    return approval(file_sha256=stored[1].sha256, **changes)
