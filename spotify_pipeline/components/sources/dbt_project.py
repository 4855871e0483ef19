"""The dbt project whose models are the segments, as one Dagster asset per model.

dbt is an extra: its packages are imported where a dbt project is used, and nowhere else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from spotify_pipeline.components.project_connection import connection_of
from spotify_pipeline.components.yaml import folder_of
from spotify_pipeline.locks import exclusive
from spotify_pipeline.warehouse import Relation

if TYPE_CHECKING:
    from dagster_dbt import DbtProject

WAREHOUSE_POOL = "spotify_warehouse"
"""The concurrency pool of everything that opens the warehouse file: DuckDB allows one writing process."""
SOURCE_SUFFIXES = frozenset({".sql", ".yml", ".yaml", ".csv"})


class DbtMissing(ImportError):
    """A dbt project is to be read, and dbt is not installed."""


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
        from spotify_pipeline.components.sources.dbt_assets import FolderGroups

        contract_is_complete = bool(node.get("contract", {}).get("enforced"))
        types = {name: column.get("data_type") for name, column in node["columns"].items()}
        return cls(
            asset_key=FolderGroups().get_asset_key(node),
            relation=Relation((node["schema"], node["alias"])),
            columns=types if contract_is_complete else None,
        )


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
        connection_of(context)
        component = super().load(attributes, context)
        directory = folder_of(context) / component.project_dir
        return component.model_copy(update={"project_dir": str(directory.resolve())})

    @cached_property
    def project(self) -> "DbtProject":
        """The project, its manifest in place.

        Raises:
            DbtMissing: dbt is not installed.
        """
        if find_spec("dagster_dbt") is None:
            raise DbtMissing(
                "This project reads a dbt project, and dbt is not installed. Run "
                "`pip install 'spotify-pipeline[dbt]'`, or remove this component and name tables: "
                "segment: {table: schema.table}."
            )
        from dagster_dbt import DbtProject

        project = DbtProject(project_dir=Path(self.project_dir))
        prepare_manifest(project)
        return project

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What dbt knows of the project."""
        return json.loads(self.project.manifest_path.read_text(encoding="utf-8"))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """One asset per model; they run as one dbt command."""
        project = self.project
        from spotify_pipeline.components.sources.dbt_assets import dbt_command, model_assets

        assets = model_assets(project, self.manifest, pool=WAREHOUSE_POOL)
        return dg.Definitions(assets=[assets], resources={"spotify_dbt": dbt_command(project)})


def prepare_manifest(project: "DbtProject") -> None:
    """Have dbt parse the project when its manifest is missing or older than a file of the project.

    Several processes may load definitions at once, so the work is done under a file lock and looked at again inside.
    """
    if not _is_stale(project):
        return
    from spotify_pipeline.components.sources.dbt_assets import dbt_command
    from spotify_pipeline.components.sources.dbt_build import parse_project

    lock = project.project_dir / project.target_path / ".prepare.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(lock):
        if _is_stale(project):
            parse_project(dbt_command(project), project.manifest_path)


def _is_stale(project: "DbtProject") -> bool:
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
