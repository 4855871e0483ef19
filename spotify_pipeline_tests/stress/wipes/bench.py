"""A deployment with lists that are live at Spotify, to which things happen.

What is live is made once; every scenario gets a copy of the machine's files. Spotify (a sandbox) is shared, for nothing
that is blocked may change it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
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
from spotify_pipeline.customer_list.store.archive import set_aside
from spotify_pipeline.identity import DeviceId, Email, Phone, digest
from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, Checkpoint, Journal, MirrorOutcome
from spotify_pipeline.mirror.guards import Approval, ApprovalSource, ApprovalStore, GuardLimits, ListGuard, guard_limits
from spotify_pipeline.mirror.receipts.sent_lists import SHORTEST_WINDOW, compared_with
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.rows import DigestSet, IdentifierColumns, IdentifierPlan, Suppressions
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.spotify import SpotifyAdsClient, TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.sandbox_settings import settings_at

Listed = tuple[Path, Manifest]
BEGIN = datetime(2026, 1, 5, 6, tzinfo=UTC)
LIVE_ROWS = 2_000
PLAN = IdentifierPlan(
    identifiers={
        "email": IdentifierColumns(kind=Email(), columns=("email",)),
        "phone": IdentifierColumns(kind=Phone(), columns=("phone",)),
        "device_id": IdentifierColumns(kind=DeviceId(), columns=("device_id",)),
    },
    consent_column="agreed",
)
OTHER_ACCOUNT = "11111111-2222-4333-8444-555555555555"


def people(first: int, last: int) -> pl.DataFrame:
    """The people numbered ``first`` up to, not including, ``last``: e-mail, phone, device id, consent."""
    numbers = range(first, last)
    return pl.DataFrame(
        {
            "email": [f"person{n}@example.com" for n in numbers],
            "phone": [f"+1{201 + n // 100 % 700}555{100 + n % 100:04d}" for n in numbers],
            "device_id": [f"{n:08x}-0000-4000-8000-{n:012x}" for n in numbers],
            "agreed": [True for _ in numbers],
        },
        schema={"email": pl.String, "phone": pl.String, "device_id": pl.String, "agreed": pl.Boolean},
    )


def suppressing(*numbers: range, name: str = "do_not_contact") -> Suppressions:
    """A source of suppressions that holds the e-mail addresses of these people."""
    values = pl.Series([f"person{n}@example.com" for each in numbers for n in each], dtype=pl.String)
    return Suppressions({name: DigestSet.of(digest(values))})


DO_NOT_CONTACT = suppressing(range(70_000, 70_100))
"""Applied unless something else is said: people of no segment here."""


@dataclass
class Bench:
    """A machine, and the Spotify it mirrors to."""

    home: Path
    client: SpotifyAdsClient
    sandbox: SandboxServer
    now: datetime = BEGIN
    account: str = DEFAULTS.ad_account_id
    limits: GuardLimits = field(default_factory=guard_limits)
    erased: Callable[[], DigestSet] = DigestSet.of
    confirmed: Callable[[], DigestSet] = DigestSet.of
    layout: Layout = Layout.WIDE
    ledger: ErasureLedger | None = None
    checkpoint: Checkpoint | None = None
    adopted: str | None = None
    keys: tuple[str, ...] = ()

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.home / "data")

    @property
    def journal(self) -> Journal:
        return Journal(StateStore.in_home(self.home))

    @property
    def state(self) -> StateStore:
        return StateStore.in_home(self.home)

    @property
    def approvals(self) -> ApprovalStore:
        return ApprovalStore(self.state)

    @property
    def list_folder(self) -> Path:
        return self.home / "data" / "customer_lists"

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def build(
        self,
        rows: pl.DataFrame,
        audience: str = "lapsed",
        *,
        counted: int | None = None,
        updated_at: datetime | None = None,
        suppressions: Suppressions | None = None,
        plan: IdentifierPlan = PLAN,
    ) -> Listed:
        """The list of today's segment; ``counted`` is how many rows the warehouse says it has."""
        snapshot = f"{self.now:%Y-%m-%d}"
        identifiers = self.store.identifiers_path(audience, snapshot)
        report = write_identifiers(
            [rows],
            plan,
            identifiers,
            expected_rows=rows.height if counted is None else counted,
            updated_at=updated_at,
        )
        file = on_disk(self.store.list_path(audience, snapshot))
        compared = compared_with(self.journal, audience, self.account, self.now - SHORTEST_WINDOW)
        with set_aside(self.store, audience, snapshot, sent=compared):
            manifest = build_customer_list(
                identifiers,
                report,
                file,
                layout=self.layout,
                audience=audience,
                snapshot=snapshot,
                built_at=self.now,
                suppressions=DO_NOT_CONTACT if suppressions is None else suppressions,
            )
        return file, manifest

    def send(self, listed: Listed, audience: str = "lapsed", **guard: Any) -> MirrorOutcome:
        """What the run of an audience does with its list."""
        target = AudienceSpec(
            audience=audience,
            name=f"The {audience} people",
            description=None,
            ad_account_id=self.account,
            adopted_audience_id=self.adopted,
        )
        mirror = AudienceMirror(
            self.client,
            self.journal,
            ledger=self.ledger,
            checkpoint=self.checkpoint,
            clock=lambda: self.now.timestamp(),
            sleep=lambda _: None,
            wait=0,
        )
        return mirror.mirror(target, *listed, guard=self.guard(listed, audience, **guard), keys=self.keys)

    def guard(self, listed: Listed, audience: str = "lapsed", **changes: Any) -> ListGuard:
        settings: dict[str, Any] = {
            "customer_list": listed,
            "audience": audience,
            "ad_account_id": self.account,
            "store": self.store,
            "journal": self.journal,
            "approvals": self.approvals,
            "limits": self.limits,
            "erased": self.erased,
            "confirmed": self.confirmed,
            "now": lambda: self.now,
        }
        return ListGuard(**{**settings, **changes})

    def approve(self, listed: Listed, audience: str = "lapsed", *, account: str | None = None) -> Approval:
        """What `spotify-pipeline approve` does."""
        approval = Approval(
            audience=audience,
            ad_account_id=account or self.account,
            file_sha256=listed[1].sha256,
            reason="the campaign was cut in half on purpose",
            approved_by="somebody",
            approved_at=self.now.isoformat(),
            expires_at=(self.now + timedelta(hours=24)).isoformat(),
            source=ApprovalSource.COMMAND,
        )
        self.approvals.give(approval)
        return approval

    def writes(self) -> int:
        """Calls so far that change something at Spotify."""
        return sum(
            each["method"] != "GET" and "/api/token" not in str(each["route"])
            for each in self.sandbox.state.requests.after(0)
        )


class LiveLists:
    """Two audiences that were mirrored: `lapsed`, the people 0 to 1,999, and `vip`, the people 10,000 to 11,999."""

    def __init__(self, folder: Path, sandbox: SandboxServer, client: SpotifyAdsClient) -> None:
        self._folder, self._sandbox, self._client = folder, sandbox, client
        self._number = 0
        bench = Bench(folder / "live", client, sandbox)
        for audience, first in (("lapsed", 0), ("vip", 10_000)):
            rows = people(first, first + LIVE_ROWS)
            bench.send(bench.build(rows, audience, updated_at=BEGIN), audience)

    def next_day(self, **settings: Any) -> Bench:
        """A copy of the machine, a day later."""
        self._number += 1
        home = self._folder / f"{self._number}"
        shutil.copytree(self._folder / "live", home)
        return Bench(home, self._client, self._sandbox, now=BEGIN + timedelta(days=1), **settings)

    def nothing_yet(self) -> Bench:
        """A machine that has sent nothing, and whose audience has a name of its own."""
        self._number += 1
        return Bench(self._folder / f"{self._number}", self._client, self._sandbox)


@contextmanager
def live_lists(folder: Path) -> Generator[LiveLists]:
    """The live lists, and a sandbox that holds them."""
    with SandboxServer() as sandbox:
        first = sandbox.state.ad_accounts.get(DEFAULTS.ad_account_id)
        assert first is not None
        sandbox.state.ad_accounts.put(replace(first, id=OTHER_ACCOUNT, name="Another ad account"))
        settings = settings_at(sandbox.url)
        opened = partial(SpotifyAdsClient.open, settings, TokenStore(StateStore.in_home(folder / "tokens")))
        with opened() as client:
            yield LiveLists(folder, sandbox, client)
