"""The dbt project as its files state it; ``e2e/test_dbt_project.py`` runs it."""

from __future__ import annotations

from typing import Any

import yaml

from spotify_pipeline.demo.raw_tables import DEFAULT_AS_OF
from spotify_pipeline_tests.demo.segments_by_hand import SEGMENTS
from spotify_pipeline_tests.demo.warehouses import DBT_PROJECT

PROJECT: dict[str, Any] = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
STATED: dict[str, Any] = {
    model["name"]: model
    for model in yaml.safe_load((DBT_PROJECT / "models/segments/_segments.yml").read_text())["models"]
}


class TestAsStated:
    def test_the_day_of_the_models_is_the_day_of_the_data(self) -> None:
        assert PROJECT["vars"]["as_of"] == DEFAULT_AS_OF.isoformat()

    def test_dbt_sends_no_statistics_and_needs_no_package(self) -> None:
        assert PROJECT["flags"]["send_anonymous_usage_stats"] is False
        assert not (DBT_PROJECT / "packages.yml").exists()
        assert not (DBT_PROJECT / "dependencies.yml").exists()

    def test_each_segment_is_a_contract_with_unique_people_and_consent(self) -> None:
        assert PROJECT["models"]["spotify_pipeline_warehouse"]["segments"]["+contract"] == {"enforced": True}
        assert set(STATED) == set(SEGMENTS)
        for model in STATED.values():
            columns = {column["name"]: column for column in model["columns"]}
            assert {"not_null", "unique"} <= {
                test for test in columns["customer_id"]["data_tests"] if isinstance(test, str)
            }
            assert columns["marketing_consent"]["data_type"] == "boolean"

    def test_no_model_asks_the_clock(self) -> None:
        for model in (DBT_PROJECT / "models").rglob("*.sql"):
            text = model.read_text().lower()
            assert not any(word in text for word in ("now()", "current_date", "current_timestamp", "today()")), model
