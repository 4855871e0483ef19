"""Finds the tables that YAML names, and refuses names that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

import dagster as dg
import pyarrow as pa

from spotify_pipeline.components.project_connection import connection_of
from spotify_pipeline.components.sources.config import SegmentConfig, SettingPath, SourceConfig
from spotify_pipeline.components.sources.dbt_models import UnusableModel, find_model
from spotify_pipeline.components.sources.dbt_project import Segment, WarehouseProject
from spotify_pipeline.components.yaml import config_error
from spotify_pipeline.warehouse import (
    DuckDBWarehouse,
    PythonFunction,
    Relation,
    Warehouse,
    can_consent,
    can_identify,
    no_consent,
    no_identifier,
    no_order,
    orders_rows,
    without_parameters,
)


def find_source(source: SourceConfig, context: dg.ComponentLoadContext, path: SettingPath) -> Segment:
    """The asset and relation of the source at ``path``.

    A table that is no dbt model is taken at its word: whether it exists is only known when the warehouse is read. So
    are the columns of a function, which is not called.

    Raises:
        AudienceConfigError: there is no such dbt model, or it cannot be read; or no such function.
    """
    function = source.python if isinstance(source, SegmentConfig) else None
    if function is not None or source.table is not None:
        relation = _function(function, context, path) if function is not None else Relation.parse(str(source.table))
        key = dg.AssetKey(source.asset_key.split("/") if source.asset_key else list(relation.parts))
        return Segment(asset_key=key, relation=relation, columns=None)
    projects = context.component_tree.get_all_components(of_type=WarehouseProject)
    try:
        found = find_model([each.manifest for each in projects], str(source.model), _database(context))
    except UnusableModel as unusable:
        raise config_error(context, (*path, "dbt_model"), str(unusable)) from None
    return Segment.of_dbt(found)


def _function(named: str, context: dg.ComponentLoadContext, path: SettingPath) -> PythonFunction:
    function = PythonFunction.parse(named)
    try:
        function.load()
    except ValueError as unfit:
        raise config_error(context, (*path, "python"), str(unfit)) from None
    return function


def _database(context: dg.ComponentLoadContext) -> str | None:
    """What dbt calls the warehouse's database: the file's name. None for a warehouse of another class.

    The name alone is looked at: definitions load where there is no warehouse yet, too.
    """
    if _warehouse(context) is not DuckDBWarehouse:
        return None
    file = connection_of(context).settings.warehouse
    return file.stem if isinstance(file, Path) else None


def refuse_unknown_columns(
    named: Sequence[tuple[SettingPath, str]], model: Segment, context: dg.ComponentLoadContext
) -> None:
    """Refuse columns, each with the path of its setting, that a dbt model's contract does not have.

    So are columns of identifiers, of consent and to rank people by, of whose stated type it is known that it cannot
    serve. One that the warehouse does not know by itself, such as a type that somebody defined, is judged when it is
    read.

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
        stated = model.columns[column]
        kind = _warehouse(context).type_named(stated) if stated is not None else None
        if (
            stated is not None
            and kind is not None
            and (problem := _unfit(path, f"{model.relation}.{column}", stated, kind))
        ):
            raise config_error(context, path, problem)


def _warehouse(context: dg.ComponentLoadContext) -> type[Warehouse]:
    return connection_of(context).warehouse_class


def _unfit(path: SettingPath, column: str, stated: str, kind: pa.DataType) -> str | None:
    """Why a column of this type cannot serve the setting at ``path``; None where it can, as far as is known."""
    name = without_parameters(stated).upper()
    if path[-1] == "consent_column":
        return None if can_consent(kind) else no_consent(column, name)
    if path[-1] == "order_by":
        return None if orders_rows(kind) else no_order(column, name)
    # One of a list of columns; that of an option, such as a region, is only read as text.
    identifies = "identifiers" in path and isinstance(path[-1], int)
    return no_identifier(column, name) if identifies and not can_identify(kind) else None


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""
