"""What is looked at when nothing runs: files kept too long, erasures that wait, audiences left behind; who is told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.privacy import (
    ERASURES_DONE,
    RECEIPTS_WHOLE,
    RETENTION_KEPT,
    judge_erasures,
)
from spotify_pipeline.components.audiences.insights.overlap import NO_ORPHANS, judge_orphans
from spotify_pipeline.components.audiences.schedules import WATCH_JOB
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.resources import AlertWebhook, PipelineHome
from spotify_pipeline.mirror import RemovalPolicy, retire
from spotify_pipeline.mirror.alerts import AlertKind
from spotify_pipeline.state import tables
from spotify_pipeline_tests.components.integration.sources.test_suppressions import forget
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, evaluations, metadata
from spotify_pipeline_tests.state_edits import tampering

OTHERS = PEOPLE.replace("name: People", "name: Others")


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE, "others": OTHERS}))


def watch(deployment: Deployment) -> dg.ExecuteInProcessResult:
    return deployment.definitions.resolve_job_def(WATCH_JOB).execute_in_process(
        instance=deployment.instance, raise_on_error=False
    )


def tick(deployment: Deployment) -> dg.SensorResult | dg.SkipReason | None:
    sensor = deployment.definitions.resolve_sensor_def("spotify_alerts")
    context = dg.build_sensor_context(
        instance=deployment.instance,
        resources={"spotify_home": PipelineHome(), "spotify_alert_webhook": AlertWebhook()},
        definitions=deployment.definitions,
    )
    return sensor(context)  # pyright: ignore[reportReturnType]


@pytest.mark.e2e
def test_p08_identifiers_that_are_too_old_are_deleted_by_the_look_that_finds_them(
    deployment: Deployment, environment: Path
) -> None:
    assert deployment.run().success
    (file,) = (environment / "home" / "data" / "identifiers" / "people").glob("*.parquet")
    week_ago = time.time() - 8 * 86_400
    os.utime(file, (week_ago, week_ago))
    assert evaluations(watch(deployment), RETENTION_KEPT)["spotify_audience"].passed
    assert not file.exists()


@pytest.mark.e2e
def test_receipts_that_are_not_whole_are_told_by_the_watch(deployment: Deployment, environment: Path) -> None:
    assert deployment.run(quiet=True).success
    assert evaluations(watch(deployment), RECEIPTS_WHOLE)["spotify_audience"].passed
    with tampering(PipelineHome().store) as transaction:
        transaction.execute(tables.receipt.delete())
    told = evaluations(watch(deployment), RECEIPTS_WHOLE)["spotify_audience"]
    assert not told.passed
    assert "Receipt 1 is missing." in str(told.description)


@pytest.mark.e2e
def test_p15_an_erasure_that_waits_is_told_a_week_before_its_deadline_and_when_it_has_passed(
    deployment: Deployment,
) -> None:
    assert deployment.run().success
    forget("email:person1@example.com")
    (chain,) = [each for each in audience_definitions(deployment.definitions) if each.folder == "people"]
    home, now = PipelineHome(), datetime.now(UTC)
    assert judge_erasures(chain, home, now).passed
    soon = judge_erasures(chain, home, now + timedelta(days=24))
    assert (soon.passed, soon.severity) == (False, dg.AssetCheckSeverity.WARN)
    (alert,) = home.alerts.due()
    assert (alert.kind, alert.codes) == (AlertKind.ERASURE_DUE, ("soon",))
    late = judge_erasures(chain, home, now + timedelta(days=31))
    assert late.severity is dg.AssetCheckSeverity.ERROR
    assert "Overdue: 1 erasure request waits for audience people" in str(late.description)
    assert deployment.run().success
    assert evaluations(watch(deployment), ERASURES_DONE)["spotify_audience"].passed


@pytest.mark.e2e
def test_p16_an_audience_without_a_file_is_told_until_somebody_says_what_is_to_become_of_it(
    load: Callable[..., dg.Definitions], deployment: Deployment, environment: Path
) -> None:
    for audience in ("people", "others"):
        assert deployment.run(audience=audience).success
    without = Deployment(load({"people": PEOPLE}))
    found = evaluations(watch(without), NO_ORPHANS)["audience_overlap"]
    assert not found.passed
    assert "Audience others is at Spotify, with the people it last had" in str(found.description)
    assert [(each.audience, each.kind) for each in PipelineHome().alerts.due()] == [("others", AlertKind.ORPHAN)]
    assert evaluations(watch(deployment), NO_ORPHANS)["audience_overlap"].passed
    assert PipelineHome().alerts.standing() == []


@pytest.mark.e2e
def test_p16_an_audience_that_was_left_at_spotify_is_told_once_an_erasure_waits_for_it(
    load: Callable[..., dg.Definitions], deployment: Deployment
) -> None:
    for audience in ("people", "others"):
        assert deployment.run(audience=audience).success
    home = PipelineHome()
    ((account, _), *_) = home.journal.known()
    retire(
        None,
        home.journal,
        audience="people",
        ad_account_id=account,
        policy=RemovalPolicy.LEAVE,
        reason="The campaign is over.",
        by="Kim",
    )
    without = Deployment(load({"others": OTHERS}))
    assert evaluations(watch(without), NO_ORPHANS)["audience_overlap"].passed
    forget("email:person1@example.com")
    found = evaluations(watch(without), NO_ORPHANS)["audience_overlap"]
    assert "an erasure waits for it: people who asked to be forgotten may still be in it" in str(found.description)
    assert [(each.audience, each.codes) for each in home.alerts.standing()] == [("people", ("erasure waits",))]


@pytest.mark.e2e
def test_p15_an_erasure_that_waits_for_an_audience_without_a_file_is_told_before_its_deadline_and_when_it_is_done(
    deployment: Deployment,
) -> None:
    assert deployment.run().success
    forget("email:person1@example.com")
    home, now = PipelineHome(), datetime.now(UTC)
    for days, codes in ((0, set()), (24, {("soon",)}), (31, {("overdue",)})):
        judge_orphans({"others"}, home, now + timedelta(days=days))
        told = [each for each in home.alerts.standing() if each.kind is AlertKind.ERASURE_DUE]
        assert {each.codes for each in told} == codes
    assert "Delete it: spotify-pipeline retire people --policy delete" in told[0].sentence
    for _ in range(2):  # the first finds that the request is in force
        home.ledger.done("people", decided_at=datetime.now(UTC))
    judge_orphans({"others"}, home, now + timedelta(days=31))
    assert [each.kind for each in home.alerts.standing()] == [AlertKind.ORPHAN]


@pytest.mark.e2e
def test_p08_old_identifiers_of_an_audience_without_a_file_are_deleted_too(
    deployment: Deployment, environment: Path
) -> None:
    assert deployment.run().success
    (file,) = (environment / "home" / "data" / "identifiers" / "people").glob("*.parquet")
    judge_orphans({"others"}, PipelineHome(), datetime.now(UTC))
    assert file.exists()
    judge_orphans({"others"}, PipelineHome(), datetime.now(UTC) + timedelta(days=8))
    assert not file.exists()


@pytest.mark.e2e
def test_p08_what_a_killed_plan_left_is_deleted(deployment: Deployment, environment: Path) -> None:
    left = environment / "home" / "plan" / ".people.0123456789abcdef.work"
    left.mkdir(parents=True)
    assert deployment.run().success
    assert evaluations(watch(deployment), RETENTION_KEPT)["spotify_audience"].passed
    assert not left.exists()


@pytest.mark.e2e
def test_p16_the_last_audience_that_is_taken_out_is_noticed_too(
    load: Callable[..., dg.Definitions], deployment: Deployment
) -> None:
    assert deployment.run().success
    nothing_left = Deployment(load({}))
    assert not evaluations(watch(nothing_left), NO_ORPHANS)["audience_overlap"].passed


@pytest.mark.e2e
def test_the_overlap_of_two_audiences_is_exact_and_small_counts_are_words(deployment: Deployment) -> None:
    for audience in ("people", "others"):
        assert deployment.run(audience=audience).success
    shown = str(metadata(watch(deployment), "audience_overlap")["overlap"])
    assert "| others | 30 |  | 30 (100%) |" in shown


def test_w14_the_sensor_tells_each_change_once(deployment: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    PipelineHome().alerts.state("people", AlertKind.BLOCKED, ["shrink"], "It shrank.", datetime.now(UTC))
    assert "1 alerts told" in str(tick(deployment))
    assert "There is nothing to tell." in str(tick(deployment))
    PipelineHome().alerts.state("people", AlertKind.BLOCKED, [], "It is mirrored again.", datetime.now(UTC))
    assert "1 alerts told" in str(tick(deployment))
    sensor = deployment.definitions.resolve_sensor_def("spotify_alerts")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
