"""Raw tables of more than one block."""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.demo.raw_tables import BLOCK_ROWS, write_raw_tables
from spotify_pipeline_tests.demo.warehouses import content


def test_same_seed_same_bytes_over_several_blocks(tmp_path: Path) -> None:
    first, again = (tmp_path / name / "warehouse.duckdb" for name in ("first", "again"))
    for warehouse in (first, again):
        assert write_raw_tables(warehouse, people=BLOCK_ROWS + 1_000).people == BLOCK_ROWS + 1_000
    assert content(first) == content(again)
