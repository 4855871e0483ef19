"""The warehouse of docs/how-to/extend.md passes the contract as it stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spotify_pipeline.warehouse import Warehouse
from spotify_pipeline_tests.how_to import code_on
from spotify_pipeline_tests.warehouse.contract.warehouse_contract import PEOPLE, Make, WarehouseContract


class TestParquetFolder(WarehouseContract):
    @pytest.fixture
    def made(self, tmp_path: Path) -> Make:
        (code,) = code_on("extend.md", "A warehouse", "python")
        module: dict[str, Any] = {}
        exec(compile(code, "extend.md", "exec"), module)  # noqa: S102 - our own page

        def make(rows: pa.Table) -> Warehouse:
            folder = tmp_path.joinpath("lake", *PEOPLE.parts)
            folder.mkdir(parents=True)
            pq.write_table(rows, folder / "1.parquet")
            return module["ParquetFolder"](folder=str(tmp_path / "lake"))

        return make
