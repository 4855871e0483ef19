"""Streams the rows of a segment out of DuckDB, with error messages that contain no value.

DuckDB quotes the offending cell in most of its error messages, so every error of the driver is replaced by one that
names only the relation and the kind of failure (requirement P03).
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import polars as pl

from spotify_pipeline.warehouse.duckdb.column_types import (
    JSON,
    can_consent,
    can_identify,
    is_readable,
    is_text_list,
    may_be_nan,
    no_consent,
    no_identifier,
    orders_rows,
    says_when,
    type_name,
)
from spotify_pipeline.warehouse.duckdb.spill import own_spill_directory
from spotify_pipeline.warehouse.duckdb.unreadable import main_catalog, why_unreadable
from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.relation import Relation, quoted

BATCH_ROWS = 50_000
MEMORY_LIMIT = "512MB"


RANK_COLUMN = "__rank"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def lock_down(
    connection: duckdb.DuckDBPyConnection, spill_directory: Path, *, memory_limit: str = MEMORY_LIMIT
) -> None:
    """Confine a connection that touches personal data (requirements P07, S02).

    What does not fit into ``memory_limit`` is spilled to ``spill_directory`` (created with mode 0700). SQL cannot read
    or write files or the network, no extension is installed, and none of this can be changed back.
    """
    spill = str(own_spill_directory(spill_directory)).replace("'", "''")
    connection.execute(f"SET temp_directory = '{spill}'")
    connection.execute(f"SET memory_limit = '{memory_limit}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


@dataclass(frozen=True)
class Ranking:
    """An order of the rows. Rows without a value, or with NaN, come last in either direction.

    Attributes:
        column: of numbers, dates or times. Infinity is beyond all others.
        highest_first: whether the row with the highest value has rank 1.
    """

    column: str
    highest_first: bool


@dataclass(frozen=True)
class Between:
    """Rows whose value in a column is in a range.

    Attributes:
        column: name.
        at_least, below: of the column's own type; None for no limit.
        or_missing: also rows without a value.
    """

    column: str
    at_least: object | None = None
    below: object | None = None
    or_missing: bool = False

    def where(self) -> tuple[str, list[object]]:
        """The SQL condition, and the values of its parameters."""
        name = quoted(self.column)
        tests = [f"{name} {sign} ?" for sign, value in ((">=", self.at_least), ("<", self.below)) if value is not None]
        values = [value for value in (self.at_least, self.below) if value is not None]
        inside = " AND ".join(tests) or f"{name} IS NOT NULL"
        return (f"({inside} OR {name} IS NULL)" if self.or_missing else f"({inside})"), values


def _selected(column: str, column_type: str) -> str:
    """The SQL of a column: JSON as text, and a list of a fixed length as any list."""
    name = quoted(column)
    if column_type == JSON:
        text = (
            f"CASE json_type({name}) WHEN 'VARCHAR' THEN {name} ->> '$' WHEN 'NULL' THEN NULL ELSE {name}::VARCHAR END"
        )
        return f"{text} AS {name}"
    return f"{name}::VARCHAR[] AS {name}" if is_text_list(column_type) else name


@dataclass(frozen=True)
class SegmentReader:
    """Reads one relation over an open, read-only connection."""

    connection: duckdb.DuckDBPyConnection
    relation: Relation
    _streams: list[Generator[pl.DataFrame]] = field(default_factory=list[Generator[pl.DataFrame]], repr=False)

    def close(self) -> None:
        """End every interrupted reading: an unfinished reading keeps the database open after it is closed."""
        for stream in self._streams:
            stream.close()

    def _sql(self) -> str:
        """The relation as SQL. If the schema has the file's name, DuckDB needs three parts."""
        if len(self.relation.parts) != 2:
            return self.relation.sql
        catalog, schema = main_catalog(self.connection), self.relation.parts[0]
        same_name = schema.casefold() == catalog.casefold()
        if (
            same_name
            and self.connection.execute(
                "SELECT 1 FROM duckdb_schemas() WHERE database_name = ? AND lower(schema_name) = lower(?)",
                [catalog, schema],
            ).fetchall()
        ):
            return Relation((catalog, *self.relation.parts)).sql
        return self.relation.sql

    def columns(self) -> dict[str, str]:
        """Column names and their DuckDB types, in order.

        Raises:
            SegmentError: the relation does not exist.
        """
        try:
            rows = self.connection.execute(f"DESCRIBE {self._sql()}").fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from None
        return {str(name): str(kind) for name, kind, *_ in rows}

    def count(self, only: Between | None = None) -> int:
        """The number of rows, of all or of those in ``only``.

        Raises:
            SegmentError: it cannot be counted.
        """
        condition, values = only.where() if only is not None else ("true", [])
        try:
            # The names of relation and column are quoted.
            query = f"SELECT count(*) FROM {self._sql()} WHERE {condition}"  # noqa: S608
            found = self.connection.execute(query, values).fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from None
        return int(found[0][0])

    def newest(self, column: str) -> datetime | None:
        """The latest time in a column of dates or timestamps, in UTC; None if no row has one.

        A date is its midnight in UTC, and a timestamp without a zone counts as UTC.

        Raises:
            SegmentError: the column is missing or of another type, or its latest time is infinite.
        """
        kind = self._require([column])[column]
        if not says_when(kind):
            raise SegmentError(
                f"{self.relation}.{column} holds {kind}, not a date or time, so it cannot say how old the newest row "
                "is. Name another column in the audience's YAML, or change its type in the segment. Nothing was sent."
            )
        latest = f"max({quoted(column)})"
        try:
            found = self.connection.execute(
                f"SELECT {latest} IS NULL, epoch_us({latest}) FROM {self._sql()}"  # noqa: S608
            ).fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from None
        ((empty, microseconds),) = found
        if empty:
            return None
        try:
            return _EPOCH + timedelta(microseconds=microseconds)
        # DuckDB gives null for infinity, and allows years that Python does not.
        except (TypeError, OverflowError):
            raise SegmentError(
                f"The latest time in {self.relation}.{column} is infinite or beyond the year 9999, so it cannot say "
                "how old the newest row is. Correct the segment. Nothing was sent."
            ) from None

    def batches(
        self,
        columns: Sequence[str],
        batch_rows: int = BATCH_ROWS,
        rank: Ranking | None = None,
        only: Between | None = None,
        identifiers: Collection[str] = (),
        consent: Collection[str] = (),
    ) -> Iterator[pl.DataFrame]:
        """The named columns of every row, some 50,000 rows at a time, in no particular order.

        Columns keep their warehouse type, except JSON, which becomes text: of a string its value, of anything else
        the JSON. A column named twice comes once.

        Args:
            columns: their names.
            batch_rows: maximum number of rows of a frame.
            rank: adds ``RANK_COLUMN``, Int64, last: 1 for the first row of this order, each number once.
            only: which rows; by default all.
            identifiers: the columns that identify people.
            consent: the columns that say whether a person agreed.

        Raises:
            SegmentError: a column does not exist, its type does not fit its use, or reading stopped before the end.
        """
        stream = self._stream(columns, batch_rows, rank, only, identifiers, consent)
        self._streams.append(stream)
        return stream

    def _stream(
        self,
        columns: Sequence[str],
        batch_rows: int,
        rank: Ranking | None,
        only: Between | None,
        identifiers: Collection[str],
        consent: Collection[str],
    ) -> Generator[pl.DataFrame]:
        wanted = list(dict.fromkeys(columns))
        named = [each.column for each in (rank, only) if each is not None]
        kinds = self._require([*wanted, *named])
        self._refuse_types({column: kinds[column] for column in wanted}, identifiers, consent)
        selected = ", ".join(_selected(column, kinds[column]) for column in wanted)
        if rank is not None:
            if RANK_COLUMN in wanted:
                raise SegmentError(f"The name {RANK_COLUMN} is taken: rename that column of {self.relation}.")
            order = self._order(rank, kinds[rank.column], wanted)
            selected += f", row_number() OVER (ORDER BY {order}) AS {quoted(RANK_COLUMN)}"
        rows: Any = None
        try:
            condition, values = only.where() if only is not None else ("true", [])
            query = f"SELECT {selected} FROM {self._sql()} WHERE {condition}"  # noqa: S608
            rows = self.connection.sql(query, params=values or None).to_arrow_reader(batch_rows)
            for batch in rows:
                yield cast("pl.DataFrame", pl.from_arrow(batch))
        except Exception as error:  # noqa: BLE001 - Arrow hands DuckDB's message on as an OSError of its own
            raise self._failure(error) from None
        finally:
            rows = None  # an error's traceback may keep this frame alive

    def _order(self, rank: Ranking, kind: str, selected: Sequence[str]) -> str:
        if not orders_rows(kind):
            raise SegmentError(
                f"{self.relation}.{rank.column} holds {kind}, so it cannot say who stays when a list is cut: that "
                "takes numbers, dates or times. Name another column in order_by, or change its type in the segment. "
                "Nothing was sent."
            )
        name = quoted(rank.column)
        value = f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END" if may_be_nan(kind) else name
        # All selected columns break ties, so that equal tables give equal ranks.
        ties = "".join(f", {quoted(column)} ASC NULLS LAST" for column in selected)
        return f"{value} {'DESC' if rank.highest_first else 'ASC'} NULLS LAST{ties}"

    def _require(self, columns: Sequence[str]) -> dict[str, str]:
        """All columns and their types, which must include ``columns``."""
        present = self.columns()
        absent = [column for column in columns if column not in present]
        if absent:
            raise SegmentError(
                f"{self.relation} has no column {', '.join(absent)}. It has: {', '.join(present)}. "
                "Correct the YAML that names it, or add the column there."
            )
        return present

    def _refuse_types(self, types: Mapping[str, str], identifiers: Collection[str], consent: Collection[str]) -> None:
        """Reject columns whose types cannot be read, or cannot hold what they are used for."""
        problem = None
        for column, kind in types.items():
            name = f"{self.relation}.{column}"
            if column in identifiers and not can_identify(kind):
                problem = no_identifier(name, kind)
            elif column in consent and not can_consent(kind):
                problem = no_consent(name, kind)
            elif not is_readable(kind):
                problem = f"{name} holds {type_name(kind)}, which cannot be read here. Cast it to another type"
            elif column in identifiers and kind == JSON and (other := self._other_json(column)) is not None:
                problem = (
                    f"{name} holds JSON, and in some row it is {other} and not a single string, of which no identifier "
                    "can be made. Give it as text (several values of one person as a LIST of text), or name another "
                    "column"
                )
            if problem is not None:
                raise SegmentError(f"{problem}. Nothing was sent.")

    def _other_json(self, column: str) -> str | None:
        """The JSON type of a value of a JSON column that is not a string; None if all are strings."""
        kind = f"json_type({quoted(column)})"
        try:
            found = self.connection.execute(
                f"SELECT {kind} FROM {self._sql()} WHERE {kind} NOT IN ('VARCHAR', 'NULL') LIMIT 1"  # noqa: S608
            ).fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from None
        return str(found[0][0]) if found else None

    def _failure(self, error: Exception) -> SegmentError:
        return why_unreadable(self.connection, self.relation, error)
