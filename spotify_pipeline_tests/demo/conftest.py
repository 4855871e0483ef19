"""Small warehouses that the tests of this room share, made once each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.demo.raw_tables import write_raw_tables
from spotify_pipeline_tests.demo.warehouses import plant_people_at_the_edges, rows_of, run_dbt


@pytest.fixture(scope="session")
def raw_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw tables of 20,000 people; enough for shares of half a percent to show."""
    warehouse = tmp_path_factory.mktemp("raw") / "warehouse.duckdb"
    write_raw_tables(warehouse, people=20_000)
    return warehouse


@pytest.fixture(scope="session")
def built_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw tables of 3,000 people, a few of them at the edges of the segments, and all that dbt builds from them."""
    folder = tmp_path_factory.mktemp("built")
    warehouse = folder / "warehouse.duckdb"
    write_raw_tables(warehouse, people=3_000)
    plant_people_at_the_edges(warehouse)
    finished = run_dbt(warehouse, "build", scratch=folder)
    assert finished.returncode == 0, finished.stdout
    return warehouse


@pytest.fixture(scope="session")
def customers(raw_warehouse: Path) -> list[dict[str, Any]]:
    """The newest row of each customer number."""
    newest: dict[int, dict[str, Any]] = {}
    for row in sorted(rows_of(raw_warehouse, "raw.customers"), key=lambda row: row["loaded_at"]):
        newest[row["customer_id"]] = row
    return list(newest.values())


@pytest.fixture(scope="session")
def contactable(customers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those who did not sign up in the app."""
    return [row for row in customers if row["signed_up_with"] != "app"]


@pytest.fixture
def holding() -> Iterator[Callable[[Path], None]]:
    """Open a DuckDB file for writing in another process until the test ends."""
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    processes: list[subprocess.Popen[str]] = []

    def hold(warehouse: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"

    yield hold
    for process in processes:
        process.communicate(timeout=30)
