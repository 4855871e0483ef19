"""Finds the tables that YAML names, and refuses names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import dagster as dg

from spotify_pipeline.components.segment_config import SettingPath, SourceConfig
from spotify_pipeline.components.warehouse_project import Segment, WarehouseProject
from spotify_pipeline.components.yaml_location import config_error
from spotify_pipeline.warehouse import Relation


def find_source(source: SourceConfig, context: dg.ComponentLoadContext, path: SettingPath) -> Segment:
    """The asset and relation of a source that stands at ``path``.

    A table that is no dbt model is taken at its word: whether it exists is only known when the warehouse is read.

    Raises:
        AudienceConfigError: there is no such dbt model.
    """
    if source.table is not None:
        relation = Relation.parse(source.table)
        key = dg.AssetKey(source.asset_key.split("/") if source.asset_key else list(relation.parts))
        return Segment(asset_key=key, relation=relation, columns=None)
    return _dbt_model(context, str(source.dbt_model), path)


def refuse_unknown_columns(
    named: Sequence[tuple[SettingPath, str]], model: Segment, context: dg.ComponentLoadContext
) -> None:
    """Refuse columns, each with the path of its setting, that a dbt model's contract does not have.

    Raises:
        AudienceConfigError: there is such a column.
    """
    if model.columns is None:
        return
    for path, column in named:
        if column not in model.columns:
            raise config_error(
                context,
                path,
                f"{model.relation} has no column {column}.{_did_you_mean(column, model.columns)} Its columns are: "
                f"{', '.join(model.columns)}.",
            )


def _dbt_model(context: dg.ComponentLoadContext, name: str, path: SettingPath) -> Segment:
    projects = context.component_tree.get_all_components(of_type=WarehouseProject)
    for project in projects:
        if (found := project.segment(name)) is not None:
            return found
    known = [model for project in projects for model in project.model_names()]
    raise config_error(
        context,
        (*path, "dbt_model"),
        f"there is no dbt model {name}.{_did_you_mean(name, known)} The models are: {', '.join(known) or 'none'}.",
    )


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
