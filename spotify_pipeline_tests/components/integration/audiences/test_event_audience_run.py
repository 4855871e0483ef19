"""Runs in Dagster of audiences that Spotify fills, against the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.audience import TARGETABLE
from spotify_pipeline.components.audiences.insights.overlap import judge_orphans
from spotify_pipeline.components.audiences.schedules import WATCH_JOB
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.mirror import Journal, ReceiptBook
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.sandbox.store.records import Audience
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.integration.audiences.test_event_audience_yaml import BOTH, BOUGHT, CAMPAIGN
from spotify_pipeline_tests.components.runs import QUIET, Deployment, definitions_of, metadata, said_by, writes
from spotify_pipeline_tests.state_edits import lose

FILLED = "spotify_audience"


@pytest.fixture
def deployment(environment: Path) -> Deployment:
    assert environment
    return Deployment(definitions_of(BOTH))


def run(deployment: Deployment, audience: str, *assets: str) -> dg.ExecuteInProcessResult:
    job = deployment.job(audience, assets or (FILLED,))
    return job.execute_in_process(instance=deployment.instance, raise_on_error=False, run_config=QUIET)


def changed(content: str) -> Deployment:
    return Deployment(definitions_of({**BOTH, "bought": content}))


def at_spotify(sandbox: SandboxServer) -> dict[str, Audience]:
    return {each.name: each for each in sandbox.state.audiences.of(DEFAULTS.ad_account_id)}


def kinds(home: Path, audience: str) -> list[str]:
    journal = Journal(StateStore.in_home(home / "home"))
    book = ReceiptBook(journal.state)
    assert all(each.whole for each in book.verify())
    return [str(each.kind) for each in book.read(audience, DEFAULTS.ad_account_id)]


def watched(deployment: Deployment) -> dict[str, dg.AssetCheckEvaluation]:
    """The outcomes of the watch job's look at the audiences, by audience."""
    job = deployment.definitions.resolve_job_def(WATCH_JOB)
    result = job.execute_in_process(instance=deployment.instance, raise_on_error=False, run_config=QUIET)
    evaluations = [each for each in result.get_asset_check_evaluations() if each.check_name == TARGETABLE]
    return {each.asset_key.path[0]: each for each in evaluations}


@pytest.mark.e2e
def test_a_web_event_audience_is_created_once_from_the_data_set_of_that_name(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    first = run(deployment, "bought")
    made = at_spotify(sandbox)["Bought lately"]
    assert (made.subtype, made.dataset_ids, made.lookback_days) == ("WEB_EVENT", (DEFAULTS.dataset_id,), 30)
    assert (made.included_events, made.excluded_events) == (("PURCHASE",), ("LEAD",))
    shown = metadata(first, FILLED)
    assert (shown["done"], shown["audience id"], shown["receipt"]) == ("created", made.id, 1)
    assert f"| dataset ids | {DEFAULTS.dataset_id} |" in str(shown["made of"])
    assert metadata(run(deployment, "bought"), FILLED)["done"] == "unchanged"
    assert (writes(sandbox), kinds(environment, "bought")) == (1, ["web event audience created"])


@pytest.mark.e2e
def test_an_ad_engagement_audience_and_its_lookalike(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    assert run(deployment, "heard", FILLED, "lookalike").success
    heard, alike = at_spotify(sandbox)["Heard the autumn spot"], at_spotify(sandbox)["Like those who heard it"]
    assert (heard.subtype, heard.campaign_ids, heard.exposure_type) == ("AD_ENGAGEMENT", (CAMPAIGN,), "IMPRESSIONS")
    assert (alike.type, alike.seed_audience_id) == ("LOOKALIKE", heard.id)
    assert kinds(environment, "heard") == ["ad engagement audience created"]
    assert kinds(environment, "heard.lookalike") == ["lookalike created"]


@pytest.mark.e2e
def test_a_name_is_changed_and_a_lookback_is_refused_with_both_ways_out(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    run(deployment, "bought")
    renamed = run(changed(BOUGHT.replace("Bought lately", "Bought this month")), "bought")
    assert metadata(renamed, FILLED)["done"] == "renamed"
    (made,) = at_spotify(sandbox).values()
    before = writes(sandbox)
    longer = changed(BOUGHT.replace("Bought lately", "Bought this month").replace(": 30", ": 180"))
    refused = said_by(run(longer, "bought"))
    assert "its lookback days are 30, and by the YAML 180. Nothing was changed. Put the YAML back; or" in refused
    assert writes(sandbox) == before
    assert [*at_spotify(sandbox).values()] == [made]
    assert kinds(environment, "bought") == ["web event audience created", "renamed"]


@pytest.mark.e2e
def test_a_data_set_that_is_not_there_is_told_with_those_there_are(environment: Path, sandbox: SandboxServer) -> None:
    assert environment
    refused = said_by(run(changed(BOUGHT.replace("Sandbox Web Shop", "Web Shop")), "bought"))
    assert f"There are: Sandbox Web Shop ({DEFAULTS.dataset_id}). Correct the YAML" in refused
    assert writes(sandbox) == 0


@pytest.mark.e2e
def test_the_watch_job_says_how_they_stand(deployment: Deployment, sandbox: SandboxServer) -> None:
    nothing_yet = watched(deployment)["bought"]
    assert not nothing_yet.passed
    assert "Nothing was sent yet. Materialize the audience." in str(nothing_yet.description)
    for audience in BOTH:
        run(deployment, audience)
    assert {name: each.passed for name, each in watched(deployment).items()} == {"bought": True, "heard": True}
    made = at_spotify(sandbox)["Bought lately"]
    sandbox.state.audiences.put(replace(made, forced_status="EMPTY"))
    empty = watched(deployment)["bought"]
    assert not empty.passed
    assert "EMPTY: Spotify found nobody, or too few people, whose events or ads fit." in str(empty.description)


@pytest.mark.e2e
def test_one_whose_yaml_is_gone_is_an_orphan_and_one_that_has_it_is_none(
    deployment: Deployment, environment: Path
) -> None:
    assert environment
    run(deployment, "bought")
    now = datetime.now(UTC)
    assert judge_orphans({"bought"}, PipelineHome(), now).passed
    gone = judge_orphans(set(), PipelineHome(), now)
    assert not gone.passed
    assert "retire bought --policy leave" in str(gone.description)


@pytest.mark.e2e
def test_without_its_journal_it_is_found_and_not_made_again(deployment: Deployment, sandbox: SandboxServer) -> None:
    run(deployment, "bought")
    journal = PipelineHome().journal
    made = journal.read("bought", DEFAULTS.ad_account_id).audience_id
    lose(journal, "bought", DEFAULTS.ad_account_id)
    assert metadata(run(deployment, "bought"), FILLED)["done"] == "unchanged"
    assert journal.read("bought", DEFAULTS.ad_account_id).audience_id == made
    assert len(at_spotify(sandbox)) == 1
