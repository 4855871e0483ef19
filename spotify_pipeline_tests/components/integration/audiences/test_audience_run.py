"""An audience's chain, run by Dagster against a local Spotify: what a person in the UI sees, and what Spotify gets."""

from __future__ import annotations

import hashlib
import logging
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.checks.audience import CELLS_ARE_DIGESTS, COUNTS_ADD_UP, TARGETABLE
from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.audiences.checks.privacy import ERASURES_DONE, RECEIPTS_WHOLE, RETENTION_KEPT
from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer, named_fault
from spotify_pipeline_tests.components.runs import (
    ASSETS,
    PEOPLE,
    Deployment,
    change_people,
    checks,
    metadata,
    said_by,
    writes,
)


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE}))


def test_the_people_who_agreed_reach_spotify_digest_for_digest(deployment: Deployment, sandbox: SandboxServer) -> None:
    result = deployment.run()
    assert result.success
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    (received,) = sandbox.state.received_lists.of(audience.id)
    lines = sandbox.state.list_file(received.id).read_text().splitlines()
    agreed = [f"person{i}@example.com" for i in range(40) if i % 4 != 0]
    assert lines[0] == "EMAIL_ID_SHA256"
    assert lines[1:] == sorted(hashlib.sha256(email.encode()).hexdigest() for email in agreed)


@pytest.mark.e2e
def test_the_metadata_tells_the_funnel_and_where_the_audience_stands(deployment: Deployment) -> None:
    result = deployment.run()
    shown = metadata(result, "spotify_audience")
    assert (shown["people read"], shown["people kept"], shown["rows sent"], shown["digests: email"]) == (40, 30, 30, 30)
    assert (shown["done"], shown["status"], shown["name"]) == ("created", "PROCESSING", "People")
    assert str(shown["in Ads Manager"]).startswith("http://127.0.0.1:")
    assert "| dropped: no consent | fewer than 20 |" in str(metadata(result, "customer_list")["funnel"])
    assert metadata(result, "identifiers")["dagster/row_count"] == 30


def test_all_checks_pass_on_a_sound_list(deployment: Deployment) -> None:
    assert checks(deployment.run()) == {
        f"identifiers:{COUNTS_ADD_UP}": True,
        f"customer_list:{COUNTS_ADD_UP}": True,
        f"customer_list:{GUARDS}": True,
        f"spotify_audience:{CELLS_ARE_DIGESTS}": True,
        f"spotify_audience:{GUARDS}": True,
        f"spotify_audience:{TARGETABLE}": True,
        f"spotify_audience:{RETENTION_KEPT}": True,
        f"spotify_audience:{ERASURES_DONE}": True,
        f"spotify_audience:{RECEIPTS_WHOLE}": True,
    }


@pytest.mark.parametrize("statement", ["DELETE FROM crm.people", "UPDATE crm.people SET agreed = NULL"])
def test_w01_an_emptied_segment_fails_the_run_and_leaves_the_live_audience(
    deployment: Deployment, sandbox: SandboxServer, environment: Path, statement: str
) -> None:
    deployment.run()
    before = writes(sandbox)
    change_people(environment, statement)
    result = deployment.run()
    assert not result.success
    assert checks(result)[f"customer_list:{GUARDS}"] is False
    logged = [each.user_message for each in deployment.instance.all_logs(result.run_id) if each.level == logging.ERROR]
    assert any("Nothing was sent; the audience at Spotify is as it was." in message for message in logged)
    assert writes(sandbox) == before


@pytest.mark.e2e
def test_the_audience_asset_refuses_by_itself_when_only_it_is_materialized(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    change_people(environment, "DELETE FROM crm.people WHERE email <> 'person1@example.com'")
    deployment.run("identifiers", "customer_list")
    result = deployment.run("spotify_audience")
    said = said_by(result)
    assert "The list has fewer than 20 rows and at least 3 are needed" in said
    assert "Nothing was sent; the audience at Spotify is as it was." in said
    assert writes(sandbox) == 0


def test_without_a_list_the_audience_asset_says_what_to_materialize_first(deployment: Deployment) -> None:
    assert "people/customer_list" in said_by(deployment.run("spotify_audience"))


@pytest.mark.e2e
def test_a_second_run_replaces_the_list_of_the_same_audience(
    deployment: Deployment, sandbox: SandboxServer, environment: Path
) -> None:
    deployment.run()
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    result = deployment.run()
    assert metadata(result, "spotify_audience")["done"] == "replaced"
    assert len(sandbox.state.audiences.of(DEFAULTS.ad_account_id)) == 1


@pytest.mark.e2e
def test_the_targetable_check_follows_the_audience(deployment: Deployment, sandbox: SandboxServer) -> None:
    deployment.run()
    check = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(["people", "spotify_audience"]), TARGETABLE))
    job = dg.Definitions.merge(
        deployment.definitions, dg.Definitions(jobs=[dg.define_asset_job("ask", selection=check)])
    ).resolve_job_def("ask")

    def ask() -> dg.AssetCheckEvaluation:
        (evaluation,) = job.execute_in_process(instance=deployment.instance).get_asset_check_evaluations()
        return evaluation

    assert ask().passed
    assert "PROCESSING" in str(ask().description)
    sandbox.state.advance_clock(12 * 3600)
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    assert "can be targeted" in str(ask().description)
    sandbox.state.audiences.delete(audience.id)
    gone = ask()
    assert not gone.passed
    assert f"Audience {audience.id} no longer exists at Spotify" in str(gone.description)


@pytest.mark.e2e
@pytest.mark.parametrize(("states", "warned"), [("size", True), ("hash", False)])
def test_u09_an_upload_proven_by_its_size_alone_is_a_warning_in_the_run_s_log(
    deployment: Deployment, sandbox: SandboxServer, states: str, warned: bool
) -> None:
    sandbox.state.faults.script(named_fault("F13", states=states, kind="any", times="always"))
    result = deployment.run()
    assert result.success
    assert metadata(result, "spotify_audience")["storage confirmed size and checksum"] is not warned
    logged = [e.user_message for e in deployment.instance.all_logs(result.run_id) if e.level == logging.WARNING]
    assert any("stated the list's size and no checksum" in message for message in logged) is warned


def test_a_segment_that_is_not_there_says_so(deployment: Deployment, environment: Path) -> None:
    change_people(environment, "DROP TABLE crm.people")
    assert "The warehouse has no table or view crm.people" in said_by(deployment.run("identifiers"))


@pytest.mark.e2e
def test_an_unknown_column_of_a_table_is_said_with_those_that_exist(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    deployment = Deployment(load({"people": PEOPLE.replace("{email: email}", "{email: e_mail}")}))
    assert "crm.people has no column e_mail. It has: email, agreed." in said_by(deployment.run("identifiers"))


def test_a_missing_warehouse_says_which_variable_to_set(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(tmp_path / "nowhere.duckdb"))
    assert "set SPOTIFY_PIPELINE_WAREHOUSE" in said_by(deployment.run("identifiers"))


def test_a_warehouse_that_cannot_be_read_says_which_variable_to_set(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(tmp_path))
    said = said_by(deployment.run("identifiers"))
    assert said.startswith(f"The warehouse {tmp_path} cannot be read (Is a directory).")
    assert "Set SPOTIFY_PIPELINE_WAREHOUSE to a DuckDB file" in said


def test_a_file_that_is_no_warehouse_is_refused_at_once(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("this is no database")
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(tmp_path / "notes.txt"))
    assert "notes.txt is not a DuckDB database" in said_by(deployment.run("identifiers"))


@pytest.mark.e2e
def test_missing_credentials_are_one_sentence_with_the_next_step(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.run("identifiers", "customer_list")
    monkeypatch.delenv("SPOTIFY_CLIENT_ID")
    assert said_by(deployment.run("spotify_audience")).startswith("SPOTIFY_CLIENT_ID is not set.")


def test_a_revoked_sign_in_says_to_sign_in_again(deployment: Deployment, sandbox: SandboxServer) -> None:
    for grant in sandbox.state.grants.all():
        sandbox.state.grants.delete(grant.id)
    for token in sandbox.state.refresh_tokens.all():
        sandbox.state.refresh_tokens.delete(token.id)
    said = said_by(deployment.run())
    assert "spotify-pipeline login" in said
    assert DEFAULTS.refresh_token not in said


@pytest.mark.e2e
def test_terms_not_accepted_says_where_to_accept_them(deployment: Deployment, sandbox: SandboxServer) -> None:
    sandbox.state.terms_accepted = False
    assert "https://adsmanager.spotify.com/api-terms" in said_by(deployment.run())


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("account", "sentence"),
    [(DEFAULTS.viewer_ad_account_id, "AD_ACCOUNT_CONTRIBUTOR"), ("11111111-1111-4111-8111-111111111111", "ad account")],
)
def test_an_ad_account_that_may_not_be_written_to_says_what_to_ask_for(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, account: str, sentence: str
) -> None:
    monkeypatch.setenv("SPOTIFY_AD_ACCOUNT_ID", account)
    assert sentence in said_by(deployment.run())


@pytest.mark.e2e
def test_a_window_that_is_not_open_is_not_built(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    deployment = Deployment(load({"people": PEOPLE.replace("cadence: once", "cadence: {every: day}")}))
    newest = CadenceConfig(every="day").newest_partition(datetime.now(UTC))
    assert deployment.run(partition=newest).success
    before = writes(sandbox)
    for asset in ASSETS:
        said = said_by(deployment.run(asset, partition="2026-01-05"))
        assert f"Partition 2026-01-05 of people is not the one that is open ({newest})" in said
    assert writes(sandbox) == before


@pytest.mark.e2e
def test_p09_everything_below_the_home_is_private(deployment: Deployment, environment: Path) -> None:
    deployment.run()
    below = list((environment / "home").rglob("*"))
    assert any(path.name == "customer_list.csv" for path in below)
    for path in below:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.e2e
def test_old_lists_are_dropped_and_identifiers_kept_for_the_newest_only(
    load: Callable[..., dg.Definitions], environment: Path
) -> None:
    deployment = Deployment(load({"people": PEOPLE + "  retain: {customer_lists: 1}\n"}))
    deployment.run()
    # An older snapshot of another cadence, whose key sorts after the date of today.
    lists = environment / "home" / "data" / "customer_lists" / "people"
    (lists / "once").rename(lists / "zzz")
    manifest = lists / "zzz" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"snapshot": "once"', '"snapshot": "zzz"'))
    deployment.run()
    assert [path.name for path in lists.iterdir()] == ["once"]


@pytest.mark.e2e
def test_a_list_made_by_other_settings_is_not_sent(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    everybody = PEOPLE.replace("consent_column: agreed", 'consent: {not_required: "a test of the settings"}')
    before = Deployment(load({"people": everybody}))
    assert before.run("identifiers", "customer_list").success
    after = Deployment(load({"people": PEOPLE}))
    for asset in ("customer_list", "spotify_audience"):
        assert "Materialize people/identifiers and what follows it again" in said_by(after.run(asset))
    assert writes(sandbox) == 0
    after.run("identifiers", "customer_list")
    taller = Deployment(load({"people": PEOPLE + "  layout: long\n"}))
    assert "Materialize people/customer_list and what follows" in said_by(taller.run("spotify_audience"))
    assert writes(sandbox) == 0


@pytest.mark.e2e
def test_p01_p02_no_raw_value_and_no_secret_in_anything_a_run_leaves_behind(
    load: Callable[..., dg.Definitions],
    environment: Path,
    sandbox: SandboxServer,
    one_machine: dg.DagsterInstance,
    capfd: pytest.CaptureFixture[str],
) -> None:
    canaries = "SELECT 'canary-' || i || '@example.com', true FROM range(50) r(i)"
    change_people(environment, f"INSERT INTO crm.people {canaries}")
    definitions = load(
        {"people": PEOPLE, "broken": PEOPLE.replace("crm.people", "crm.broken").replace("name: People", "name: Broken")}
    )
    change_people(
        environment,
        "CREATE VIEW crm.broken AS SELECT CAST(CAST(email AS INTEGER) AS VARCHAR) AS email, agreed FROM crm.people",
    )
    deployment = Deployment(definitions, one_machine)
    assert deployment.run().success
    assert not deployment.run(audience="broken").success
    sandbox.state.terms_accepted = False
    assert not deployment.run().success
    printed = capfd.readouterr()
    left = [printed.out.encode(), printed.err.encode()]
    left += [path.read_bytes() for path in (environment / "dagster_home").rglob("*") if path.is_file()]
    left += [
        path.read_bytes()
        for path in (environment / "home").rglob("*")
        if path.is_file() and "identifiers" not in path.parts
    ]
    everything = b"\n".join(left)
    assert b"customer_list" in everything
    secrets = [b"canary-", b"X-Goog-Signature", b"upload_id="]
    secrets += [DEFAULTS.refresh_token.encode(), DEFAULTS.client_secret.encode()]
    assert [secret for secret in secrets if secret in everything] == []
