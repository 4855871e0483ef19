"""dbt's models as assets: what fails is named, and nothing dbt printed of a person's data is left with Dagster."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster.components.testing import create_defs_folder_sandbox
from dagster_dbt import DbtProject

from spotify_pipeline.components.sources.dbt_project import prepare_manifest
from spotify_pipeline.demo.raw_tables import write_raw_tables
from spotify_pipeline.process import keep_from_children
from spotify_pipeline_tests.components.conftest import DBT_PROJECT, WAREHOUSE
from spotify_pipeline_tests.components.runs import CONNECTION


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project, to be spoiled."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs"))
    return copy


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a small warehouse."""
    monkeypatch.setenv("SPOTIFY_PIPELINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SPOTIFY_PIPELINE_WAREHOUSE", raising=False)
    write_raw_tables(tmp_path / "home" / "warehouse" / "warehouse.duckdb", people=2_000)
    return tmp_path / "home"


def build(project: Path, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    with create_defs_folder_sandbox() as sandbox:
        warehouse = WAREHOUSE.replace(str(DBT_PROJECT), str(project))
        for folder, content in {"spotify": CONNECTION, "warehouse": warehouse}.items():
            (sandbox.defs_folder_path / folder).mkdir(parents=True)
            (sandbox.defs_folder_path / folder / "defs.yaml").write_text(content.lstrip())
        with sandbox.build_all_defs() as definitions:
            job = definitions.resolve_implicit_global_asset_job_def()
            return job.execute_in_process(instance=instance, raise_on_error=False)


@pytest.fixture
def spoiled(project: Path) -> Path:
    """A project with a model that stumbles over every value."""
    model = project / "models" / "segments" / "newsletter_readers.sql"
    text = model.read_text().replace("customers.email", "cast(cast(customers.email as integer) as varchar) as email", 1)
    assert text != model.read_text()
    model.write_text(text)
    return project


def failed_build(project: Path, dagster_home: Path) -> str:
    """What a person reads at the failed step."""
    dagster_home.mkdir()
    with dg.DagsterInstance.local_temp(str(dagster_home)) as instance:
        result = build(project, instance)
    (failure,) = result.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    return str(told.description)


@pytest.mark.slow
def test_p03_a_model_that_fails_on_a_value_is_named_and_the_value_is_nowhere(
    spoiled: Path, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = failed_build(spoiled, tmp_path / "dagster_home")
    assert "dbt could not build or test model.spotify_pipeline_warehouse.newsletter_readers." in said
    assert "`dbt build --select newsletter_readers`" in said
    printed = capfd.readouterr()
    left = [printed.out.encode(), printed.err.encode()]
    searched = [tmp_path / "dagster_home", spoiled, home / "dbt"]
    left += [each.read_bytes() for place in searched for each in place.rglob("*") if each.is_file()]
    assert [part for part in left if b"Could not convert" in part or b"@mail.example" in part] == []
    assert list((home / "dbt").iterdir()) == []


@pytest.mark.slow
@pytest.mark.stress
def test_dbt_s_log_is_kept_in_private_where_somebody_asks_for_it(
    spoiled: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_PIPELINE_KEEP_DBT_LOGS", "1")
    said = failed_build(spoiled, tmp_path / "dagster_home")
    (log,) = (home / "dbt").rglob("dbt.log")
    assert str(log) in said
    # So one was there to leak.
    assert "Could not convert" in log.read_text()
    assert (log.parent.stat().st_mode & 0o077) == 0


@pytest.mark.slow
def test_a_build_that_succeeds_leaves_nothing_of_dbt_behind_and_clears_away_what_is_old(
    project: Path, home: Path
) -> None:
    left = {days: home / "dbt" / f"killed-{days}-days-ago" for days in (0.5, 1.5)}
    for days, directory in left.items():
        directory.mkdir(parents=True)
        (directory / "dbt.log").write_text("it quotes a value")
        begun = time.time() - days * 86_400
        os.utime(directory, (begun, begun))
    with dg.DagsterInstance.ephemeral() as instance:
        result = build(project, instance)
    assert result.success
    built = [each for each in result.get_asset_materialization_events() if each.step_key == "spotify_dbt_build"]
    assert len(built) == 11
    assert list((home / "dbt").iterdir()) == [left[0.5]]
    assert [each.name for each in (project / "target").iterdir() if each.name.startswith("spotify_dbt_build")] == []


@pytest.fixture
def telltale(tmp_path: Path) -> Path:
    """A project whose models hold what dbt's environment says of a secret, when it parses and when it builds."""
    project = tmp_path / "telltale"
    (project / "models").mkdir(parents=True)
    seen = "env_var('SPOTIFY_CLIENT_SECRET', 'nothing') ~ env_var('TOKEN_OF_A_SHOP', 'nothing')"
    (project / "models" / "told.sql").write_text(
        f"{{{{ config(meta={{'told': {seen}}}) }}}} select '{{{{ {seen} }}}}' as told"
    )
    (project / "dbt_project.yml").write_text(
        'name: telltale\nversion: "1.0.0"\nprofile: p\nmodels: {+materialized: table}\n'
        "flags: {send_anonymous_usage_stats: false}\n"
    )
    path = "{{ env_var('SPOTIFY_PIPELINE_WAREHOUSE', 'warehouse.duckdb') }}"
    (project / "profiles.yml").write_text(
        f'p: {{target: t, outputs: {{t: {{type: duckdb, path: "{path}", schema: main}}}}}}\n'
    )
    return project


@pytest.mark.slow
def test_p23_dbt_is_told_no_secret_and_what_it_keeps_of_its_parse_is_private(
    telltale: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "canary")
    monkeypatch.setenv("TOKEN_OF_A_SHOP", "canary")
    keep_from_children("TOKEN_OF_A_SHOP")
    kept = telltale / "target" / "partial_parse.msgpack"
    kept.parent.mkdir()
    kept.touch(0o644)
    before = os.umask(0o022)
    try:
        with dg.DagsterInstance.ephemeral() as instance:
            assert build(telltale, instance).success
        kept.unlink()
        (telltale / "models" / "told.sql").touch()
        prepare_manifest(DbtProject(project_dir=telltale))
    finally:
        os.umask(before)
    (model,) = json.loads((telltale / "target" / "manifest.json").read_text())["nodes"].values()
    assert model["config"]["meta"] == {"told": "nothingnothing"}
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT told FROM told").fetchall() == [("nothingnothing",)]
    assert kept.stat().st_mode & 0o777 == 0o600
    # Whoever may read the project may read what Dagster makes its assets of.
    assert (telltale / "target" / "manifest.json").stat().st_mode & 0o777 == 0o644
    assert os.environ["SPOTIFY_CLIENT_SECRET"] == "canary"
