"""A signed-in client of a sandbox of its own, and customer lists of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from spotify_pipeline.customer_list import Layout, Manifest, build_customer_list, write_identifiers
from spotify_pipeline.identity import Email
from spotify_pipeline.mirror import AudienceSpec, Journal
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.spotify import SpotifyAdsClient, TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.fake_spotify import FakeSpotify
from spotify_pipeline_tests.sandbox_settings import settings_at

if TYPE_CHECKING:
    from spotify_pipeline_tests.mirror.machine import Machine

ENOUGH = 5
"""Rows that count as enough, here and in the sandbox of these tests."""


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(SandboxConfig(minimum_rows=ENOUGH)) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer, tmp_path: Path) -> Iterator[SpotifyAdsClient]:
    settings = settings_at(sandbox.url)
    with SpotifyAdsClient.open(settings, TokenStore(StateStore.in_home(tmp_path / "tokens"))) as opened:
        yield opened


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(StateStore.in_home(tmp_path / "home"))


@pytest.fixture
def spec() -> AudienceSpec:
    return AudienceSpec(
        audience="lapsed",
        name="Lapsed subscribers",
        description="Cancelled in the last 90 days",
        ad_account_id=DEFAULTS.ad_account_id,
    )


@pytest.fixture
def spotify() -> FakeSpotify:
    """A fake that goes wrong as told."""
    return FakeSpotify()


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify) -> Machine:
    """A machine that mirrors to it."""
    from spotify_pipeline_tests.mirror.machine import Machine  # which knows what is enough from here

    return Machine(tmp_path, spotify)


BuildList = Callable[..., tuple[Path, Manifest]]


@pytest.fixture
def build_list(tmp_path: Path) -> BuildList:
    """`build_list(people, snapshot="2026-11-16", audience="lapsed")`: the file and manifest of a list of e-mails.

    A list of a snapshot is built on the day that the snapshot is named after, or on the day given.
    """

    def build(
        people: range,
        snapshot: str = "2026-11-16",
        audience: str = "lapsed",
        built_on: str | None = None,
        layout: Layout = Layout.WIDE,
    ) -> tuple[Path, Manifest]:
        plan = IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))})
        rows = pl.DataFrame({"email": [f"person{i}@example.com" for i in people]}, schema={"email": pl.String})
        identifiers = tmp_path / "lists" / audience / snapshot / "identifiers.parquet"
        report = write_identifiers([rows], plan, identifiers)
        file = identifiers.with_name("customer_list.csv")
        manifest = build_customer_list(
            identifiers,
            report,
            file,
            layout=layout,
            audience=audience,
            snapshot=snapshot,
            built_at=datetime.fromisoformat(built_on or snapshot).replace(hour=5, tzinfo=UTC),
        )
        return file, manifest

    return build
