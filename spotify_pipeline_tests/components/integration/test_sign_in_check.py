"""The sign-in's age in Dagster: seen weeks before it ends, without a call, and without a token."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.schedules import WATCH_JOB
from spotify_pipeline.components.sign_in_check import SIGN_IN_LASTS, authorization_key, sign_in_result
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.spotify import Authorization, Secret, SignInKind, SignInState, TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.runs import PEOPLE, PROJECT, Deployment
from spotify_pipeline_tests.home.here import home_here
from spotify_pipeline_tests.spotify.from_variables import spotify_settings_of

DAY = 86_400.0
NORDIC = PEOPLE.replace("name: People", "name: Nordic\n  authorization: nordic")
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def signed_in(days_ago: float, *, label: str = "default", refused: bool = False) -> None:
    """Put a sign-in of that age into the token store."""
    settings = spotify_settings_of(os.environ)
    with TokenStore(StateStore.in_home(home_here())).exclusive(sleep=time.sleep) as tokens:
        tokens.save(
            Authorization(
                issuer=settings.accounts_url,
                client_id=settings.client_id,
                label=label,
                refresh_token=Secret(DEFAULTS.refresh_token),
                authorized_at=time.time() - days_ago * DAY,
                needs_sign_in=refused,
            )
        )


@pytest.fixture
def without_seed(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SPOTIFY_REFRESH_TOKEN")
    return environment


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], without_seed: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE}))


def look(deployment: Deployment) -> dg.AssetCheckEvaluation:
    """The outcome of the check, in a run of the watch job."""
    result = deployment.definitions.resolve_job_def(WATCH_JOB).execute_in_process(
        instance=deployment.instance, raise_on_error=False
    )
    (evaluation,) = (each for each in result.get_asset_check_evaluations() if each.check_name == SIGN_IN_LASTS)
    return evaluation


@pytest.mark.parametrize(
    ("days_ago", "passed", "severity", "sentence"),
    [
        (10, True, WARN, "The sign-in ends on "),
        (157, False, WARN, "Run `spotify-pipeline login` before then."),
        (190, False, ERROR, "six months after the user agreed. Run `spotify-pipeline login`."),
    ],
)
def test_o15_five_months_after_the_sign_in_it_warns_and_after_six_it_fails(
    deployment: Deployment, days_ago: int, passed: bool, severity: dg.AssetCheckSeverity, sentence: str
) -> None:
    signed_in(days_ago)
    seen = look(deployment)
    assert (seen.passed, sentence in str(seen.description)) == (passed, True)
    assert passed or seen.severity is severity
    days_left = seen.metadata["default: days left"].value
    assert isinstance(days_left, int | float)
    # Six months are 181 to 184 days.
    assert 181 - days_ago - 1 <= days_left <= 184 - days_ago


def test_o15_nobody_signed_in_is_an_error_with_the_command(deployment: Deployment) -> None:
    seen = look(deployment)
    assert (seen.passed, seen.severity) == (False, ERROR)
    assert "Run `spotify-pipeline login`." in str(seen.description)


def test_o15_a_refused_sign_in_is_an_error_however_young_it_is(deployment: Deployment) -> None:
    signed_in(1, refused=True)
    seen = look(deployment)
    assert (seen.passed, seen.severity) == (False, ERROR)


def test_o15_looking_at_the_age_asks_nobody_and_shows_no_token(
    deployment: Deployment, sandbox: SandboxServer, capfd: pytest.CaptureFixture[str]
) -> None:
    signed_in(170)
    before = len(sandbox.state.requests.after(0))
    seen = look(deployment)
    assert len(sandbox.state.requests.after(0)) == before
    printed = capfd.readouterr()
    assert DEFAULTS.refresh_token not in f"{seen}{printed.out}{printed.err}"


def test_o15_the_sign_in_stands_in_the_asset_graph_beside_the_audiences(deployment: Deployment) -> None:
    node = deployment.definitions.resolve_asset_graph().get(authorization_key(PROJECT))
    assert not node.is_materializable
    assert node.group_name == "spotify"
    assert {check.name for check in node.check_keys} == {SIGN_IN_LASTS}


@pytest.mark.e2e
def test_o15_each_sign_in_that_an_audience_names_is_looked_at(
    load: Callable[..., dg.Definitions], without_seed: Path
) -> None:
    signed_in(10)
    signed_in(190, label="nordic")
    seen = look(Deployment(load({"people": PEOPLE, "nordic": NORDIC})))
    assert (seen.passed, seen.severity) == (False, ERROR)
    assert "Run `spotify-pipeline login --label nordic`." in str(seen.description)
    assert seen.metadata["default: state"].value == "ok"


@pytest.mark.e2e
def test_an_audience_is_mirrored_with_the_sign_in_that_its_yaml_names(
    load: Callable[..., dg.Definitions], without_seed: Path
) -> None:
    signed_in(10, label="nordic")
    deployment = Deployment(load({"people": PEOPLE, "nordic": NORDIC}))
    assert deployment.run(audience="nordic").success
    assert not deployment.run(audience="people").success


@pytest.mark.e2e
def test_o15_a_run_warns_of_a_sign_in_that_ends_soon(deployment: Deployment) -> None:
    signed_in(160)
    result = deployment.run()
    assert result.success
    warnings = [
        each.user_message for each in deployment.instance.all_logs(result.run_id) if each.level == logging.WARNING
    ]
    assert any("Run `spotify-pipeline login` before then." in message for message in warnings)


def test_of_several_sign_ins_the_worst_decides() -> None:
    def state(kind: SignInKind, days: int) -> SignInState:
        return SignInState(kind=kind, ends_at=datetime(2027, 1, 1, tzinfo=UTC), days_left=days, sentence=f"{days}.")

    ok, soon, ended = state(SignInKind.OK, 99), state(SignInKind.ENDS_SOON, 9), state(SignInKind.ENDED, -9)
    both = sign_in_result({"a": ok, "b": soon})
    assert (both.passed, both.severity, both.description) == (False, WARN, "a: 99. b: 9.")
    assert sign_in_result({"a": ended, "b": soon}).severity is ERROR
    assert sign_in_result({"a": ok}).passed
