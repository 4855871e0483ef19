"""Lists that guards hold back, in Dagster: what a person sees, what they can do, and that Spotify is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.mirror.alerts import Alert, AlertKind
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    checks,
    digests_at_spotify,
    evaluations,
    metadata,
    said_by,
    writes,
)
from spotify_pipeline_tests.mirror.guards.names import GuardName
from spotify_pipeline_tests.state_edits import keep

HALF = "DELETE FROM crm.people WHERE email IN (SELECT email FROM crm.people WHERE agreed LIMIT 15)"
OTHERS = "UPDATE crm.people SET email = 'other-' || email"


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE}))


def told(alerts: list[Alert]) -> list[tuple[AlertKind, tuple[str, ...]]]:
    return [(each.kind, each.codes) for each in alerts]


def blocked_list(deployment: Deployment, environment: Path, statement: str = HALF) -> str:
    """A first list sent, and a second one that a guard holds back; the digest of its file."""
    assert deployment.run().success
    change_people(environment, statement)
    result = deployment.run()
    assert not result.success
    return str(evaluations(result, GUARDS)["customer_list"].metadata["file SHA-256"].value)


@pytest.mark.parametrize(
    ("statement", "guard"),
    [
        (HALF, GuardName.SHRINK),
        (OTHERS, GuardName.CHURN),
        (
            "INSERT INTO crm.people SELECT 'new' || i || '@example.com', true FROM range(61) r(i)",
            GuardName.GROWTH,
        ),
        ("UPDATE crm.people SET email = 'no address' WHERE email LIKE '%5@%' OR email LIKE '%7@%'", GuardName.INVALID),
    ],
)
def test_w02_w03_w04_w07_a_list_too_unlike_the_live_one_is_held_back_before_the_audience_is_asked_for(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, statement: str, guard: GuardName
) -> None:
    assert deployment.run().success
    before, live = writes(sandbox), digests_at_spotify(sandbox)
    change_people(environment, statement)
    result = deployment.run()
    assert not result.success
    evaluation = evaluations(result, GUARDS)["customer_list"]
    assert not evaluation.passed
    assert f"[{guard}]" in str(evaluation.description)
    assert "Nothing was sent; the audience at Spotify is as it was." in str(evaluation.description)
    assert f"| {guard} | **blocked** |" in str(evaluation.metadata["guards"].value)
    assert (writes(sandbox), digests_at_spotify(sandbox)) == (before, live)


def test_w02_the_audience_asset_shows_its_own_decision_although_it_fails(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    blocked_list(deployment, environment)
    before = writes(sandbox)
    result = deployment.run("spotify_audience")
    assert not result.success
    assert "[shrink]" in said_by(result)
    assert checks(result)[f"spotify_audience:{GUARDS}"] is False
    key = dg.AssetCheckKey(dg.AssetKey(["people", "spotify_audience"]), GUARDS)
    (record,) = deployment.instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).values()
    assert record.run_id == result.run_id
    assert record.status.value == "FAILED"
    assert writes(sandbox) == before


def test_a_list_approved_in_the_run_config_is_sent_once_and_says_who_approved(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    digest = blocked_list(deployment, environment)
    approve = {"approve": {"file_digest": digest[:12], "reason": "The spring clean-up", "approved_by": "Kim"}}
    result = deployment.run("spotify_audience", send=approve)
    assert result.success
    assert len(digests_at_spotify(sandbox)) == 15
    shown = evaluations(result, GUARDS)["spotify_audience"]
    assert shown.passed
    assert "Overridden: shrink. Kim approved this list: The spring clean-up" in str(shown.description)
    assert "| shrink | overridden |" in str(shown.metadata["guards"].value)
    (receipt,) = metadata(result, "spotify_audience")["receipts"]  # pyright: ignore[reportGeneralTypeIssues]
    assert receipt["approval"]["by"] == "Kim"
    again = deployment.run("spotify_audience", send=approve)
    assert metadata(again, "spotify_audience")["done"] == "unchanged"


@pytest.mark.parametrize(
    ("reason", "approved_by", "said"),
    [
        ("ok!", "Kim", "Give a reason of at least 10 characters"),
        ("             ", "Kim", "Give a reason of at least 10 characters"),
        ("The spring clean-up", "  ", "Say who decides"),
        ("The spring \x1b[2Jclean-up", "Kim", "The reason holds control characters"),
        ("The spring clean-up", "Kim\u202e", "The name of who decides holds control characters"),
    ],
)
@pytest.mark.parametrize("way", ["approve", "rollback"])
def test_w10_a_run_config_needs_what_the_command_needs(
    deployment: Deployment,
    environment: Path,
    sandbox: SandboxServer,
    reason: str,
    approved_by: str,
    said: str,
    way: str,
) -> None:
    digest = blocked_list(deployment, environment)
    before = writes(sandbox)
    word = {"reason": reason, "approved_by": approved_by, **({"file_digest": digest} if way == "approve" else {})}
    assert said in said_by(deployment.run("spotify_audience", send={way: word}))
    assert writes(sandbox) == before


def test_w10_w11_an_approval_of_one_file_or_audience_does_nothing_for_another(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    deployment = Deployment(
        load({"people": PEOPLE, "others": PEOPLE.replace("name: People", "name: Others")}),
    )
    digest = blocked_list(deployment, environment)
    before = writes(sandbox)
    approve = {"approve": {"file_digest": "f" * 64, "reason": "any list will do", "approved_by": "Kim"}}
    said = said_by(deployment.run("spotify_audience", send=approve))
    assert f"approves a list with digest {'f' * 12}, and the list of people for once has {digest[:12]}" in said
    change_people(environment, "DELETE FROM crm.people WHERE email = 'person39@example.com'")
    deployment.run("identifiers", "customer_list")
    approve = {"approve": {"file_digest": digest, "reason": "the list before", "approved_by": "Kim"}}
    assert "Nothing was sent." in said_by(deployment.run("spotify_audience", send=approve))
    assert writes(sandbox) == before


def test_w08_a_live_list_that_is_not_kept_any_more_needs_an_approval(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    (lists,) = (environment / "home" / "data" / "customer_lists").iterdir()
    for file in (lists / "once").iterdir():
        file.unlink()
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    result = deployment.run()
    assert not result.success
    assert "[history]" in str(evaluations(result, GUARDS)["customer_list"].description)


def test_w14_five_blocked_runs_are_one_alert_and_a_recovery_is_another(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    alerts = PipelineHome().alerts
    digest = blocked_list(deployment, environment)
    for _ in range(4):
        deployment.run(quiet=True)
    (due,) = alerts.due()
    assert told([due]) == [(AlertKind.BLOCKED, ("shrink",))]
    alerts.telling(due)
    alerts.told(due)
    deployment.run(quiet=True)
    assert alerts.due() == []
    change_people(environment, OTHERS)
    deployment.run(quiet=True)
    (changed,) = alerts.due()
    assert "churn" in changed.codes
    change_people(environment, "UPDATE crm.people SET email = replace(email, 'other-', '')")
    deployment.run("identifiers", "customer_list", quiet=True)
    approve = {"approve": {"file_digest": digest, "reason": "right after all", "approved_by": "Kim"}}
    assert deployment.run("spotify_audience", send=approve).success
    assert alerts.due() == [] or alerts.due()[0].resolved
    assert alerts.standing() == []


def test_w09_the_receipt_says_by_which_limits_and_with_which_decision(deployment: Deployment) -> None:
    shown = metadata(deployment.run(), "spotify_audience")
    (receipt,) = shown["receipts"]  # pyright: ignore[reportGeneralTypeIssues]
    assert shown["receipt"] == 1
    assert receipt["decision"]["limits"]["max_shrink"] == 0.3
    assert len(receipt["decision"]["findings"]) == len(GuardName)


def test_the_prediction_is_a_warning_where_the_ad_account_is_not_configured_yet(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOTIFY_AD_ACCOUNT_ID")
    result = deployment.run("identifiers", "customer_list")
    assert result.success
    evaluation = evaluations(result, GUARDS)["customer_list"]
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "SPOTIFY_AD_ACCOUNT_ID is not set" in str(evaluation.description)


def test_the_live_list_outlives_a_new_one_for_the_same_snapshot(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    blocked_list(deployment, environment)
    kept = PipelineHome().snapshots.lists("people")
    live = PipelineHome().journal.read("people", DEFAULTS.ad_account_id).file_sha256
    assert [manifest.list_rows for _, manifest in kept] == [15, 30]
    assert live == kept[1][1].sha256
    deployment.run(quiet=True)
    assert len(PipelineHome().snapshots.lists("people")) == 2


def test_a_list_that_did_not_change_is_sent_again_once_spotify_has_had_it_for_max_age(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    deployment = Deployment(load({"people": PEOPLE + "  max_age: 30d\n"}))
    assert deployment.run().success
    assert metadata(deployment.run(), "spotify_audience")["done"] == "unchanged"
    journal = PipelineHome().journal
    long_ago = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    keep(journal, "people", replace(journal.read("people", DEFAULTS.ad_account_id), accepted_at=long_ago))
    before = writes(sandbox)
    assert metadata(deployment.run(), "spotify_audience")["done"] == "replaced"
    assert writes(sandbox) > before
    assert metadata(deployment.run(), "spotify_audience")["done"] == "unchanged"


@pytest.mark.parametrize("stale", ["now() - INTERVAL 37 HOUR", "NULL"])
def test_w06_a_segment_that_nothing_fills_any_more_is_not_sent(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer, stale: str
) -> None:
    yaml = PEOPLE.replace("min_rows: 3", "min_rows: 3, max_source_age: 36h").replace(
        "consent_column: agreed", "consent_column: agreed, updated_at: loaded_at"
    )
    deployment = Deployment(load({"people": yaml}))
    change_people(environment, "ALTER TABLE crm.people ADD COLUMN loaded_at TIMESTAMPTZ")
    change_people(environment, "UPDATE crm.people SET loaded_at = now()")
    assert deployment.run().success
    before = writes(sandbox)
    change_people(environment, f"UPDATE crm.people SET loaded_at = {stale}")
    result = deployment.run()
    assert not result.success
    assert "[stale source]" in str(evaluations(result, GUARDS)["customer_list"].description)
    assert "[stale source]" in said_by(deployment.run("spotify_audience"))
    assert writes(sandbox) == before


def test_w10_a_change_approved_in_the_run_config_holds_within_its_share_and_once(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    blocked_list(deployment, environment)
    before = writes(sandbox)

    def send(**word: object) -> str | None:
        approve = {"approve": {"reason": "The spring clean-up", "approved_by": "Kim", **word}}
        result = deployment.run("spotify_audience", send=approve)
        return None if result.success else said_by(result)

    assert "approves nothing, or two things" in str(send())
    assert "approves nothing, or two things" in str(send(file_digest="f" * 64, within={"shrink": 0.6}))
    assert "which is less than what blocks" in str(send(within={"shrink": 0.4}))
    assert writes(sandbox) == before
    assert send(within={"shrink": 0.6}) is None
    assert len(digests_at_spotify(sandbox)) == 15
    change_people(
        environment, "DELETE FROM crm.people WHERE email IN (SELECT email FROM crm.people WHERE agreed LIMIT 7)"
    )
    assert not deployment.run("identifiers", "customer_list").success
    assert "was used already" in str(send(within={"shrink": 0.6}))
