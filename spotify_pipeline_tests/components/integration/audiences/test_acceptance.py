"""Wherever a run ends: what Spotify holds, its receipt, the approval, the erasures and the alert say the same."""

from __future__ import annotations

import dataclasses
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from spotify_pipeline.components.audiences.config import AudienceConfig
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.sync.request import SendRequest
from spotify_pipeline.components.audiences.sync.sending import RunFacts, send
from spotify_pipeline.mirror import AlertKind, Alerts, ApprovalStore, Checkpoint, Journal, ReceiptBook
from spotify_pipeline.mirror.guards import GuardBlocked
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.state import StateStore, tables
from spotify_pipeline.warehouse import Relation
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify
from spotify_pipeline_tests.mirror.guards.facts import approval
from spotify_pipeline_tests.mirror.guards.machine import Machine, StoredList
from spotify_pipeline_tests.mirror.watched_state import WatchedState, ending_at
from spotify_pipeline_tests.privacy.test_ledger import person

DAY = timedelta(days=1)
FIRST = datetime(2025, 1, 6, 5, tzinfo=UTC)
AUDIENCE = AudienceDefinition(
    "lapsed",
    AudienceConfig.model_validate(
        {
            "segment": {"table": "crm.people", "consent_column": "agreed"},
            "identifiers": {"email": "email"},
            "cadence": {"every": "week"},
            "guards": {"min_rows": 1_000},
        }
    ),
    dg.AssetKey(["crm", "people"]),
    Relation(("crm", "people")),
)


@dataclasses.dataclass
class Home:
    """What a run knows; its lists are too short, so each needs an approval."""

    folder: Path
    store: WatchedState
    spotify: FakeSpotify = dataclasses.field(default_factory=FakeSpotify)

    def __post_init__(self) -> None:
        self.journal, self.approvals, self.receipts = (
            Journal(self.store),
            ApprovalStore(self.store),
            ReceiptBook(self.store),
        )
        self.ledger, self.alerts = ErasureLedger(self.store), Alerts(self.store)
        self.snapshots = Machine(self.folder).store
        self.client = self.spotify.client(self.folder)
        self.weeks = 0

    def build(self) -> StoredList:
        """The list of the next week."""
        self.weeks += 1
        built_at = FIRST + 7 * DAY * self.weeks
        return Machine(self.folder).build(range(10 + self.weeks), f"{built_at:%Y-%m-%d}")

    def approve(self, stored: StoredList) -> None:
        now = datetime.now(UTC)
        given = approval(
            ad_account_id=AD_ACCOUNT,
            file_sha256=stored[1].sha256,
            approved_at=now.isoformat(),
            expires_at=(now + DAY).isoformat(),
        )
        self.approvals.give(given)

    def forget_somebody(self, before: datetime) -> None:
        request = self.ledger.record(
            person(f"gone{self.weeks}@example.com"),
            requested_at=before - 2 * DAY,
            deadline=before + 30 * DAY,
            waiting=["lapsed"],
        )
        self.ledger.settle(request, waiting=["lapsed"], in_force_at=before - DAY)

    def send(self, stored: StoredList) -> None:
        facts = RunFacts(
            run_id="run", trace_ids=tuple, on_progress=lambda _: None, log=logging.getLogger("spotify_pipeline")
        )
        sent = SendRequest(
            path=self.snapshots.stored("lapsed", stored[1].snapshot)[0],
            manifest=stored[1],
            given=None,
            cause="schedule",
        )
        home: Any = self
        send(AUDIENCE, home, self.client, AD_ACCOUNT, sent, facts, Checkpoint(name="Dagster's storage"))

    def is_accepted(self, stored: StoredList) -> set[bool]:
        """What each part of the state says of it."""
        blocked = [each for each in self.alerts.standing() if each.kind is AlertKind.BLOCKED]
        receipts = [each.snapshot for each in self.receipts.read("lapsed", AD_ACCOUNT)]
        return {
            self.journal.read("lapsed", AD_ACCOUNT).file_sha256 == stored[1].sha256,
            stored[1].snapshot in receipts,
            self.ledger.waiting("lapsed") == [],
            not blocked,
        }

    def is_begun(self, stored: StoredList) -> set[bool]:
        """The approval is used exactly if the journal says that the list is on its way, or has arrived."""
        entry = self.journal.read("lapsed", AD_ACCOUNT)
        begun = entry.unfinished.list if entry.unfinished is not None else None
        used = {each.used_for for each in self.approvals.history("lapsed", AD_ACCOUNT) if each.used_at is not None}
        return {
            stored[1].sha256 in (entry.file_sha256, begun.file_sha256 if begun is not None else None),
            stored[1].sha256 in used,
        }


@pytest.fixture
def home(state: StateStore, tmp_path: Path) -> Home:
    key = state.key()
    return Home(tmp_path / "lists", WatchedState(state.place, state.home, key=lambda: key))


def next_list(home: Home) -> StoredList:
    """A list that was held back, while an erasure waits for it."""
    stored = home.build()
    home.forget_somebody(before=stored[1].built_at)
    home.alerts.state("lapsed", AlertKind.BLOCKED, ["min_rows"], "It is too short.", datetime.now(UTC))
    assert home.is_accepted(stored) == {False}
    return stored


@pytest.mark.e2e
def test_c01_wherever_a_run_ends_all_says_that_the_list_was_accepted_or_nothing_does(home: Home) -> None:
    first = next_list(home)
    with pytest.raises(GuardBlocked):
        home.send(first)
    home.approve(first)
    home.send(first)
    assert home.is_accepted(first) == home.is_begun(first) == {True}
    crashed, step = True, 0
    while crashed:
        stored = next_list(home)
        home.approve(stored)
        with ending_at(home.store, step) as steps:
            try:
                home.send(stored)
            except Crash:
                pass
            else:
                crashed = False
        assert len(home.is_accepted(stored)) == 1, f"after a crash at step {step}, {steps.names[-1]}"
        assert len(home.is_begun(stored)) == 1, f"after a crash at step {step}, {steps.names[-1]}"
        if home.is_accepted(stored) == {False}:
            home.send(stored)  # without another approval
        assert home.is_accepted(stored) == home.is_begun(stored) == {True}
        step += 1
    assert step > 10, "the steps were counted"
    assert all(each.whole for each in home.receipts.verify())


def test_an_alert_that_cannot_be_read_undoes_no_acceptance(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    stored = next_list(home)
    home.approve(stored)
    with home.store.begin() as transaction:
        transaction.execute(tables.alert.update().values(content="{"))
    home.send(stored)
    assert home.journal.read("lapsed", AD_ACCOUNT).file_sha256 == stored[1].sha256
    assert home.ledger.waiting("lapsed") == []
    assert "The alert about lapsed could not be kept" in caplog.text


def test_c01_where_the_line_cannot_be_written_nothing_says_that_the_list_was_accepted(home: Home) -> None:
    stored = next_list(home)
    home.approve(stored)
    with home.store.begin() as transaction:
        transaction.execute(tables.erasure.update().values(in_force_at=None))
        transaction.execute(sa.text("ALTER TABLE alert RENAME TO gone"))
    with pytest.raises(Exception, match="has arrived at Spotify, and the line in the journal that says so could not"):
        home.send(stored)
    with home.store.begin() as transaction:
        transaction.execute(sa.text("ALTER TABLE gone RENAME TO alert"))
    assert home.is_accepted(stored) == {False}
