"""W17: whatever sends a list, it is held against what Spotify has, as it was sent; nothing kept changes before that."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.audiences.guarding import lists_compared
from spotify_pipeline.components.audiences.insights.plan import PlannedAction, plan_all
from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.privacy import forget, read_identifiers
from spotify_pipeline.privacy.ledger import Attribution
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import tables
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    digests_at_spotify,
    evaluations,
    metadata,
    said_by,
    writes,
)
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.state_edits import tampering

NEWEST = CadenceConfig(every="day").newest_partition(datetime.now(UTC))
BEFORE = (datetime.fromisoformat(NEWEST) - timedelta(days=1)).date().isoformat()
WAY_BACK: dict[str, object] = {"rollback": {"reason": "The new segment lost a join", "approved_by": "Kim"}}
NO_CONSENT = "UPDATE crm.people SET agreed = false WHERE email IN (SELECT email FROM crm.people WHERE agreed LIMIT {})"
SUPPRESSED = "INSERT INTO crm.opted_out SELECT email FROM crm.people WHERE agreed LIMIT {}"


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    """An audience of 30 people; whoever is in `crm.opted_out` is suppressed."""
    change_people(environment, "CREATE TABLE crm.opted_out AS SELECT 'nobody@example.com' AS email")
    return Deployment(load({"people": PEOPLE + "  suppress: [{table: crm.opted_out}]\n"}))


def kept(environment: Path) -> dict[str, bytes]:
    """Every list and manifest that is kept, but for thinned ones, byte for byte."""
    lists = environment / "home" / "data" / "customer_lists"
    return {
        str(file.relative_to(lists)): file.read_bytes()
        for file in lists.rglob("*")
        if file.is_file() and "without" not in str(file) and not file.name.startswith("found-")
    }


def forget_people(count: int, *, confirmed: bool = False) -> None:
    """What the command does, with the first people who are in the live list."""
    home = PipelineHome()
    live = home.journal.read("people", DEFAULTS.ad_account_id).file_sha256
    assert live is not None
    digests = list(on_disk(home.snapshots.list_path("people", "once")).read_text().splitlines())[1 : count + 1]
    people = read_identifiers(io.BytesIO("\n".join(f"digest:{each}" for each in digests).encode()))
    now = datetime.now(UTC)
    if confirmed:
        word = Attribution(by="Kim", at=now)
        home.ledger.record(people, requested_at=now, deadline=now + timedelta(days=30), waiting=(), confirmed=word)
    forget(people, home.snapshots, home.ledger, now=lambda: datetime.now(UTC), live={"people": {live}})


@pytest.mark.parametrize("statement", [NO_CONSENT, SUPPRESSED])
def test_w17_the_audience_alone_is_held_against_what_spotify_has(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, statement: str
) -> None:
    assert deployment.run().success
    before, files = writes(sandbox), kept(environment)
    change_people(environment, statement.format(23))
    for _ in range(2):  # a retry is no other way
        result = deployment.run("spotify_audience")
        assert "[shrink]" in said_by(result)
        assert "30 rows before, fewer than 20 now" in said_by(result)
        assert (writes(sandbox), kept(environment)) == (before, files)


@pytest.mark.parametrize("statement", [NO_CONSENT, SUPPRESSED])
def test_w17_a_run_that_was_held_back_leaves_the_measure_of_the_next(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, statement: str
) -> None:
    assert deployment.run().success
    change_people(environment, statement.format(24))
    assert "[shrink]" in said_by(deployment.run("spotify_audience"))
    before = writes(sandbox)
    change_people(environment, "UPDATE crm.people SET agreed = true WHERE email = 'person1@example.com'")
    result = deployment.run()
    assert "[shrink]" in str(evaluations(result, GUARDS)["customer_list"].description)
    assert "[shrink]" in said_by(deployment.run("spotify_audience"))
    assert writes(sandbox) == before


def test_w17_a_thinned_list_that_is_accepted_is_what_the_next_is_held_against(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    files = kept(environment)
    change_people(environment, SUPPRESSED.format(8))
    assert metadata(deployment.run("spotify_audience"), "spotify_audience")["done"] == "replaced"
    assert len(digests_at_spotify(sandbox)) == 22
    assert kept(environment) == files
    assert metadata(deployment.run("spotify_audience"), "spotify_audience")["done"] == "unchanged"
    change_people(environment, SUPPRESSED.format(15))
    assert "22 rows before, fewer than 20 now" in said_by(deployment.run("spotify_audience"))
    change_people(environment, "DELETE FROM crm.opted_out WHERE email <> 'nobody@example.com'")
    assert deployment.run().success
    assert len(digests_at_spotify(sandbox)) == 30


def test_w17_thinned_lists_that_were_never_sent_do_not_pile_up(deployment: Deployment, environment: Path) -> None:
    assert deployment.run().success
    for count in (20, 21, 22, 23):
        change_people(environment, SUPPRESSED.format(count))
        deployment.run("spotify_audience", quiet=True)
    change_people(environment, "DELETE FROM crm.opted_out WHERE email <> 'nobody@example.com'")
    assert deployment.run().success
    thinned = [each for each in PipelineHome().snapshots.snapshots("people") if "without" in each]
    assert len(thinned) <= 1


def test_w10_a_thinned_list_that_is_held_back_can_be_approved_of(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    change_people(environment, SUPPRESSED.format(20))
    held = deployment.run("spotify_audience")
    file_digest = evaluations(held, GUARDS)["spotify_audience"].metadata["file SHA-256"].value
    approve = {"approve": {"file_digest": file_digest, "reason": "They did opt out", "approved_by": "Kim"}}
    assert deployment.run("spotify_audience", send=approve).success
    assert len(digests_at_spotify(sandbox)) == 10


def test_w17_what_was_rolled_back_to_is_held_against_what_spotify_has_and_stays_as_it_was(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    change_people(environment, "CREATE TABLE crm.opted_out AS SELECT 'nobody@example.com' AS email")
    yaml = PEOPLE.replace("cadence: once", "cadence: {every: day}") + "  suppress: [{table: crm.opted_out}]\n"
    deployment = Deployment(load({"people": yaml}))
    assert deployment.run(partition=NEWEST).success
    lists = environment / "home" / "data" / "customer_lists" / "people"
    manifest = lists / NEWEST / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"snapshot": "{NEWEST}"', f'"snapshot": "{BEFORE}"'))
    manifest.parent.rename(lists / BEFORE)
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    assert deployment.run(partition=NEWEST).success
    with tampering(PipelineHome().store) as transaction:  # so that no rollback speaks for a list that Spotify had once
        transaction.execute(tables.receipt.delete().where(tables.receipt.c.number == 1))
    change_people(environment, SUPPRESSED.format(25))
    before, files = writes(sandbox), kept(environment)
    assert "[shrink]" in said_by(deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK))
    assert (writes(sandbox), kept(environment)) == (before, files)
    assert "[shrink]" in said_by(deployment.run("spotify_audience", partition=NEWEST))
    assert (writes(sandbox), kept(environment)) == (before, files)


@pytest.mark.parametrize("assets", [(), ("spotify_audience",)])
def test_w17_forgetting_most_of_an_audience_does_not_move_the_measure(
    deployment: Deployment, sandbox: SandboxServer, assets: tuple[str, ...]
) -> None:
    assert deployment.run().success
    before = writes(sandbox)
    forget_people(24)
    result = deployment.run(*assets)
    held = evaluations(result, GUARDS)["spotify_audience" if assets else "customer_list"]
    said = str(held.description)
    assert "[shrink]" in said
    assert "30 rows before, fewer than 20 now, 80 % fewer; 24 of those gone were erased, not confirmed" in said
    assert writes(sandbox) == before


@pytest.mark.parametrize("assets", [(), ("spotify_audience",)])
def test_w17_a_second_word_for_an_erasure_lets_it_through_and_no_more_than_that(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, assets: tuple[str, ...]
) -> None:
    assert deployment.run().success
    forget_people(20, confirmed=True)
    (plan,) = plan_all(
        audience_definitions(deployment.definitions),
        [],
        home=PipelineHome(),
        warehouse=WarehouseResource(),
        ad_account_of=SpotifyAdsResource().account_of,
    )
    assert plan.action is PlannedAction.REPLACE
    result = deployment.run(*assets)
    assert result.success
    assert len(digests_at_spotify(sandbox)) == 10
    (receipt,) = metadata(result, "spotify_audience")["receipts"]  # pyright: ignore[reportGeneralTypeIssues]
    figures = {each["guard"]: each["figure"] for each in receipt["decision"]["findings"]}
    assert "20 of those gone were erased, confirmed" in figures["shrink"]
    before = writes(sandbox)
    change_people(environment, "DELETE FROM crm.people WHERE email IN (SELECT email FROM crm.people LIMIT 36)")
    assert not deployment.run().success
    assert writes(sandbox) == before


def test_w17_those_taken_out_are_known_only_as_long_as_the_list_is_compared_with(
    deployment: Deployment, environment: Path
) -> None:
    assert deployment.run().success
    somebody = next(iter(on_disk(PipelineHome().snapshots.list_path("people", "once")).read_text().splitlines()[1:]))
    forget_people(5)
    home = environment / "home"
    marks = list((home / "data").rglob("erased-*"))
    assert len(marks) == 1
    assert not any(somebody.encode() in file.read_bytes() for file in (home / "data").rglob("*") if file.is_file())
    assert {file.stat().st_mode & 0o777 for file in marks} == {0o600}
    assert deployment.run().success
    (chain,) = audience_definitions(deployment.definitions)
    compared = lists_compared(chain, PipelineHome(), DEFAULTS.ad_account_id)
    assert len(compared) == 2
    PipelineHome().snapshots.keep_lists("people", 3, sent=sorted(compared)[:0])
    assert list((home / "data").rglob("erased-*")) == []


def test_w17_the_audience_alone_is_held_back_where_suppressions_are_emptied(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    assert deployment.run("identifiers", "customer_list").success
    before = writes(sandbox)
    change_people(environment, "DELETE FROM crm.opted_out")
    assert "[suppressions]" in said_by(deployment.run("spotify_audience"))
    assert writes(sandbox) == before
