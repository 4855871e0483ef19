"""The models of a dbt project as assets of Dagster. Imports dagster-dbt, which takes a second."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.sources.dbt_build import built_by_dbt


class FolderGroups(DagsterDbtTranslator):
    """Groups models by their folder below `models/`, so that segments stand together in the asset graph."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The group that the model itself names, else its folder."""
        folder = [part for part in dbt_resource_props["fqn"][1:-1] if part]
        return super().get_group_name(dbt_resource_props) or (folder[0] if folder else None)


def model_assets(project: DbtProject, manifest: Mapping[str, Any], pool: str) -> dg.AssetsDefinition:
    """One asset per model of the manifest; they run as one dbt command, in that pool."""

    @dbt_assets(
        manifest=manifest,
        project=project,
        pool=pool,
        name="spotify_dbt_build",
        dagster_dbt_translator=FolderGroups(),
    )
    def dbt_models(
        context: dg.AssetExecutionContext,
        spotify_dbt: DbtCliResource,
        spotify_home: PipelineHome,
        spotify_warehouse: WarehouseResource,
    ) -> Iterator[Any]:
        home, warehouse = spotify_home.directory, spotify_warehouse.file
        yield from built_by_dbt(spotify_dbt, context, home=home, warehouse=warehouse)

    return dbt_models


def dbt_command(project: DbtProject) -> DbtCliResource:
    """dbt as it is installed beside this Python, so that no virtual environment needs to be activated."""
    beside = Path(sys.executable).with_name("dbt")
    return DbtCliResource(project_dir=project, dbt_executable=str(beside) if beside.exists() else "dbt")
