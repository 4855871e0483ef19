"""Runs of an audience's chain as Dagster makes them, and what can be read of them afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster.components.testing import create_defs_folder_sandbox

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer

PROJECT = "shop_ads"
CONNECTION = "type: spotify_pipeline.SpotifyAds"
PEOPLE = """
type: spotify_pipeline.CustomerListAudience
attributes:
  name: People
  segment: {table: crm.people, consent_column: agreed}
  identifiers: {email: email}
  cadence: once
  guards: {min_rows: 3}
"""
ASSETS = ("identifiers", "customer_list", "spotify_audience")


QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def definitions_of(folders: dict[str, str]) -> dg.Definitions:
    """The definitions of a `defs` folder with a connection, these folders, each with that `defs.yaml`, and modules."""
    return _definitions_of(tuple(folders.items()))


@cache  # definitions read nothing of the environment, so tests may share them
def _definitions_of(folders: tuple[tuple[str, str], ...]) -> dg.Definitions:
    with create_defs_folder_sandbox(project_name=PROJECT) as sandbox:
        for folder, content in (("spotify", CONNECTION), *folders):
            place = sandbox.defs_folder_path / folder
            file = place if place.suffix == ".py" else place / "defs.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content).lstrip(), encoding="utf-8")
        with sandbox.build_all_defs() as definitions:
            return definitions


def refusal(folders: dict[str, str]) -> str:
    """What a person is told of a `defs` folder that does not load."""
    with pytest.raises(Exception) as refused:
        definitions_of(folders)
    return innermost_mistake(refused.value)


class Deployment:
    """Definitions and an instance, to run audiences in."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance | None = None) -> None:
        self.definitions = definitions
        self.instance = instance or dg.DagsterInstance.ephemeral()

    @cache  # noqa: B019 - a deployment lives as long as its test
    def job(self, audience: str, assets: tuple[str, ...]) -> dg.JobDefinition:
        keys = {dg.AssetKey([audience, asset]) for asset in assets}
        return self.definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)

    def run(
        self,
        *assets: str,
        audience: str = "people",
        partition: str = "once",
        tags: dict[str, str] | None = None,
        quiet: bool = False,
        send: Mapping[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """A run of an audience's assets; ``send`` is the run config of ``spotify_audience``."""
        config: dict[str, object] = {"ops": {f"{audience}__spotify_audience": {"config": send}}} if send else {}
        return self.job(audience, assets or ASSETS).execute_in_process(
            instance=self.instance,
            partition_key=partition,
            tags=tags,
            raise_on_error=False,
            run_config={**(QUIET if quiet else {}), **config},
        )


def change_people(environment: Path, statement: str) -> None:
    with duckdb.connect(str(environment / "warehouse" / "warehouse.duckdb")) as connection:
        connection.execute(statement)


def said_by(result: dg.ExecuteInProcessResult) -> str:
    """What a person reads at the failed step."""
    (failure,) = result.get_step_failure_events()
    data = failure.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    assert data.error is not None
    return data.error.message


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        if materialization.asset_key.path[-1] == asset:
            return {key: value.value for key, value in materialization.metadata.items()}
    raise AssertionError(f"{asset} was not materialized")


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {
        f"{each.asset_key.path[-1]}:{each.check_name}": each.passed for each in result.get_asset_check_evaluations()
    }


def writes(sandbox: SandboxServer) -> int:
    return sum(
        each["method"] != "GET" and "/api/token" not in str(each["route"]) for each in sandbox.state.requests.after(0)
    )


def evaluations(result: dg.ExecuteInProcessResult, name: str) -> dict[str, dg.AssetCheckEvaluation]:
    """The outcomes of a check, by the asset it is of."""
    return {each.asset_key.path[-1]: each for each in result.get_asset_check_evaluations() if each.check_name == name}


def digests_at_spotify(sandbox: SandboxServer, *, name: str = "People") -> set[str]:
    """What Spotify received last for the audience of that name: every cell of its list."""
    (audience,) = [each for each in sandbox.state.audiences.of(DEFAULTS.ad_account_id) if each.name == name]
    received = sandbox.state.received_lists.of(audience.id)
    lines = sandbox.state.list_file(received[-1].id).read_text().splitlines()[1:]
    return {cell for line in lines for cell in line.split(",") if cell}


def digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()
