"""A directory that was put back from a backup: what Dagster's storage knows is compared before anything is sent."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.sync.checkpoint import STATE, dagster_checkpoint
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.privacy import GivenIdentifier
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    definitions_of,
    digest,
    digests_at_spotify,
    evaluations,
    metadata,
    said_by,
    writes,
)
from spotify_pipeline_tests.privacy.older_ledger import lose

ONE_MORE = "INSERT INTO crm.people VALUES ('one-more@example.com', true)"
ANOTHER = "INSERT INTO crm.people VALUES ('another@example.com', true)"
KEY = dg.AssetKey(["people", "spotify_audience"])


@pytest.fixture
def deployment(environment: Path) -> Deployment:
    return Deployment(definitions_of({"people": PEOPLE}))


def backed_up(environment: Path) -> Path:
    shutil.copytree(environment / "home", environment / "backup")
    return environment / "backup"


def restored(environment: Path) -> None:
    shutil.rmtree(environment / "home")
    shutil.copytree(environment / "backup", environment / "home")


def test_w20_a_directory_older_than_dagster_knows_sends_nothing_until_a_list_is_approved(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    backed_up(environment)
    change_people(environment, ONE_MORE)
    assert deployment.run().success
    restored(environment)
    change_people(environment, ANOTHER)
    before = writes(sandbox)
    result = deployment.run()
    assert not result.success
    said = said_by(result)
    assert "Dagster's storage knows receipt 2 of people, and the journal 1 receipts" in said
    assert "docs/how-to/back-up-and-restore.md" in said
    assert writes(sandbox) == before
    (_, manifest) = PipelineHome().snapshots.lists("people")[0]
    approve = {"file_digest": manifest.sha256, "reason": "No newer copy is left.", "approved_by": "Kim"}
    assert deployment.run("spotify_audience", send={"approve": approve}).success
    assert digest("another@example.com") in digests_at_spotify(sandbox)
    change_people(environment, "DELETE FROM crm.people WHERE email = 'another@example.com'")
    assert deployment.run().success, "it is in its newest state again"


def test_w20_p13_a_directory_whose_ledger_is_older_sends_nobody_who_was_forgotten(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    backed_up(environment)
    now = datetime.now(UTC)
    forgotten = digest("person1@example.com")
    PipelineHome().ledger.record(
        [GivenIdentifier(line=1, given_as="email", digests=(forgotten,))],
        requested_at=now,
        deadline=now + timedelta(days=30),
        waiting=["people"],
    )
    assert deployment.run().success
    assert forgotten not in digests_at_spotify(sandbox)
    lose(PipelineHome().store)
    before = writes(sandbox)
    result = deployment.run()
    assert not result.success
    shown = evaluations(result, "guards")["customer_list"]
    assert "the ledger of erasures lacks erasure-" in str(shown.description)
    restored(environment)
    assert not deployment.run().success
    assert writes(sandbox) == before
    assert forgotten not in digests_at_spotify(sandbox)


def test_w20_a_storage_that_knows_nothing_warns_and_holds_nothing_back(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    change_people(environment, ONE_MORE)
    fresh = Deployment(deployment.definitions)
    result = fresh.run()
    assert result.success
    assert len(digests_at_spotify(sandbox)) == 31
    said = [each.user_message for each in fresh.instance.all_logs(result.run_id) if int(str(each.level)) >= 30]
    assert any("Dagster's storage knows of no receipt of people" in each for each in said)
    assert metadata(fresh.run(), "spotify_audience")["done"] == "unchanged"


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"receipt": 9, "receipt SHA-256": "f" * 64},
        {STATE: "text"},
        {STATE: {"ad_account_id": DEFAULTS.ad_account_id, "receipts": {"people": "many"}}},
        {STATE: {"ad_account_id": DEFAULTS.ad_account_id, "receipts": {"people": [True, "f" * 64]}}},
        {STATE: {"ad_account_id": DEFAULTS.ad_account_id, "receipts": {"people": [9, "x"]}}},
        {STATE: {"ad_account_id": "another", "receipts": {"people": [9, "f" * 64]}}},
    ],
    ids=str,
)
def test_w20_what_was_reported_from_outside_proves_nothing(
    deployment: Deployment, environment: Path, stated: dict[str, object]
) -> None:
    assert deployment.run().success
    reported = dg.AssetMaterialization(KEY, partition="once", metadata=stated)  # pyright: ignore[reportArgumentType]
    deployment.instance.report_runless_asset_event(reported)
    change_people(environment, ONE_MORE)
    assert deployment.run().success


def test_w20_the_newest_receipt_counts_across_partitions_and_parts(environment: Path) -> None:
    daily = PEOPLE.replace("cadence: once", "cadence: {every: day, at: '06:00', timezone: UTC}")
    deployment = Deployment(definitions_of({"people": daily}))
    account = DEFAULTS.ad_account_id
    for day, receipts in (("2026-11-02", {"people": [7, "a" * 64]}), ("2026-11-01", {"people.2": [3, "b" * 64]})):
        stated = {STATE: {"ad_account_id": account, "receipts": receipts, "newest_erasure": f"erasure-{day}-00000000"}}
        deployment.instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=day, metadata=stated))

    class Chain:
        audience_key = KEY
        project = "shop"

    checkpoint = dagster_checkpoint(deployment.instance, Chain(), account)  # pyright: ignore[reportArgumentType]
    assert checkpoint.receipts == {"people": (7, "a" * 64), "people.2": (3, "b" * 64)}
    assert checkpoint.newest_erasure == "erasure-2026-11-01-00000000", "of what was sent last"
