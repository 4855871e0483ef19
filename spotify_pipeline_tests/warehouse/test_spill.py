"""What does not fit in memory goes where only we can look, watched while it lies there."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import polars as pl
import pytest

from spotify_pipeline.warehouse import RANK_COLUMN, Ranking
from spotify_pipeline.warehouse.duckdb import lock_down
from spotify_pipeline_tests.warehouse.readers import reader_of

ROWS = 400_000


class Watcher(threading.Thread):
    """Looks below a directory again and again, until told to stop."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.seen: dict[Path, set[int]] = {}
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.is_set():
            self.look()
            self._done.wait(0.01)

    def look(self) -> None:
        for path in self.root.rglob("*"):
            try:
                self.seen.setdefault(path, set()).add(path.stat().st_mode & 0o777)
            except FileNotFoundError:
                continue

    def stop(self) -> None:
        self._done.set()
        self.join()


def test_p07_spilled_rows_lie_in_our_private_directory_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_umask: None
) -> None:
    workplace, warehouse, spill = tmp_path / "workplace", tmp_path / "warehouse", tmp_path / "home" / "spill"
    for folder in (workplace, warehouse):
        folder.mkdir()
    # Where DuckDB would spill by itself: beside the database, or where the process runs.
    monkeypatch.chdir(workplace)
    with duckdb.connect(str(warehouse / "warehouse.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT 'canary-' || hash(i) || '-' || hash(i + 1) || '@example.com' AS email, "
            f"hash(i) % 1000 AS spent FROM range({ROWS}) r(i)"
        )
        connection.execute("CHECKPOINT")
        lock_down(connection, spill, memory_limit="40MB")
        watcher = Watcher(tmp_path)
        watcher.start()
        try:
            read = sum(
                batch.select(pl.col(RANK_COLUMN).count()).item()
                for batch in reader_of(connection, "people").batches(
                    ["email"], rank=Ranking("spent", highest_first=True)
                )
            )
        finally:
            watcher.stop()
    assert read == ROWS
    (own,) = spill.iterdir()
    spilled = {path for path in watcher.seen if own in path.parents}
    assert spilled, "nothing was spilled: the test proves nothing with this much memory"
    assert watcher.seen[own] == watcher.seen[spill] == watcher.seen[spill.parent] == {0o700}
    elsewhere = set(watcher.seen) - spilled - {own, spill, spill.parent, workplace, warehouse}
    assert {path.name for path in elsewhere} <= {"warehouse.duckdb", "warehouse.duckdb.wal"}
    assert list(workplace.iterdir()) == list(own.iterdir()) == []
