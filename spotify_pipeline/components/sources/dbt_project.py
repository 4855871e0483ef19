"""The dbt project whose models are the segments, as one Dagster asset per model."""

import fcntl
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from pydantic import Field

from spotify_pipeline.components.sources.dbt_build import built_by_dbt, parse_project
from spotify_pipeline.components.yaml import folder_of
from spotify_pipeline.warehouse import Relation

WAREHOUSE_POOL = "spotify_warehouse"
"""The concurrency pool of everything that opens the warehouse file: DuckDB allows one writing process."""
SOURCE_SUFFIXES = frozenset({".sql", ".yml", ".yaml", ".csv"})


@dataclass(frozen=True)
class Segment:
    """A table of the warehouse as an audience needs to know it."""

    asset_key: dg.AssetKey
    relation: Relation
    columns: Mapping[str, str | None] | None
    """Its columns and their types as stated, where a dbt contract makes the list complete; else None."""

    @classmethod
    def of_dbt(cls, node: Mapping[str, Any]) -> "Segment":
        """The table that a model of dbt's manifest becomes."""
        contract_is_complete = bool(node.get("contract", {}).get("enforced"))
        types = {name: column.get("data_type") for name, column in node["columns"].items()}
        return cls(
            asset_key=FolderGroups().get_asset_key(node),
            relation=Relation((node["schema"], node["alias"])),
            columns=types if contract_is_complete else None,
        )


class FolderGroups(DagsterDbtTranslator):
    """Groups models by their folder below `models/`, so that segments stand together in the asset graph."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The group that the model itself names, else its folder."""
        folder = [part for part in dbt_resource_props["fqn"][1:-1] if part]
        return super().get_group_name(dbt_resource_props) or (folder[0] if folder else None)


class WarehouseProject(dg.Component, dg.Model, dg.Resolvable):
    """A dbt project: each model becomes an asset, each dbt test an asset check.

    dbt's manifest is made when it is missing or older than the project's files, and not otherwise: parsing on every
    load would cost each process several seconds.

    ```yaml
    type: spotify_pipeline.WarehouseProject
    attributes:
      project_dir: ../../../dbt_project
    ```
    """

    project_dir: str = Field(description="The dbt project's directory, relative to this file.")

    @classmethod
    def load(cls, attributes: Any, context: dg.ComponentLoadContext) -> "WarehouseProject":  # noqa: ANN401
        """As every component is loaded, with the directory made absolute (dbt's seeds need it so)."""
        component = super().load(attributes, context)
        directory = folder_of(context) / component.project_dir
        return component.model_copy(update={"project_dir": str(directory.resolve())})

    @cached_property
    def project(self) -> DbtProject:
        """The project, its manifest in place."""
        project = DbtProject(project_dir=Path(self.project_dir))
        prepare_manifest(project)
        return project

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What dbt knows of the project."""
        return json.loads(self.project.manifest_path.read_text(encoding="utf-8"))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """One asset per model; they run as one dbt command."""

        @dbt_assets(
            manifest=self.manifest,
            project=self.project,
            pool=WAREHOUSE_POOL,
            name="spotify_dbt_build",
            dagster_dbt_translator=FolderGroups(),
        )
        def dbt_models(context: dg.AssetExecutionContext, spotify_dbt: DbtCliResource) -> Iterator[Any]:
            yield from built_by_dbt(spotify_dbt, context)

        return dg.Definitions(assets=[dbt_models], resources={"spotify_dbt": dbt_command(self.project)})


def dbt_command(project: DbtProject) -> DbtCliResource:
    """dbt as it is installed beside this Python, so that no virtual environment needs to be activated."""
    beside = Path(sys.executable).with_name("dbt")
    return DbtCliResource(project_dir=project, dbt_executable=str(beside) if beside.exists() else "dbt")


def prepare_manifest(project: DbtProject) -> None:
    """Have dbt parse the project when its manifest is missing or older than a file of the project.

    Several processes may load definitions at once, so the work is done under a file lock and looked at again inside.
    """
    if not _is_stale(project):
        return
    lock = project.project_dir / project.target_path / ".prepare.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _is_stale(project):
            parse_project(dbt_command(project), project.manifest_path)


def _is_stale(project: DbtProject) -> bool:
    if not project.manifest_path.exists():
        return True
    made = project.manifest_path.stat().st_mtime
    ignored = {project.project_dir / project.target_path, project.project_dir / "logs"}
    # A directory's time changes when a file in it is removed.
    return any(
        (file.suffix in SOURCE_SUFFIXES or file.is_dir()) and file.stat().st_mtime > made
        for file in project.project_dir.rglob("*")
        if not ignored.intersection((file, *file.parents))
    )
