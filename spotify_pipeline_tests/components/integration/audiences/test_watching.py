"""Watching audiences at Spotify: each status has an outcome, waiting long is a warning, and looking costs little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from spotify_pipeline.components.audiences.checks.audience import TARGETABLE
from spotify_pipeline.components.audiences.schedules import WATCH_JOB
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, change_people, metadata

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
TWO = {"people": PEOPLE, "more": PEOPLE.replace("name: People", "name: More people")}


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load(TWO))


def watch(deployment: Deployment) -> dict[str, dg.AssetCheckEvaluation]:
    """The outcomes of the watch job's look at the audiences, by audience."""
    result = deployment.definitions.resolve_job_def(WATCH_JOB).execute_in_process(
        instance=deployment.instance, raise_on_error=False
    )
    assert result.success
    return {
        each.asset_key.path[0]: each for each in result.get_asset_check_evaluations() if each.check_name == TARGETABLE
    }


def show_as(sandbox: SandboxServer, status: str | None) -> None:
    """Hold the audience at Spotify in a status, whichever."""
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    sandbox.state.audiences.put(replace(audience, forced_status=status))


OUTCOMES = {
    "LIVE": (True, None, "LIVE: it can be targeted."),
    "LEARNING": (True, None, "LEARNING: Spotify takes up to three days."),
    "EMPTY": (False, ERROR, "EMPTY: Spotify matched none, or too few, of the people in the list."),
    "ARCHIVED": (False, ERROR, "ARCHIVED: The audience was archived at Spotify. Restore it in Ads Manager"),
    "HIBERNATING": (False, WARN, "HIBERNATING: a status that this version does not know"),
}


@pytest.mark.e2e
def test_c15_each_status_has_an_outcome(deployment: Deployment, sandbox: SandboxServer) -> None:
    assert deployment.run().success
    for status, (passed, severity, sentence) in OUTCOMES.items():
        show_as(sandbox, status)
        seen = watch(deployment)["people"]
        assert seen.passed is passed
        assert passed or seen.severity is severity
        assert sentence in str(seen.description)
        assert seen.metadata["status"].value == status


@pytest.mark.e2e
def test_c15_a_status_that_goes_backwards_is_judged_as_it_stands(
    deployment: Deployment, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    outcomes: list[bool] = []
    for status in ("BOOKABLE", "PROCESSING", "EMPTY", "BOOKABLE"):
        show_as(sandbox, status)
        outcomes.append(watch(deployment)["people"].passed)
    assert outcomes == [True, True, False, True]


@pytest.mark.e2e
def test_c15_no_status_keeps_a_list_from_being_replaced(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    assert deployment.run().success
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    for status in OUTCOMES:
        show_as(sandbox, status)
        change_people(environment, f"INSERT INTO crm.people VALUES ('{status}@example.com', true)")
        assert metadata(deployment.run(), "spotify_audience")["done"] == "replaced"
    assert [each.id for each in sandbox.state.audiences.of(DEFAULTS.ad_account_id)] == [audience.id]


@pytest.mark.e2e
def test_c16_waiting_for_more_than_three_days_is_a_warning_and_no_failure(
    deployment: Deployment, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    for hours, passed in ((71, True), (75, False)):
        since = datetime.now(UTC) - timedelta(hours=hours)
        sandbox.state.audiences.put(replace(audience, forced_status="PROCESSING", updated_at=since))
        seen = watch(deployment)["people"]
        assert seen.passed is passed
    assert seen.severity is WARN
    assert "PROCESSING for 75 hours; Spotify states 72. Ask Spotify's support" in str(seen.description)


@pytest.mark.e2e
def test_c16_one_look_costs_one_request_for_each_audience(deployment: Deployment, sandbox: SandboxServer) -> None:
    for audience in TWO:
        assert deployment.run(audience=audience).success
    before = len(sandbox.state.requests.after(0))
    assert set(watch(deployment)) == set(TWO)
    asked = [(each["method"], each["operation"]) for each in sandbox.state.requests.after(0)[before:]]
    assert asked == [("GET", "get_audience")] * len(TWO)


def test_c16_looks_are_at_least_fifteen_minutes_apart(load: Callable[..., dg.Definitions]) -> None:
    schedule = load({"people": PEOPLE}).resolve_schedule_def(WATCH_JOB)
    begin = datetime(2026, 3, 27, tzinfo=UTC)
    ticks = schedule_execution_time_iterator(begin.timestamp(), schedule.cron_schedule, "Europe/Stockholm")
    # Over a change to summer time, too.
    moments = [each.timestamp() for each in islice(ticks, 40)]
    assert min(later - earlier for earlier, later in pairwise(moments)) >= 15 * 60
