"""The outbox of one feed in a DuckDB file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from spotify_pipeline.conversions.outbox.model import OutboxError
from spotify_pipeline.conversions.outbox.store import FORMAT, TABLES
from spotify_pipeline.home import private_directory, private_umask

_MEMORY_LIMIT = "512MB"
_CHECKPOINT = "64MB"
"""Of the write-ahead log. A settled batch adds some kilobytes; a checkpoint takes a quarter of a second."""
_SETTINGS = (
    f"checkpoint_threshold = '{_CHECKPOINT}'",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "python_enable_replacements = false",
    "enable_external_access = false",
    "lock_configuration = true",
)
_FULL = ("No space left", "File too large", "quota")


class DuckDBDatabase:
    """A DuckDB file that this process may use alone; the feed in it has the number 1.

    Nothing but this file can be reached through it. What is committed is on disk.
    """

    feed = 1

    def __init__(self, file: Path, *, name: str, read_only: bool = False) -> None:
        """Open the file, or make it unless it is to be read only.

        Raises:
            OutboxError: it is damaged, foreign, of a newer version, or cannot be written.
            HomeError: its directory cannot be made.
        """
        self._file = file
        self._log = file.with_name(f"{file.name}.wal")
        self._spill = file.with_name(f".{file.name}.spill")
        private_directory(file.parent)
        private_directory(self._spill)
        if not read_only and not file.exists():
            _make(file, self._spill, name)
        try:
            with private_umask():
                self._connection = _connected(file, self._spill, read_only=read_only)
            self._make_private()
        except (duckdb.Error, OSError) as error:
            self._sweep()
            raise self._unusable(error) from None
        try:
            self._check_format(name)
        except BaseException:
            self.close()
            raise

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            # After every checkpoint the next statement creates the log again.
            with private_umask():
                return self._connection.execute(statement, list(values)).fetchall()
        except duckdb.Error as error:
            raise self._failed(error) from None

    def change(self, statement: str, values: Sequence[object] = ()) -> int:
        answer = self.rows(statement, values)
        return int(answer[0][0]) if answer else 0

    @contextmanager
    def incoming(self, frame: pl.DataFrame) -> Generator[None]:
        self._connection.register("incoming", frame)
        try:
            yield
        finally:
            with suppress(duckdb.Error):
                self._connection.unregister("incoming")

    @contextmanager
    def transaction(self) -> Generator[None]:
        try:
            self._connection.begin()
        except duckdb.Error as error:
            raise self._failed(error) from None
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):
                self._connection.rollback()
            raise
        try:
            with private_umask():
                self._connection.commit()
        except (duckdb.Error, OSError) as error:
            raise self._failed(error) from None

    def close(self) -> None:
        with suppress(duckdb.Error), private_umask():
            self._connection.close()
        self._sweep()

    def _check_format(self, name: str) -> None:
        tables = {table for (table,) in self.rows("SELECT table_name FROM duckdb_tables()")}
        if "outbox" in tables:
            formats = self.rows("SELECT format FROM outbox")
            if formats == [(FORMAT,)] and self.rows("SELECT name FROM feeds") == [(name,)]:
                return
            if formats and formats[0][0] > FORMAT:
                raise OutboxError(
                    f"{self._file} was written by a newer version of this project (format {formats[0][0]}, this one "
                    f"knows {FORMAT}). Update the project on this machine. Nothing was sent."
                )
        raise OutboxError(
            f"{self._file} is not the outbox of the feed {name}. Move it away, or put the feed's own file back there. "
            "Nothing was sent."
        )

    def _make_private(self) -> None:
        for each in (self._file, self._log):
            with suppress(FileNotFoundError):
                each.chmod(0o600)

    def _sweep(self) -> None:
        shutil.rmtree(self._spill, ignore_errors=True)

    def _failed(self, error: Exception) -> OutboxError:
        if any(each in str(error) for each in _FULL):
            return _full_disk(self._file)
        return OutboxError(
            f"{self._file} cannot be used ({type(error).__name__}; the message is withheld because it may quote a "
            "value). Nothing of this step was kept: run again, and if it happens again check the disk."
        )

    def _unusable(self, error: Exception) -> OutboxError:
        if any(each in str(error) for each in _FULL):
            return _full_disk(self._file)
        return OutboxError(
            f"{self._file} cannot be opened as the outbox ({type(error).__name__}): it is damaged, no file of "
            "DuckDB's, of a newer DuckDB, or open in another program. Close that program, or restore the file from a "
            "backup. Without one move it away: events of the late window are then sent again with the same ids. "
            "Nothing was sent."
        )


def _make(file: Path, spill: Path, name: str) -> None:
    """Make an outbox, which is there as a whole or not at all."""
    fresh = file.with_name(f".{file.name}.new")
    for left in (fresh, fresh.with_name(f"{fresh.name}.wal")):
        left.unlink(missing_ok=True)
    try:
        with private_umask(), _connected(fresh, spill, read_only=False) as connection:
            for statement in TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO outbox VALUES (?)", [FORMAT])
            connection.execute("INSERT INTO feeds VALUES (?, ?, 'at_least_once')", [DuckDBDatabase.feed, name])
        fresh.replace(file)
    except (duckdb.Error, OSError) as error:
        if any(each in str(error) for each in _FULL):
            raise _full_disk(file) from None
        raise OutboxError(f"{file} cannot be made ({type(error).__name__}). Check its directory and disk.") from None


def _full_disk(file: Path) -> OutboxError:
    return OutboxError(
        f"{file} cannot be written: its disk is full. Free some space, then run again; events that Spotify accepted "
        "meanwhile are sent again with the same ids."
    )


def _connected(file: Path, spill: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(file), read_only=read_only, config={"memory_limit": _MEMORY_LIMIT})
    try:
        connection.execute("SET temp_directory = '" + str(spill).replace("'", "''") + "'")
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
    except duckdb.Error:
        connection.close()
        raise
    return connection
