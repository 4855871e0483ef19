"""A warehouse that cannot be opened says why at once: only a process that writes to it is worth waiting for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from spotify_pipeline.warehouse import SegmentError, WarehouseHeld, open_to_read
from spotify_pipeline_tests.warehouse.readers import reader_of

MAY_BE_DAMAGED = "cannot be opened: it may be cut short or damaged, encrypted, or of a newer version of DuckDB"
HEADERS = 3 * 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "CREATE TABLE people AS SELECT md5(i::VARCHAR) || '@example.com' AS email FROM range(60000) r(i)"
        )
    return file


def overwrite(file: Path, at: int, count: int = 100) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(b"\xee" * count)


@pytest.mark.parametrize("kept", [100, 4096, 2 * 4096, HEADERS, HEADERS + 100, 0.3, 0.9])
def test_a_file_cut_short_is_said_to_be(file: Path, kept: float) -> None:
    with file.open("r+b") as opened:
        opened.truncate(int(kept * file.stat().st_size) if kept < 1 else int(kept))
    with pytest.raises(SegmentError, match=MAY_BE_DAMAGED) as refused:
        open_to_read(file)
    assert refused.value.__cause__ is None
    assert "Restore it or build it again" in str(refused.value)


@pytest.mark.parametrize("at", [20, 4096, 2 * 4096])
def test_a_damaged_header_is_said_to_be(file: Path, at: int) -> None:
    overwrite(file, at, 40)
    with pytest.raises(SegmentError, match=MAY_BE_DAMAGED):
        open_to_read(file)


@pytest.mark.parametrize("content", [b"", b"this is no database", b"SQLite format 3\x00" + bytes(100)])
def test_a_file_of_something_else_is_said_to_be(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SegmentError, match="is not a DuckDB database, or its beginning is damaged"):
        open_to_read(file)


def test_another_version_of_the_format_is_said_to_be(file: Path) -> None:
    overwrite(file, 12, 2)
    with pytest.raises(SegmentError, match="or of a newer version of DuckDB than the one here"):
        open_to_read(file)


def test_blocks_that_were_freed_and_changes_not_yet_merged_are_no_damage(file: Path) -> None:
    changes = (
        f"import duckdb, os; c = duckdb.connect({str(file)!r}); c.execute('CREATE TABLE more AS FROM people'); "
        "c.execute('CHECKPOINT'); c.execute('DROP TABLE people'); c.execute('CHECKPOINT'); "
        "c.execute('CREATE TABLE people AS FROM more LIMIT 9'); os._exit(0)"
    )
    assert subprocess.run([sys.executable, "-c", changes], check=False).returncode == 0
    with closing(open_to_read(file)) as connection:
        assert reader_of(connection, "people").count() == 9


def test_a_database_that_is_written_to_is_told_apart(file: Path) -> None:
    held = f"import duckdb; c = duckdb.connect({str(file)!r}); print('held', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(WarehouseHeld, match="held by another process that writes to it"):
            open_to_read(file)
        writer.communicate(b"\n")
    open_to_read(file).close()


def test_damage_anywhere_is_found_at_once_or_in_reading_and_quotes_nothing(file: Path, tmp_path: Path) -> None:
    found: list[str] = []
    for block in range(HEADERS, file.stat().st_size, 1 << 18):
        damaged = tmp_path / "damaged.duckdb"
        shutil.copy(file, damaged)
        overwrite(damaged, block + 1000)
        try:
            with closing(open_to_read(damaged)) as connection:
                list(reader_of(connection, "people").batches(["email"]))
        except SegmentError as error:
            found.append(str(error))
    assert any(MAY_BE_DAMAGED in said for said in found)
    assert any("the warehouse file is damaged there" in said for said in found)
    assert not any("checksum" in said for said in found)
