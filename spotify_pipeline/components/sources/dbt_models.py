"""Finds a dbt model by the name that YAML gives it, and refuses those whose rows are not in the warehouse file.

A model is named as dbt names it: `people`, one version of it `people.v2`, and where several packages have one of that
name `package.people`. Without a version it is the one that the project calls the latest.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from spotify_pipeline.components.yaml import VERSION_IN_NAME

Manifest = Mapping[str, Any]
"""dbt's `manifest.json`."""
Node = Mapping[str, Any]
"""One entry of it: a model, seed, snapshot or source."""

_NO_TABLE: dict[str, str] = {
    "ephemeral": "is ephemeral, so dbt makes no table of it",
    "external": "is external, so dbt writes it to a file outside the warehouse, which is not read here",
    "table_function": "is a function, not a table",
}
"""Materializations that leave nothing to read in the warehouse file."""


class UnusableModel(ValueError):
    """A name leads to no dbt model, or to one that cannot be read; the message says what to write instead."""


def find_model(manifests: Sequence[Manifest], name: str, main_database: str | None) -> Node:
    """The model of that name.

    Args:
        manifests: of every dbt project there is.
        name: as in YAML.
        main_database: what the warehouse file is called inside DuckDB, where the projects leave that open; None where
            the warehouse is of another kind, which may have several databases.

    Raises:
        UnusableModel: there is none, there are several, or its rows are not in the warehouse file.
    """
    found = [(manifest, node) for manifest in manifests for node in _models(manifest) if name in _names(node)]
    if not found:
        raise UnusableModel(_why_unknown(manifests, name))
    if len(found) > 1:
        written = " or ".join(sorted({_in_package(node, name) for _, node in found}))
        raise UnusableModel(f"there are {len(found)} dbt models {name}. Write {written}.")
    ((manifest, node),) = found
    _refuse_unreadable(node, _database(manifest, main_database) if main_database is not None else None)
    return node


def _refuse_unreadable(node: Node, database: str | None) -> None:
    name, materialized = _own_name(node), str(node["config"].get("materialized"))
    if materialized in _NO_TABLE:
        raise UnusableModel(
            f"the dbt model {name} {_NO_TABLE[materialized]}. Set materialized: table (or view, or incremental) in the "
            "model's config, or name a model that is one."
        )
    if database is not None and str(node["database"]).casefold() != database.casefold():
        raise UnusableModel(
            f"the dbt model {name} is in the database {node['database']}, and only the warehouse file is read, which "
            f"is called {database}. Take +database out of the model's config, or make a model without it that selects "
            "from this one, materialized: table, and name that."
        )


def _models(manifest: Manifest) -> list[Node]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def _own_name(node: Node) -> str:
    """A model as dbt selects it: `people`, or `people.v2`."""
    version = node.get("version")
    return str(node["name"]) if version is None else f"{node['name']}.v{version}"


def _in_package(node: Node, name: str) -> str:
    return name if name.startswith(f"{node['package_name']}.") else f"{node['package_name']}.{name}"


def _names(node: Node) -> set[str]:
    """Everything that leads to a model, with and without its package."""
    own = {_own_name(node)}
    if str(node.get("version")) == str(node.get("latest_version")):
        own.add(str(node["name"]))
    return own | {f"{node['package_name']}.{each}" for each in own}


def _database(manifest: Manifest, main_database: str) -> str:
    """What a project's own target is called inside DuckDB: where a model goes of which nothing says otherwise.

    The manifest does not state it, and may have been made where the warehouse file had another name. A project that
    names databases by a macro of its own is taken to mean the file as it is called here.
    """
    own_macro = any(
        name.endswith(".generate_database_name") and not name.startswith("macro.dbt.")
        for name in manifest.get("macros", {})
    )
    of_target = {node["database"] for node in manifest["nodes"].values() if node["config"].get("database") is None}
    return str(of_target.pop()) if len(of_target) == 1 and not own_macro else main_database


def _why_unknown(manifests: Sequence[Manifest], name: str) -> str:
    models = [node for manifest in manifests for node in _models(manifest)]
    for explain in (_of_version, _of_disabled, _of_alias, _of_other_kind):
        if (sentence := explain(manifests, models, name)) is not None:
            return sentence
    known = sorted({_own_name(node) for node in models})
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"there is no dbt model {name}.{hint} The models are: {', '.join(known) or 'none'}."


Explanation = Callable[[Sequence[Manifest], Sequence[Node], str], str | None]


def _of_version(_: Sequence[Manifest], models: Sequence[Node], name: str) -> str | None:
    stated = VERSION_IN_NAME.fullmatch(name)
    base = stated["name"] if stated else name
    same = [node for node in models if base in (node["name"], f"{node['package_name']}.{node['name']}")]
    versions = [node for node in same if node.get("version") is not None]
    if versions:
        latest = versions[0].get("latest_version")
        there = ", ".join(f"{base}.v{node['version']}" for node in versions)
        if stated is None:
            return f"the latest version of the dbt model {base}, {latest}, is not enabled. Name another: {there}."
        return f"the dbt model {base} has no version {stated['version']}. There are: {there}; the latest is {latest}."
    return f"the dbt model {base} has no versions. Write {base}." if same else None


def _of_disabled(manifests: Sequence[Manifest], _: Sequence[Node], name: str) -> str | None:
    disabled = [node for manifest in manifests for nodes in manifest.get("disabled", {}).values() for node in nodes]
    if any(node["resource_type"] == "model" and name in _names(node) | {node["name"]} for node in disabled):
        return (
            f"the dbt model {name} is disabled (enabled: false), so dbt does not build it. Enable it, or name another."
        )
    return None


def _of_alias(_: Sequence[Manifest], models: Sequence[Node], name: str) -> str | None:
    named = sorted(_own_name(node) for node in models if node["alias"] == name)
    return f"{name} is the alias of the dbt model {named[0]}. Write {named[0]}." if named else None


def _of_other_kind(manifests: Sequence[Manifest], _: Sequence[Node], name: str) -> str | None:
    for node in (each for manifest in manifests for each in _tables_that_are_no_models(manifest)):
        if name in (node["name"], f"{node.get('source_name')}.{node['name']}"):
            table = f"{node['schema']}.{node.get('identifier') or node.get('alias')}"
            from dagster_dbt import DagsterDbtTranslator

            key = "/".join(DagsterDbtTranslator().get_asset_key(node).path)
            return (
                f"{name} is a {node['resource_type']} of the dbt project, not a model. In place of dbt_model write "
                f"table: {table} and asset_key: {key}."
            )
    return None


def _tables_that_are_no_models(manifest: Manifest) -> Iterator[Node]:
    yield from (node for node in manifest["nodes"].values() if node["resource_type"] in ("seed", "snapshot"))
    yield from manifest.get("sources", {}).values()
