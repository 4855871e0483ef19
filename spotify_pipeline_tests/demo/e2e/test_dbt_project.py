"""The dbt project as it ships: it builds offline, its segments are what they promise, and its tests can fail."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from spotify_pipeline.demo.raw_tables import DEFAULT_AS_OF, write_raw_tables
from spotify_pipeline_tests.demo.segments_by_hand import SEGMENTS, SUPPRESSIONS, read_facts
from spotify_pipeline_tests.demo.warehouses import AT_THE_EDGES, DBT_PROJECT, rows_of, run_dbt

PROJECT: dict[str, Any] = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
STATED: dict[str, Any] = {
    model["name"]: model
    for model in yaml.safe_load((DBT_PROJECT / "models/segments/_segments.yml").read_text())["models"]
}


def as_a_bag(rows: list[dict[str, Any]]) -> Counter[tuple[tuple[str, Any], ...]]:
    return Counter(tuple(sorted(row.items())) for row in rows)


def failed_tests(target: Path) -> set[str]:
    """The tests that a run found failing, by the beginning of their unique ids."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    return {result["unique_id"].split(".")[2] for result in results if result["status"] == "fail"}


@pytest.mark.slow
class TestSegments:
    @pytest.mark.parametrize("name", SEGMENTS)
    def test_a_segment_equals_its_definition_in_plain_python(self, built_warehouse: Path, name: str) -> None:
        by_hand = list(SEGMENTS[name](read_facts(built_warehouse, DEFAULT_AS_OF)))
        assert by_hand
        assert as_a_bag(rows_of(built_warehouse, f"segments.{name}")) == as_a_bag(by_hand)

    @pytest.mark.parametrize("name", SUPPRESSIONS)
    def test_a_suppression_list_equals_its_definition_in_plain_python(self, built_warehouse: Path, name: str) -> None:
        by_hand = list(SUPPRESSIONS[name](read_facts(built_warehouse, DEFAULT_AS_OF)))
        assert by_hand
        assert as_a_bag(rows_of(built_warehouse, f"suppressions.{name}")) == as_a_bag(by_hand)

    @pytest.mark.parametrize(
        ("name", "inside"),
        [
            ("lapsed_subscribers", {1, 2}),
            ("active_listeners", {1, 3}),
            ("newsletter_readers", {4}),
            ("vip_customers", {7, 9}),
        ],
    )
    def test_windows_begin_and_end_to_the_day(self, built_warehouse: Path, name: str, inside: set[int]) -> None:
        people = {row["customer_id"] for row in rows_of(built_warehouse, f"segments.{name}")}
        assert people & set(AT_THE_EDGES) == inside

    def test_consent_is_a_column_of_each_and_takes_all_three_values(self, built_warehouse: Path) -> None:
        for name in STATED:
            answers = {row["marketing_consent"] for row in rows_of(built_warehouse, f"segments.{name}")}
            assert answers <= {True, False, None}
            assert answers == {True, False, None} or name == "vip_customers"

    def test_sizes_are_those_of_a_plausible_business(self, built_warehouse: Path) -> None:
        sizes = {name: len(rows_of(built_warehouse, f"segments.{name}")) for name in STATED}
        assert sizes["vip_customers"] < 20
        assert sizes["active_listeners"] > 1_500
        assert 150 < sizes["lapsed_subscribers"] < 400
        assert sizes["active_listeners"] > sizes["newsletter_readers"] > sizes["app_only_listeners"]

    def test_the_segment_of_apps_knows_devices_only(self, built_warehouse: Path) -> None:
        columns = rows_of(built_warehouse, "segments.app_only_listeners")[0].keys()
        assert not {"email", "billing_email", "phone"} & columns
        assert "device_id" in columns

    def test_schemas_are_named_as_stated_and_nothing_stands_elsewhere(self, built_warehouse: Path) -> None:
        tables = rows_of(built_warehouse, "information_schema.tables")
        found = {(row["table_schema"], row["table_name"]) for row in tables if row["table_schema"] != "raw"}
        staging = {("staging", name) for name in ("stg_customers", "stg_consents", "stg_events", "stg_shop_events")}
        kept_out = {("suppressions", name) for name in SUPPRESSIONS}
        events = {("events", "shop_events")}
        assert found == staging | kept_out | events | {("segments", name) for name in STATED}

    def test_the_columns_in_the_warehouse_are_those_of_the_contract(self, built_warehouse: Path) -> None:
        with duckdb.connect(built_warehouse, read_only=True) as connection:
            for name, stated in STATED.items():
                columns = connection.execute(f"describe segments.{name}").fetchall()
                found = [(column[0], column[1].lower()) for column in columns]
                assert found == [(column["name"], column["data_type"]) for column in stated["columns"]]


@pytest.mark.slow
class TestRunningDbt:
    def test_broken_data_fails_the_tests_meant_for_it(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        write_raw_tables(warehouse, people=1_000)
        with duckdb.connect(warehouse) as connection:
            connection.execute("delete from raw.customers where signed_up_with = 'app'")
            connection.execute("update raw.customers set cancelled_on = date '2027-01-01' where customer_id = 1")
            connection.execute("update raw.events set event = 'heard' where event = 'listened'")
            connection.execute("insert into raw.consents select * from raw.consents limit 1")
        scratch = tmp_path / "scratch"
        assert run_dbt(warehouse, "run", scratch=scratch).returncode == 0
        assert run_dbt(warehouse, "test", scratch=scratch).returncode == 1
        failed = failed_tests(scratch / "target")
        for beginning in (
            "share_of_app_only_listeners",
            "share_of_active_listeners",
            "source_not_after_as_of_raw_customers_cancelled_on",
            "source_accepted_values_raw_events_event",
            "source_relationships_raw_events_customer_id",
            "source_unique_raw_consents_consent_id",
            "latest_consent_is_in_force",
        ):
            assert any(name.startswith(beginning) for name in failed), beginning
        assert not any(name.startswith("share_of_lapsed_subscribers") for name in failed)

    def test_a_model_that_breaks_its_contract_is_not_built(self, tmp_path: Path) -> None:
        warehouse = tmp_path / "warehouse.duckdb"
        write_raw_tables(warehouse, people=100)
        project = tmp_path / "dbt_project"
        shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
        model = project / "models/segments/app_only_listeners.sql"
        model.write_text(model.read_text().replace("customers.device_id,", "length(customers.device_id) as device_id,"))
        finished = run_dbt(warehouse, "run", scratch=tmp_path, project=project)
        assert finished.returncode == 1
        assert "This model has an enforced contract that failed" in finished.stdout
        tables = {row["table_name"] for row in rows_of(warehouse, "information_schema.tables")}
        assert "app_only_listeners" not in tables
        assert "lapsed_subscribers" in tables

    def test_parsing_needs_no_variable_no_file_and_leaves_no_trace(self, tmp_path: Path) -> None:
        project = tmp_path / "repository" / "dbt_project"
        shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
        before = set(tmp_path.rglob("*"))
        finished = run_dbt(None, "parse", scratch=tmp_path / "scratch", project=project)
        assert finished.returncode == 0, finished.stdout
        written = {path for path in set(tmp_path.rglob("*")) - before if not path.is_relative_to(tmp_path / "scratch")}
        assert written == set()
        manifest = json.loads((tmp_path / "scratch/target/manifest.json").read_text())
        models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
        assert {node["database"] for node in models} == {"warehouse"}
        assert manifest["metadata"]["send_anonymous_usage_stats"] is False
        assert all(column["description"] for node in models for column in node["columns"].values())
