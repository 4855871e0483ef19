"""Outboxes in both stores: a file of DuckDB's, and a PostgreSQL server of this test run's own where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.spotify import Secret
from spotify_pipeline_tests.conversions.outbox_making import Place


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.e2e)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each store in turn: DuckDB with every change, PostgreSQL with all tests."""
    if request.param == "duckdb":
        return Place(tmp_path)
    return Place(tmp_path, Secret(request.getfixturevalue("empty_database")))
