"""A plan says what the next run would do, and does nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.audiences.insights.plan import (
    PLAN_JOB,
    PlannedAction,
    PlannedChange,
    plan_all,
    plan_table,
)
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, change_people, digests_at_spotify, evaluations
from spotify_pipeline_tests.state_edits import keep


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE}))


def plan(deployment: Deployment, *audiences: str) -> list[PlannedChange]:
    return plan_all(
        audience_definitions(deployment.definitions),
        audiences,
        home=PipelineHome(),
        warehouse=WarehouseResource(),
        ad_account_of=lambda _: DEFAULTS.ad_account_id,
    )


def counts(change: PlannedChange) -> tuple[PlannedAction, int | None, int | None, int | None, int | None]:
    return change.action, change.added, change.removed, change.staying, change.rows


@pytest.mark.e2e
def test_a_plan_says_whom_the_next_run_would_add_and_remove(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert counts(*plan(deployment)) == (PlannedAction.CREATE, 30, 0, 0, 30)
    assert deployment.run().success
    assert counts(*plan(deployment)) == (PlannedAction.UNCHANGED, 0, 0, 30, 30)
    change_people(environment, "UPDATE crm.people SET agreed = NOT agreed WHERE email LIKE 'person1_@example.com'")
    (planned,) = plan(deployment)
    assert planned.action is PlannedAction.REPLACE
    before = digests_at_spotify(sandbox)
    assert deployment.run().success
    after = digests_at_spotify(sandbox)
    assert (planned.added, planned.removed) == (len(after - before), len(before - after))


@pytest.mark.e2e
def test_p18_a_plan_shows_counts_only_and_small_ones_in_words(
    deployment: Deployment, environment: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert deployment.run(quiet=True).success
    change_people(environment, "UPDATE crm.people SET agreed = false WHERE email = 'person1@example.com'")
    table = plan_table(plan(deployment))
    assert "| people | replace | 0 | fewer than 20 | 29 | 29 |" in table
    printed = capfd.readouterr()
    assert "@example.com" not in table + printed.out + printed.err


@pytest.mark.e2e
def test_a_plan_of_a_list_that_guards_would_hold_back_says_why(deployment: Deployment, environment: Path) -> None:
    assert deployment.run().success
    change_people(environment, "DELETE FROM crm.people WHERE email LIKE '%3%' OR email LIKE '%2%'")
    (planned,) = plan(deployment)
    assert planned.action is PlannedAction.BLOCKED
    assert "[shrink]" in planned.sentence
    change_people(environment, "DROP TABLE crm.people")
    assert "The warehouse has no table or view crm.people" in plan(deployment)[0].sentence


@pytest.mark.e2e
def test_a_plan_asks_spotify_nothing_and_leaves_nothing_behind(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    home = environment / "home"
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    asked = len(sandbox.state.requests.after(0))
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    plan(deployment)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    assert len(sandbox.state.requests.after(0)) == asked


def test_the_job_shows_the_plan_and_refuses_an_audience_that_there_is_not(
    deployment: Deployment, environment: Path
) -> None:
    job = deployment.definitions.resolve_job_def(PLAN_JOB)
    result = job.execute_in_process(instance=deployment.instance)
    assert result.success
    (handled,) = result.get_step_success_events()
    assert handled.step_key == "spotify_plan_audiences"
    outputs = [each.step_output_data.metadata for each in result.all_node_events if each.is_successful_output]
    assert "| people | create | 30 |" in str(outputs[0]["plan"].value)
    with pytest.raises(MirrorRefused, match=r"There is no audience nobody\. There are: people"):
        plan(deployment, "nobody")


@pytest.mark.e2e
def test_w20_a_plan_says_that_what_is_known_here_is_older_than_what_was_sent(
    deployment: Deployment, environment: Path
) -> None:
    assert deployment.run(quiet=True).success
    journal = PipelineHome().journal
    kept = journal.read("people", DEFAULTS.ad_account_id)
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    assert deployment.run(quiet=True).success
    keep(journal, "people", kept)
    (planned,) = plan(deployment)
    assert planned.action is PlannedAction.BLOCKED
    assert "[history]" in planned.sentence


@pytest.mark.e2e
def test_w20_a_plan_says_that_an_audience_of_somebody_else_is_to_be_adopted(
    load: Callable[..., dg.Definitions], deployment: Deployment, sandbox: SandboxServer
) -> None:
    assert deployment.run(quiet=True).success
    (theirs,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    adopting = PEOPLE.replace("name: People", f"name: Mine\n  audience_id: {theirs.id}")
    mine = Deployment(load({"mine": adopting}))
    (planned,) = plan(mine)
    assert planned.action is PlannedAction.BLOCKED
    assert f"audience {theirs.id}, which the YAML of mine adopts, was filled by somebody else" in planned.sentence
    refused = mine.run(audience="mine", quiet=True)
    assert f"audience {theirs.id}" in str(evaluations(refused, GUARDS)["customer_list"].description)


@pytest.mark.e2e
def test_w20_a_plan_sees_that_the_journal_of_a_part_is_older(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    split = PEOPLE.replace("min_rows: 3", "min_rows: 3, max_bytes: 1500") + "  oversize: split\n"
    deployment = Deployment(load({"people": split}))
    assert deployment.run(quiet=True).success
    journal = PipelineHome().journal
    kept = journal.read("people.2", DEFAULTS.ad_account_id)
    change_people(environment, "INSERT INTO crm.people SELECT 'new' || i || '@example.com', true FROM range(8) r(i)")
    assert deployment.run(quiet=True).success
    keep(journal, "people.2", kept)
    (planned,) = plan(deployment)
    assert planned.action is PlannedAction.BLOCKED
    assert "the journal of people.2 knows" in planned.sentence
