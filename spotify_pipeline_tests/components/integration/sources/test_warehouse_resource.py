"""The warehouse is let go of, however its reading ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.warehouse import Relation, SegmentError

PEOPLE = Relation.parse("people")


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT 'person' || n || '@example.com' AS email FROM range(9000) t(n)"
        )
        connection.execute("CREATE VIEW broken AS SELECT CAST(email AS INTEGER) AS email FROM people")
    monkeypatch.setenv("SPOTIFY_PIPELINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SPOTIFY_PIPELINE_WAREHOUSE", str(file))
    return WarehouseResource()


def read_again(warehouse: WarehouseResource) -> int:
    with warehouse.segment(PEOPLE) as segment:
        return segment.count()


def test_a_reading_that_was_broken_off_holds_nothing(warehouse: WarehouseResource) -> None:
    kept: list[Iterator[pl.DataFrame]] = []

    def half_read() -> None:
        with warehouse.segment(PEOPLE) as segment:
            kept.append(segment.batches(["email"], 1000))
            next(kept[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_read()
    assert read_again(warehouse) == 9000


def test_a_reading_that_failed_holds_nothing_while_its_error_is_kept(warehouse: WarehouseResource) -> None:
    kept: list[Any] = []
    with warehouse.segment(Relation.parse("broken")) as segment:
        try:
            list(segment.batches(["email"]))
        except SegmentError as error:
            kept.append(error)
    assert kept
    assert read_again(warehouse) == 9000


@pytest.mark.e2e
def test_a_process_that_writes_is_waited_for(warehouse: WarehouseResource, tmp_path: Path) -> None:
    file = str(tmp_path / "warehouse.duckdb")
    held = f"import duckdb, time; c = duckdb.connect({file!r}); print('held', flush=True); time.sleep(0.3)"
    with subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert read_again(warehouse) == 9000
    with duckdb.connect(file) as connection:  # so nothing is held
        connection.execute("DELETE FROM people")
