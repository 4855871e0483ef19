"""A DuckDB file as a warehouse: read over a locked-down connection, written in our own schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from spotify_pipeline.warehouse.column_types import fields_of, is_json, is_text_list
from spotify_pipeline.warehouse.duckdb.column_types import arrow_field, type_named
from spotify_pipeline.warehouse.duckdb.inserting import create_table, insert
from spotify_pipeline.warehouse.duckdb.opening import lock_down, open_to_read, open_to_write
from spotify_pipeline.warehouse.duckdb.ranking import rank_column
from spotify_pipeline.warehouse.duckdb.unreadable import main_catalog, why_unreadable
from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.own_table import refuse_other_schema
from spotify_pipeline.warehouse.relation import Relation, quoted
from spotify_pipeline.warehouse.selection import Between, Ranking
from spotify_pipeline.warehouse.warehouse import Warehouse

BATCH_ROWS = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DuckDBWarehouse(Warehouse):
    """One DuckDB file. Reading holds it open from `open` to `close`, so that nobody writes to it meanwhile."""

    def __init__(
        self, file: Path, *, spill: Path, connect: Callable[[Path], duckdb.DuckDBPyConnection] = open_to_read
    ) -> None:
        """Keep what is needed to open it.

        Args:
            file: the database.
            spill: private directory for what does not fit into memory.
            connect: opens it to be read.
        """
        self._file = file
        self._spill = spill
        self._connect = connect
        self._connection: duckdb.DuckDBPyConnection | None = None

    @classmethod
    def over(cls, connection: duckdb.DuckDBPyConnection) -> DuckDBWarehouse:
        """The database of a connection that is open, as it is set up."""
        opened = cls(Path(":memory:"), spill=Path())
        opened._connection = connection
        return opened

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection."""
        if self._connection is None:
            raise SegmentError("The warehouse is not open.")
        return self._connection

    def open(self) -> None:
        """Open the file, locked down.

        Raises:
            WarehouseHeld: another process writes to it.
            SegmentError: it is missing or cannot be opened.
        """
        self._connection = self._connect(self._file)
        lock_down(self._connection, self._spill)

    def close(self) -> None:
        """Release the file."""
        if self._connection is not None:
            self._connection.close()

    def schema(self, relation: Relation) -> pa.Schema:
        """Names and types of the columns, with DuckDB's names of the types.

        Raises:
            SegmentError: there is no such relation, or it is a view that cannot be read.
        """
        try:
            found = self.connection.sql(f"SELECT * FROM {self._sql(relation)}")  # noqa: S608 - quoted
        except duckdb.Error as error:
            raise self.failure(relation, error) from None
        return pa.schema([arrow_field(name, kind) for name, kind in zip(found.columns, found.types, strict=True)])

    def count(self, relation: Relation, only: Between | None = None) -> int:
        """The number of rows."""
        condition, values = _where(only)
        query = f"SELECT count(*) FROM {self._sql(relation)} WHERE {condition}"  # noqa: S608 - quoted
        ((count,),) = self.connection.execute(query, values).fetchall()
        return int(count)

    def newest(self, relation: Relation, column: str) -> datetime | None:
        """The latest time, in UTC.

        Raises:
            OverflowError: it is infinite, or beyond the year 9999.
        """
        latest = f"max({quoted(column)})"
        query = f"SELECT {latest} IS NULL, epoch_us({latest}) FROM {self._sql(relation)}"  # noqa: S608 - quoted
        ((empty, microseconds),) = self.connection.execute(query).fetchall()
        if empty:
            return None
        if microseconds is None:  # DuckDB's epoch of infinity
            raise OverflowError
        return _EPOCH + timedelta(microseconds=microseconds)

    def batches(
        self, relation: Relation, columns: Sequence[str], only: Between | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The named columns: JSON as text, of a string its value; a list of a fixed length as any list."""
        return self._read(relation, _selected(self.schema(relation), columns), only)

    def ranked(
        self, relation: Relation, columns: Sequence[str], rank: Ranking, only: Between | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The same with each row's rank."""
        held = self.schema(relation)
        order = rank_column(rank, fields_of(held)[rank.column].type, columns)
        return self._read(relation, [*_selected(held, columns), order], only)

    def not_identifying(self, relation: Relation, column: str) -> str | None:
        """The JSON type of a value of a JSON column that is not a string; None if all are strings."""
        kind = f"json_type({quoted(column)})"
        found = self.connection.execute(
            f"SELECT {kind} FROM {self._sql(relation)} WHERE {kind} NOT IN ('VARCHAR', 'NULL') LIMIT 1"  # noqa: S608
        ).fetchall()
        return str(found[0][0]) if found else None

    def append(self, relation: Relation, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Add rows in one transaction, over a connection of its own that may write.

        Raises:
            WarehouseHeld: the file is open elsewhere, in this process or another.
            SegmentError: it cannot be opened, or the table has other columns.
        """
        with closing(open_to_write(self._file)) as connection:
            lock_down(connection, self._spill)
            connection.begin()
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(relation.parts[0])}")
            create_table(connection, relation.sql, schema)
            refuse_other_schema(relation, DuckDBWarehouse.over(connection).schema(relation), schema)
            insert(connection, relation.sql, batches)
            connection.commit()

    @classmethod
    def type_named(cls, text: str) -> pa.DataType | None:
        """The type of that name in DuckDB; None if it is unknown without the warehouse."""
        return type_named(text)

    def failure(self, relation: Relation, error: Exception) -> SegmentError:
        """Why DuckDB could not read a relation, without its message."""
        return why_unreadable(self.connection, relation, error)

    def _read(self, relation: Relation, selected: Sequence[str], only: Between | None) -> Iterator[pa.RecordBatch]:
        condition, values = _where(only)
        query = f"SELECT {', '.join(selected)} FROM {self._sql(relation)} WHERE {condition}"  # noqa: S608 - quoted
        yield from self.connection.sql(query, params=values or None).to_arrow_reader(BATCH_ROWS)

    def _sql(self, relation: Relation) -> str:
        """The relation as SQL. If the schema has the file's name, DuckDB needs three parts."""
        if len(relation.parts) != 2:
            return relation.sql
        catalog, schema = main_catalog(self.connection), relation.parts[0]
        if schema.casefold() != catalog.casefold():
            return relation.sql
        query = "SELECT 1 FROM duckdb_schemas() WHERE database_name = ? AND lower(schema_name) = lower(?)"
        there = self.connection.execute(query, [catalog, schema]).fetchall()
        return Relation((catalog, *relation.parts)).sql if there else relation.sql


def _where(only: Between | None) -> tuple[str, list[object]]:
    return only.where() if only is not None else ("true", [])


def _selected(schema: pa.Schema, columns: Sequence[str]) -> list[str]:
    held = fields_of(schema)
    return [_column(name, held[name].type) for name in columns]


def _column(column: str, kind: pa.DataType) -> str:
    """The SQL of a column: JSON as text, and a list of a fixed length as any list."""
    name = quoted(column)
    if is_json(kind):
        text = (
            f"CASE json_type({name}) WHEN 'VARCHAR' THEN {name} ->> '$' WHEN 'NULL' THEN NULL ELSE {name}::VARCHAR END"
        )
        return f"{text} AS {name}"
    return f"{name}::VARCHAR[] AS {name}" if is_text_list(kind) else name
