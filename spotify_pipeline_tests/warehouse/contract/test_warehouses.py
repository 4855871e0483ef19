"""Every warehouse class against the contract: DuckDB, and one of data frames as a project would write it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import duckdb
import pyarrow as pa
import pytest

from spotify_pipeline.warehouse import DuckDBWarehouse, FunctionWarehouse, PythonFunction, Relation, Warehouse
from spotify_pipeline_tests.warehouse.contract.warehouse_contract import PEOPLE, Make, WarehouseContract
from spotify_pipeline_tests.warehouse.in_memory import InMemoryWarehouse


class TestDuckDB(WarehouseContract):
    @pytest.fixture
    def made(self, tmp_path: Path) -> Make:
        def make(rows: pa.Table) -> Warehouse:
            file = tmp_path / "warehouse.duckdb"
            with duckdb.connect(str(file)) as connection:
                connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA crm")
                connection.register("rows", rows)
                connection.execute(f"CREATE TABLE {PEOPLE.sql} AS SELECT * FROM rows")
            return DuckDBWarehouse(file, spill=tmp_path / "spill")

        return make


class TestInMemory(WarehouseContract):
    @pytest.fixture
    def made(self) -> Make:
        return lambda rows: InMemoryWarehouse({str(PEOPLE): rows})


class TestPythonFunction(WarehouseContract):
    writes = False

    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> Make:
        def make(rows: pa.Table) -> Warehouse:
            module = ModuleType("crm")
            module.__dict__["people"] = lambda: iter([rows])
            monkeypatch.setitem(sys.modules, "crm", module)
            return FunctionWarehouse(PythonFunction(PEOPLE.parts))

        return make

    def test_a_table_that_is_not_there_says_so(self, made: Make, tmp_path: Path) -> None:
        """A function is looked up by itself: see test_python_function."""


def test_a_relation_and_a_function_of_one_name_are_not_equal() -> None:
    assert PythonFunction(("crm", "people")) != Relation(("crm", "people"))
