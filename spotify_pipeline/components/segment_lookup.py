"""Finds the segment that an audience's YAML names, and refuses names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import dagster as dg

from spotify_pipeline.components.audience_config import AudienceConfig
from spotify_pipeline.components.warehouse_project import Segment, WarehouseProject
from spotify_pipeline.components.yaml_location import config_error
from spotify_pipeline.warehouse import Relation


def find_segment(config: AudienceConfig, context: dg.ComponentLoadContext) -> Segment:
    """The segment's asset and relation.

    A table that is no dbt model is taken at its word: whether it exists is only known when the warehouse is read.

    Raises:
        AudienceConfigError: there is no such dbt model, or its contract has no such column.
    """
    segment = config.segment
    if segment.table is not None:
        relation = Relation.parse(segment.table)
        key = dg.AssetKey(segment.asset_key.split("/") if segment.asset_key else list(relation.parts))
        return Segment(asset_key=key, relation=relation, columns=None)
    found = _dbt_model(context, str(segment.dbt_model))
    _refuse_unknown_columns(config, context, found)
    return found


def _dbt_model(context: dg.ComponentLoadContext, name: str) -> Segment:
    projects = context.component_tree.get_all_components(of_type=WarehouseProject)
    for project in projects:
        if (found := project.segment(name)) is not None:
            return found
    known = [model for project in projects for model in project.model_names()]
    raise config_error(
        context,
        ("segment", "dbt_model"),
        f"there is no dbt model {name}.{_did_you_mean(name, known)} The models are: {', '.join(known) or 'none'}.",
    )


def _refuse_unknown_columns(config: AudienceConfig, context: dg.ComponentLoadContext, model: Segment) -> None:
    if model.columns is None:
        return
    for path, column in config.named_columns():
        if column not in model.columns:
            raise config_error(
                context,
                path,
                f"{model.relation} has no column {column}.{_did_you_mean(column, model.columns)} Its columns are: "
                f"{', '.join(model.columns)}.",
            )


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
