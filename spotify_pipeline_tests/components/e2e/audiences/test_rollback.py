"""An older list goes live again, by a person's word, without those who must not be in it any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.state import tables
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    digest,
    digests_at_spotify,
    evaluations,
    metadata,
    said_by,
    writes,
)
from spotify_pipeline_tests.state_edits import keep, tampering

NEWEST = CadenceConfig(every="day").newest_partition(datetime.now(UTC))
BEFORE = (datetime.fromisoformat(NEWEST) - timedelta(days=1)).date().isoformat()
WAY_BACK: dict[str, object] = {"rollback": {"reason": "The new segment lost a join", "approved_by": "Kim"}}


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    change_people(environment, "CREATE TABLE crm.opted_out (email VARCHAR)")
    yaml = PEOPLE.replace("cadence: once", "cadence: {every: day}") + "  suppress: [{table: crm.opted_out}]\n"
    return Deployment(load({"people": yaml}))


def sent_yesterday_and_today(deployment: Deployment, environment: Path) -> None:
    """The list of 30 that was sent as yesterday's, and one of 25 that took its place."""
    assert deployment.run(partition=NEWEST).success
    lists = environment / "home" / "data" / "customer_lists" / "people"
    manifest = lists / NEWEST / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"snapshot": "{NEWEST}"', f'"snapshot": "{BEFORE}"'))
    manifest.parent.rename(lists / BEFORE)
    change_people(
        environment,
        "DELETE FROM crm.people WHERE email IN ('person1@example.com', 'person2@example.com', 'person3@example.com', "
        "'person5@example.com', 'person6@example.com')",
    )
    assert deployment.run(partition=NEWEST).success


def test_an_older_partition_is_refused_with_the_way_back(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    before = writes(sandbox)
    said = said_by(deployment.run("spotify_audience", partition=BEFORE))
    assert f"Partition {BEFORE} of people is not the one that is open ({NEWEST})." in said
    assert f"spotify-pipeline rollback people {BEFORE} --reason" in said
    assert writes(sandbox) == before


def test_p13_a_rollback_sends_the_older_list_without_those_who_left_for_good(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    assert digest("person5@example.com") not in digests_at_spotify(sandbox)
    change_people(environment, "INSERT INTO crm.opted_out VALUES ('person1@example.com')")
    change_people(environment, "INSERT INTO crm.people VALUES ('person2@example.com', false)")
    result = deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK)
    assert result.success
    sent = digests_at_spotify(sandbox)
    assert digest("person5@example.com") in sent
    assert digest("person1@example.com") not in sent
    assert digest("person2@example.com") not in sent
    assert len(sent) == 28


def test_the_receipt_of_a_rollback_says_so_and_why(deployment: Deployment, environment: Path) -> None:
    sent_yesterday_and_today(deployment, environment)
    (receipt,) = metadata(  # pyright: ignore[reportGeneralTypeIssues]
        deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK), "spotify_audience"
    )["receipts"]
    assert receipt["evidence"]["cause"] == "rollback"
    assert receipt["evidence"]["reason"] == "The new segment lost a join"
    assert receipt["snapshot"] == BEFORE


def test_a_list_that_spotify_had_once_may_come_back_though_guards_would_hold_it_back(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    many = "INSERT INTO crm.people SELECT 'new' || i || '@example.com', true FROM range(45) r(i)"
    change_people(environment, many)
    assert deployment.run(partition=NEWEST).success
    result = deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK)
    assert result.success
    assert len(digests_at_spotify(sandbox)) == 30
    shown = evaluations(result, GUARDS)["spotify_audience"]
    assert "Overridden: shrink. Kim approved this list: The new segment lost a join" in str(shown.description)


def test_w10_a_list_that_spotify_never_had_is_judged_as_any_other(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    with tampering(PipelineHome().store) as transaction:
        transaction.execute(tables.receipt.delete().where(tables.receipt.c.number == 1))
    many = "INSERT INTO crm.people SELECT 'new' || i || '@example.com', true FROM range(45) r(i)"
    change_people(environment, many)
    assert deployment.run(partition=NEWEST).success
    before = writes(sandbox)
    refused = deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK)
    assert "[shrink]" in said_by(refused)
    assert writes(sandbox) == before
    file_digest = evaluations(refused, GUARDS)["spotify_audience"].metadata["file SHA-256"].value
    approve = {"file_digest": file_digest, "reason": "Looked at it", "approved_by": "Kim"}
    assert deployment.run("spotify_audience", partition=BEFORE, send={**WAY_BACK, "approve": approve}).success


def test_a_list_that_is_not_kept_cannot_be_gone_back_to(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    before = writes(sandbox)
    assert "There is no customer list for snapshot" in said_by(
        deployment.run("spotify_audience", partition="2026-01-05", send=WAY_BACK)
    )
    assert writes(sandbox) == before


def test_the_way_forward_after_a_rollback_is_the_next_list(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    assert deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK).success
    # The list that was rolled back was built before the older one was issued anew, so it is not sent by accident.
    assert "was built before the one Spotify has" in said_by(deployment.run("spotify_audience", partition=NEWEST))
    assert deployment.run(partition=NEWEST).success
    assert PipelineHome().alerts.standing() == []
    assert len(digests_at_spotify(sandbox)) == 25


def word_for(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """An approval of the very list that a run held back."""
    file_digest = evaluations(result, GUARDS)["spotify_audience"].metadata["file SHA-256"].value
    return {"approve": {"file_digest": file_digest, "reason": "They did opt out", "approved_by": "Kim"}}


@pytest.mark.parametrize(
    "broken",
    [
        "INSERT INTO crm.opted_out SELECT 'person' || i || '@example.com' FROM range(10, 60) r(i)",
        "UPDATE crm.people SET agreed = false WHERE length(email) > 19",
    ],
)
@pytest.mark.parametrize("left", [30, 6])
def test_w10_the_word_of_a_rollback_is_for_the_list_as_it_was_sent(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, broken: str, left: int
) -> None:
    sent_yesterday_and_today(deployment, environment)
    if left == 6:  # the list that is live is so short by now that a thinned one is not much shorter
        statement = "DELETE FROM crm.people WHERE email NOT IN (SELECT email FROM crm.people WHERE agreed LIMIT 6)"
        change_people(environment, "CREATE TABLE crm.aside AS SELECT * FROM crm.people")
        change_people(environment, statement)
        held = deployment.run(partition=NEWEST)
        assert not held.success
        refused = deployment.run("spotify_audience", partition=NEWEST)
        assert deployment.run("spotify_audience", partition=NEWEST, send=word_for(refused)).success
        change_people(environment, "DELETE FROM crm.people; INSERT INTO crm.people SELECT * FROM crm.aside")
    change_people(environment, broken)
    before = writes(sandbox)
    refused = deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK)
    said = said_by(refused)
    assert "The word that was given with the rollback is for the list as it was sent" in said
    assert "[shrink]" in said or "[drain]" in said
    assert writes(sandbox) == before
    assert deployment.run("spotify_audience", partition=BEFORE, send={**WAY_BACK, **word_for(refused)}).success


def test_p13_a_rollback_does_not_pass_over_suppressions_that_are_emptied(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    change_people(environment, "INSERT INTO crm.opted_out VALUES ('person1@example.com')")
    sent_yesterday_and_today(deployment, environment)
    change_people(environment, "DELETE FROM crm.opted_out")
    before = writes(sandbox)
    assert "[suppressions]" in said_by(deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK))
    assert writes(sandbox) == before


def test_w20_a_rollback_does_not_pass_over_a_state_that_is_older_than_what_was_sent(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    sent_yesterday_and_today(deployment, environment)
    journal = PipelineHome().journal
    kept = journal.read("people", DEFAULTS.ad_account_id)
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    assert deployment.run(partition=NEWEST).success
    keep(journal, "people", kept)
    before = writes(sandbox)
    assert "[history]" in said_by(deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK))
    assert writes(sandbox) == before
