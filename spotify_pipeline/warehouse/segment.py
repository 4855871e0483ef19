"""Streams the rows of a segment out of any warehouse, with error messages that contain no value (requirement P03).

What holds for every warehouse is here: columns whose types cannot serve are refused by name before anything is read,
every exception of the warehouse is replaced, and batches are bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, TypeVar, cast

import polars as pl
import pyarrow as pa

from spotify_pipeline.warehouse.column_types import (
    can_consent,
    can_identify,
    fields_of,
    is_json,
    is_readable,
    no_consent,
    no_identifier,
    no_order,
    orders_rows,
    says_when,
    type_name,
)
from spotify_pipeline.warehouse.duckdb import rank_rows
from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.relation import Relation
from spotify_pipeline.warehouse.selection import RANK_COLUMN, Between, Ranking
from spotify_pipeline.warehouse.warehouse import Warehouse

BATCH_ROWS = 50_000
T = TypeVar("T")


@dataclass(frozen=True)
class SegmentReader:
    """Reads one relation of an open warehouse.

    Attributes:
        warehouse: open.
        relation: what is read.
        spill: private directory for rows that must be sorted on this machine and do not fit into memory.
    """

    warehouse: Warehouse
    relation: Relation
    spill: Path
    _streams: list[Generator[pl.DataFrame]] = field(default_factory=list[Generator[pl.DataFrame]], repr=False)

    def close(self) -> None:
        """End every interrupted reading: an unfinished reading may keep the warehouse open after it is closed."""
        for stream in self._streams:
            stream.close()

    def columns(self) -> dict[str, pa.DataType]:
        """Column names and their types, in order.

        Raises:
            SegmentError: the relation does not exist.
        """
        return {name: each.type for name, each in fields_of(self._schema()).items()}

    def count(self, only: Between | None = None) -> int:
        """The number of rows, of all or of those in ``only``.

        Raises:
            SegmentError: it cannot be counted.
        """
        self._schema()
        return self._asked(lambda: self.warehouse.count(self.relation, only))

    def newest(self, column: str) -> datetime | None:
        """The latest time in a column of dates or timestamps, in UTC; None if no row has one.

        A date is its midnight in UTC, and a timestamp without a zone counts as UTC.

        Raises:
            SegmentError: the column is missing or of another type, or its latest time is infinite.
        """
        held = self._require([column])[column]
        if not says_when(held.type):
            raise SegmentError(
                f"{self.relation}.{column} holds {type_name(held)}, not a date or time, so it cannot say how old the "
                "newest row is. Name another column in the audience's YAML, or change its type in the segment. Nothing "
                "was sent."
            )
        try:
            return self._asked(lambda: _in_utc(self.warehouse.newest(self.relation, column)))
        except OverflowError:
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

        Columns keep their type, except JSON, which becomes text. A column named twice comes once.

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
        held = self._require([*wanted, *named])
        self._refuse_types({column: held[column] for column in wanted}, identifiers, consent)
        if rank is not None:
            if RANK_COLUMN in wanted:
                raise SegmentError(f"The name {RANK_COLUMN} is taken: rename that column of {self.relation}.")
            if not orders_rows(held[rank.column].type):
                said = no_order(f"{self.relation}.{rank.column}", type_name(held[rank.column]))
                raise SegmentError(f"{said}. Nothing was sent.")
        expected = [*wanted, RANK_COLUMN] if rank is not None else wanted
        rows: Any = None
        try:
            rows = self._rows(wanted, rank, only)
            first: dict[str, pa.Field[Any]] = {}
            for batch in rows:
                given = fields_of(batch.schema)
                first = first or given
                self._refuse_other_columns(given, first, expected)
                for start in range(0, batch.num_rows, batch_rows):
                    yield _frame(batch.slice(start, batch_rows))
        except SegmentError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a driver raises may quote a value
            raise self.warehouse.failure(self.relation, error) from None
        finally:
            rows = None  # an error's traceback may keep this frame alive

    def _rows(self, wanted: list[str], rank: Ranking | None, only: Between | None) -> Iterator[pa.RecordBatch]:
        if rank is None:
            return self.warehouse.batches(self.relation, wanted, only)
        ranked = self.warehouse.ranked(self.relation, wanted, rank, only)
        if ranked is not None:
            return ranked
        needed = list(dict.fromkeys([*wanted, rank.column]))
        return rank_rows(self.warehouse.batches(self.relation, needed, only), wanted, rank, self.spill)

    def _refuse_other_columns(
        self, given: dict[str, pa.Field[Any]], first: dict[str, pa.Field[Any]], expected: list[str]
    ) -> None:
        """Reject batches of other columns than those asked for, or of other types than the first one."""
        if list(given) != expected:
            raise SegmentError(
                f"{self.relation} gave the columns {', '.join(given)} where {', '.join(expected)} were asked for. "
                "Correct what reads it. Nothing was sent."
            )
        for name, each in given.items():
            if each.type != first[name].type:
                raise SegmentError(
                    f"{self.relation}.{name} holds {type_name(first[name])} in one batch and {type_name(each)} in "
                    "another. State the type of each column where the batches are made: all must have one schema. "
                    "Nothing was sent."
                )

    def _schema(self) -> pa.Schema:
        schema = self._asked(lambda: self.warehouse.schema(self.relation))
        if schema is None:
            raise SegmentError(
                f"The warehouse has no table or view {self.relation}. Build it first (for a dbt model: materialize its "
                "asset), or correct the YAML that names it."
            )
        return schema

    def _asked(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (SegmentError, OverflowError):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise self.warehouse.failure(self.relation, error) from None

    def _require(self, columns: Sequence[str]) -> dict[str, pa.Field[Any]]:
        """All columns, which must include ``columns``."""
        present = fields_of(self._schema())
        absent = [column for column in columns if column not in present]
        if absent:
            raise SegmentError(
                f"{self.relation} has no column {', '.join(absent)}. It has: {', '.join(present)}. "
                "Correct the YAML that names it, or add the column there."
            )
        return present

    def _refuse_types(
        self, held: Mapping[str, pa.Field[Any]], identifiers: Collection[str], consent: Collection[str]
    ) -> None:
        """Reject columns whose types cannot be read, or cannot hold what they are used for."""
        problem = None
        for column, each in held.items():
            name, kind = f"{self.relation}.{column}", type_name(each)
            if column in identifiers and not can_identify(each.type):
                problem = no_identifier(name, kind)
            elif column in consent and not can_consent(each.type):
                problem = no_consent(name, kind)
            elif not is_readable(each.type):
                problem = f"{name} holds {kind}, which cannot be read here. Cast it to another type"
            elif column in identifiers and is_json(each.type) and (other := self._other_json(column)) is not None:
                problem = (
                    f"{name} holds {kind}, and in some row it is {other} and not a single string, of which no "
                    "identifier can be made. Give it as text (several values of one person as a LIST of text), or name "
                    "another column"
                )
            if problem is not None:
                raise SegmentError(f"{problem}. Nothing was sent.")

    def _other_json(self, column: str) -> str | None:
        return self._asked(lambda: self.warehouse.not_identifying(self.relation, column))


def _in_utc(latest: date | None) -> datetime | None:
    if latest is None:
        return None
    moment = latest if isinstance(latest, datetime) else datetime.combine(latest, time())
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _frame(batch: pa.RecordBatch) -> pl.DataFrame:
    """A batch as a data frame: what Arrow calls an extension as what it is stored as, a list of fixed length as any."""
    given = cast("list[Any]", batch.columns)
    columns = [each.storage if isinstance(each, pa.ExtensionArray) else each for each in given]
    frame = cast("pl.DataFrame", pl.from_arrow(pa.RecordBatch.from_arrays(columns, names=batch.schema.names)))
    arrays = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Array)]
    return frame.with_columns(pl.col(arrays).arr.to_list()) if arrays else frame
