"""Which table a dbt model's name leads to, and which models are refused when definitions load."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.conversions.definitions import find_feeds
from spotify_pipeline.components.sources.config import SourceConfig
from spotify_pipeline.components.sources.dbt_models import UnusableModel, find_model
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.components.runs import definitions_of

MAIN = "warehouse"


def node(name: str, **settings: Any) -> dict[str, Any]:
    config = {"materialized": "table", "database": None, **settings.pop("config", {})}
    return {
        "name": name,
        "alias": name,
        "resource_type": "model",
        "package_name": "shop",
        "database": MAIN,
        "schema": "main",
        "version": None,
        "latest_version": None,
        "columns": {},
        "config": config,
        **settings,
    }


def versions(name: str, *numbers: object, latest: object, **settings: Any) -> list[dict[str, Any]]:
    return [node(name, alias=f"{name}_v{n}", version=n, latest_version=latest, **settings) for n in numbers]


def manifest(*nodes: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {
        "nodes": {f"{n}": each for n, each in enumerate(nodes)},
        "macros": {},
        "sources": {},
        "disabled": {},
        **rest,
    }


def table(name: str, *manifests: Mapping[str, Any], main: str = MAIN) -> str:
    found = find_model(manifests, name, main)
    return f"{found['schema']}.{found['alias']}"


def refusal(name: str, *manifests: Mapping[str, Any], main: str = MAIN) -> str:
    with pytest.raises(UnusableModel) as refused:
        find_model(manifests, name, main)
    return str(refused.value)


PEOPLE = manifest(*versions("people", 1, 2, 10, latest=2))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("people", "people_v2"),
        ("people.v1", "people_v1"),
        ("people.v2", "people_v2"),
        ("people.v10", "people_v10"),
        ("shop.people", "people_v2"),
        ("shop.people.v10", "people_v10"),
    ],
)
def test_without_a_version_the_latest_is_the_one_that_the_project_says(name: str, expected: str) -> None:
    assert table(name, PEOPLE) == f"main.{expected}"


@pytest.mark.parametrize(("numbers", "latest"), [((1, 2), "2"), (("1", "2"), 2), (("1", "2"), "2"), ((1.0, 2.5), 2.5)])
def test_versions_are_compared_as_they_are_written(numbers: tuple[object, ...], latest: object) -> None:
    assert table("people", manifest(*versions("people", *numbers, latest=latest))) == f"main.people_v{numbers[1]}"


def test_a_version_may_be_a_word_and_a_prerelease_is_not_read_unasked() -> None:
    people = manifest(*versions("people", 1, "beta", latest=1))
    assert table("people", people) == "main.people_v1"
    assert table("people.vbeta", people) == "main.people_vbeta"


@pytest.mark.parametrize("version", [10, "10", "v10"])
def test_a_version_may_stand_beside_the_name(version: object) -> None:
    stated = SourceConfig.model_validate({"dbt_model": "people", "version": version})
    assert stated.model == "people.v10"


def test_a_version_that_is_not_there_lists_those_that_are() -> None:
    said = refusal("people.v3", PEOPLE)
    assert said == (
        "the dbt model people has no version 3. There are: people.v1, people.v2, people.v10; the latest is 2."
    )


def test_a_version_of_a_model_without_versions_is_refused() -> None:
    assert refusal("people.v1", manifest(node("people"))) == "the dbt model people has no versions. Write people."


def test_a_latest_version_that_is_disabled_is_not_replaced_by_another() -> None:
    said = refusal("people", manifest(*versions("people", 1, 3, latest=2)))
    assert "the latest version of the dbt model people, 2, is not enabled. Name another: people.v1, people.v3." in said


@pytest.mark.parametrize("materialized", ["ephemeral", "external", "table_function"])
def test_what_leaves_no_table_is_refused_with_the_way_out(materialized: str) -> None:
    said = refusal("people", manifest(node("people", config={"materialized": materialized})))
    assert said.startswith(f"the dbt model people is {'a function' if '_' in materialized else materialized}")
    assert "Set materialized: table" in said


@pytest.mark.parametrize("materialized", ["table", "view", "incremental", "something_of_ours"])
def test_what_leaves_a_table_is_read(materialized: str) -> None:
    assert table("people", manifest(node("people", config={"materialized": materialized}))) == "main.people"


ELSEWHERE = node("people", database="other", config={"database": "other"})


@pytest.mark.parametrize(
    "project",
    [
        pytest.param(manifest(ELSEWHERE, node("orders")), id="other models are in the file"),
        pytest.param(manifest(ELSEWHERE), id="alone"),
        pytest.param(manifest(ELSEWHERE, node("gone", resource_type="seed")), id="a seed is in the file"),
        pytest.param(
            manifest(node("people", database="other"), macros={"macro.shop.generate_database_name": {}}),
            id="by a macro of its own",
        ),
        pytest.param(
            manifest(node("people", database="other"), node("x"), macros={"macro.shop.generate_database_name": {}}),
            id="by a macro, others not",
        ),
    ],
)
def test_a_model_in_another_database_is_refused_although_the_file_has_a_twin(project: Mapping[str, Any]) -> None:
    said = refusal("people", project)
    assert "the dbt model people is in the database other, and only the warehouse file is read, which is called" in said
    assert "Take +database out of the model's config" in said


def test_the_file_s_own_name_is_no_other_database() -> None:
    assert table("people", manifest(node("people", config={"database": MAIN}), node("orders"))) == "main.people"
    assert (
        table("people", manifest(node("people", config={"database": "Warehouse"}, database="Warehouse")))
        == "main.people"
    )
    # Parsed where the file had another name; nothing says that the model goes elsewhere.
    assert table("people", manifest(node("people"), node("orders")), main="prod") == "main.people"


def test_a_name_that_two_packages_have_is_written_with_the_package() -> None:
    both = manifest(node("people"), node("people", package_name="crm", schema="crm"))
    other = manifest(node("people", package_name="crm", schema="crm"))
    for projects in ([both], [manifest(node("people")), other]):
        assert refusal("people", *projects) == "there are 2 dbt models people. Write crm.people or shop.people."
        assert table("crm.people", *projects) == "crm.people"
        assert table("shop.people", *projects) == "main.people"


def test_what_is_no_enabled_model_says_what_it_is() -> None:
    project = manifest(
        *versions("people", 1, latest=1),
        node("segment", alias="vip"),
        node("gone", resource_type="seed", schema="crm"),
        node("history", resource_type="snapshot", schema="snaps"),
        sources={
            "s": {
                **node("customers", resource_type="source", schema="crm"),
                "identifier": "cust",
                "source_name": "raw",
            }
        },
        disabled={"model.shop.off": [node("off")], "v": versions("old", 1, latest=1)},
    )
    assert "the dbt model off is disabled (enabled: false)" in refusal("off", project)
    assert "the dbt model old.v1 is disabled" in refusal("old.v1", project)
    assert "vip is the alias of the dbt model segment. Write segment." in refusal("vip", project)
    assert "people_v1 is the alias of the dbt model people.v1. Write people.v1." in refusal("people_v1", project)
    assert "gone is a seed of the dbt project, not a model. In place of dbt_model write table: crm.gone" in refusal(
        "gone", project
    )
    assert "history is a snapshot" in refusal("history", project)
    for name in ("customers", "raw.customers"):
        assert "write table: crm.cust and asset_key: raw/customers." in refusal(name, project)
    assert "there is no dbt model peple. Did you mean people.v1? The models are: people.v1, segment." in refusal(
        "peple", project
    )


# The same, of a project that dbt itself has read.

MODELS = {
    "people_v1": "select 'a@example.com' as email, true as agreed",
    "people_v2": "select 'b@example.com' as email, true as agreed",
    "people_v10": "select 'c@example.com' as email, true as agreed",
    "ranked": "select 'a@example.com' as email, true as agreed, 'gold' as tier, 1 as spent, 1.5 as share",
    "elsewhere": "select 'a@example.com' as email, true as agreed",
    "passing": "{{ config(materialized='ephemeral') }} select 'a@example.com' as email, true as agreed",
    "in_file": "{{ config(materialized='external') }} select 'a@example.com' as email, true as agreed",
}
PROPERTIES = """
models:
  - name: people
    latest_version: 1
    versions: [{v: 1}, {v: 2}, {v: 10}]
  - name: elsewhere
    config: {database: other}
  - name: ranked
    config: {contract: {enforced: true}}
    columns:
      - {name: email, data_type: varchar}
      - {name: agreed, data_type: boolean}
      - {name: tier, data_type: string}
      - {name: spent, data_type: hugeint}
      - {name: share, data_type: "decimal(18, 3)"}
"""
PROJECT = """
name: shop
version: "1.0.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
models: {+materialized: table}
"""
PROFILE = """
shop:
  target: local
  outputs:
    local: {type: duckdb, path: warehouse.duckdb, attach: [{path: other.duckdb}]}
"""
AUDIENCE = """
type: spotify_pipeline.CustomerListAudience
attributes:
  name: People
  segment: {dbt_model: people, consent_column: agreed}
  identifiers: {email: email}
  cadence: once
"""
KEPT_OUT = """
type: spotify_pipeline.SuppressionList
attributes: {segment: {STATED}, identifiers: {email: email}}
"""


@pytest.fixture(scope="module")
def dbt_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "models").mkdir()
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    (folder / "models" / "properties.yml").write_text(PROPERTIES)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    return folder


@pytest.fixture
def load_with(dbt_project: Path) -> Callable[..., dg.Definitions]:
    warehouse = f"type: spotify_pipeline.WarehouseProject\nattributes: {{project_dir: {dbt_project}}}\n"
    return lambda folders: definitions_of({"warehouse": warehouse, **folders})


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("stated", "table", "key"),
    [
        ("dbt_model: people", "people_v1", "people_v1"),
        ("dbt_model: people.v2", "people_v2", "people_v2"),
        ("dbt_model: people, version: 10", "people_v10", "people_v10"),
    ],
)
def test_a_version_is_read_in_segments_suppressions_and_feeds(
    load_with: Callable[..., dg.Definitions], stated: str, table: str, key: str
) -> None:
    suppressed = f"{AUDIENCE.replace('dbt_model: people', 'dbt_model: ranked')}  suppress: [{{{stated}}}]\n"
    definitions = load_with(
        {
            "one": AUDIENCE.replace("dbt_model: people", stated),
            "two": suppressed.replace("name: People", "name: Two"),
            "kept_out": KEPT_OUT.replace("STATED", stated),
            "orders": FEED.replace("table: shop.orders", stated),
        }
    )
    one, two = audience_definitions(definitions)
    (feed,) = find_feeds(definitions)
    assert str(one.relation) == f"main.{table}" == str(feed.relation)
    assert one.segment_key == dg.AssetKey(key) == feed.events_key
    assert {str(each.relation) for each in two.suppressions} == {f"main.{table}"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("content", "where", "sentence"),
    [
        (AUDIENCE.replace("dbt_model: people", "dbt_model: passing"), "4 attributes.segment.dbt_model", "is ephemeral"),
        (AUDIENCE.replace("dbt_model: people", "dbt_model: in_file"), "4 attributes.segment.dbt_model", "is external"),
        (
            AUDIENCE.replace("dbt_model: people", "dbt_model: elsewhere"),
            "4 attributes.segment.dbt_model",
            "is in the database other, and only the warehouse file is read, which is called warehouse",
        ),
        (f"{AUDIENCE}  suppress: [passing]\n", "7 attributes.suppress.0.dbt_model", "is ephemeral"),
        (f"{AUDIENCE}  suppress:\n  - people.v3\n", "8 attributes.suppress.0.dbt_model", "has no version 3"),
        (
            f"{AUDIENCE}  suppress: [{{dbt_model: ranked, version: 1}}]\n",
            "7 attributes.suppress.0.dbt_model",
            "has no versions",
        ),
        (FEED.replace("table: shop.orders", "dbt_model: elsewhere"), "3 attributes.events.dbt_model", "database other"),
        (
            KEPT_OUT.replace("STATED", "dbt_model: in_file"),
            "2 attributes.segment.dbt_model",
            "is external",
        ),
        (
            AUDIENCE.replace("dbt_model: people", "dbt_model: people.v1, version: 2"),
            "4 attributes.segment",
            "dbt_model names a version already (people.v1); state it once",
        ),
        (
            AUDIENCE.replace("dbt_model: people", "table: a.b, version: 2"),
            "4 attributes.segment",
            "goes with dbt_model",
        ),
        (
            AUDIENCE.replace("dbt_model: people", "dbt_model: people, version: 1.10"),
            "4 attributes.segment.version",
            'write the version in quotes, such as "1.10"',
        ),
        (
            AUDIENCE.replace("people", "ranked") + "  oversize: {truncate: {order_by: tier, keep: highest}}\n",
            "7 attributes.oversize.truncate.order_by",
            "main.ranked.tier holds STRING, so it cannot say who stays when a list is cut",
        ),
        (
            AUDIENCE.replace("people", "ranked") + "  oversize: {truncate: {order_by: agreed, keep: lowest}}\n",
            "7 attributes.oversize.truncate.order_by",
            "main.ranked.agreed holds BOOLEAN",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_when_definitions_load(
    load_with: Callable[..., dg.Definitions], content: str, where: str, sentence: str
) -> None:
    with pytest.raises(Exception) as refused:
        load_with({"wrong": content})
    said = innermost_mistake(refused.value)
    line, path = where.split()
    assert re.search(rf"wrong/defs\.yaml:{line}\b", said), said
    assert path in said
    assert sentence in said


@pytest.mark.e2e
@pytest.mark.parametrize("column", ["spent", "share"])
def test_an_order_by_numbers_is_taken(load_with: Callable[..., dg.Definitions], column: str) -> None:
    cut = f"  oversize: {{truncate: {{order_by: {column}, keep: highest}}}}\n"
    assert audience_definitions(load_with({"ranked": AUDIENCE.replace("people", "ranked") + cut}))
