"""A segment that a Python function of the project yields, read as if it were a table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import date
from typing import ClassVar, cast

import polars as pl
import pyarrow as pa

from spotify_pipeline.dotted import named
from spotify_pipeline.warehouse.column_types import columns_in_words, fields_of, says_when
from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.relation import Relation
from spotify_pipeline.warehouse.selection import Between
from spotify_pipeline.warehouse.warehouse import Warehouse

Batches = Iterable[pa.RecordBatch | pa.Table | pl.DataFrame]


class PythonFunction(Relation):
    """The people whom a function of the project yields, named by its dotted path. No SQL can name it."""

    def __post_init__(self) -> None:
        """Take any number of names."""

    def load(self) -> Callable[[], Batches]:
        """The function.

        Raises:
            ValueError: there is none, or it cannot be called without arguments.
        """
        function = named(str(self))
        if not callable(function):
            raise ValueError(f"{self} is no function. Name one that yields record batches or data frames")  # noqa: TRY004
        try:
            inspect.signature(function).bind()
        except TypeError:
            raise ValueError(f"{self} is called without arguments. Give each of its parameters a default") from None
        except ValueError:  # Python does not know its signature
            pass
        return cast("Callable[[], Batches]", function)


class FunctionWarehouse(Warehouse):
    """What one function yields, as the only relation. Memory holds a batch at a time.

    The function is called again for each reading. To count its rows and to find the newest it is called once, so
    a caller that counts and then reads has it called twice, and can compare both.
    """

    look_there: ClassVar[str] = "Call the function in Python to see it."

    def __init__(self, function: PythonFunction) -> None:
        """Keep the function, which is loaded when it is called."""
        self._function = function
        self._begun: Generator[pa.RecordBatch] | None = None
        self._schema: pa.Schema | None = None
        self._rows: int | None = None
        self._newest: dict[str, date | None] = {}

    def close(self) -> None:
        """End a call that was begun to see the columns."""
        if self._begun is not None:
            self._begun.close()

    def schema(self, relation: Relation) -> pa.Schema:
        """The columns of the first batch.

        Raises:
            SegmentError: there is no batch at all.
        """
        if self._schema is None:
            call = self._called()
            first = next(call, None)
            if first is None:
                raise SegmentError(
                    f"{relation} yields no batch, so its columns are not known. Let it yield an empty one, with all "
                    "columns, where there is nobody. Nothing was sent."
                )
            self._begun, self._schema = _with_first(first, call), first.schema
        return self._schema

    def count(self, relation: Relation, only: Between | None = None) -> int:
        """The number of rows."""
        if only is not None:
            return sum(batch.num_rows for batch in self.batches(relation, [only.column], only))
        if self._rows is None:
            self._survey(relation)
        return self._rows or 0

    def newest(self, relation: Relation, column: str) -> date | None:
        """The latest value.

        Raises:
            OverflowError: it is beyond what Python can hold.
        """
        if self._rows is None:
            self._survey(relation)
        if column not in self._newest:
            raise OverflowError
        return self._newest[column]

    def batches(
        self, relation: Relation, columns: Sequence[str], only: Between | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The named columns of all rows, or of those in ``only``."""
        for batch in self._all(relation):
            yield (batch if only is None else batch.filter(only.expression)).select(list(columns))

    def _survey(self, relation: Relation) -> None:
        """Count all rows, and find the latest value of each column of dates or times."""
        times = [name for name, each in fields_of(self.schema(relation)).items() if says_when(each.type)]
        rows, newest = 0, dict.fromkeys(times, cast("date | None", None))
        for batch in self._all(relation):
            rows += batch.num_rows
            for name in list(newest):
                try:
                    latest = cast("date | None", _frame(batch.select([name]))[name].max())
                except (OverflowError, ValueError):
                    del newest[name]
                else:
                    newest[name] = max((each for each in (newest[name], latest) if each is not None), default=None)
        self._rows, self._newest = rows, newest

    def _all(self, relation: Relation) -> Iterator[pa.RecordBatch]:
        """Every batch of a call: of that which was begun to see the columns, or of a new one."""
        schema, begun = self.schema(relation), self._begun
        self._begun = None
        for batch in begun if begun is not None else self._called():
            if (batch.schema.names, batch.schema.types) != (schema.names, schema.types):
                raise SegmentError(
                    f"{relation} yields batches of different schemas: first {columns_in_words(schema)}; then "
                    f"{columns_in_words(batch.schema)}. State the type of each column. Nothing was sent."
                )
            yield batch

    def _called(self) -> Generator[pa.RecordBatch]:
        try:
            function = self._function.load()
        except ValueError as unfit:
            raise SegmentError(f"{unfit}. Nothing was sent.") from None
        for given in cast("Iterable[object]", function()):
            if isinstance(given, pl.DataFrame):
                yield from _batches_of(given.to_arrow())
            elif isinstance(given, pa.Table):
                yield from _batches_of(given)
            elif isinstance(given, pa.RecordBatch):
                yield given
            else:
                raise SegmentError(
                    f"{self._function} yields {type(given).__name__}. Let it yield Arrow record batches or Polars "
                    "frames. Nothing was sent."
                )


def _with_first(first: pa.RecordBatch, others: Generator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    yield first
    yield from others


def _batches_of(table: pa.Table) -> list[pa.RecordBatch]:
    """A table in batches: at least one, which may be empty."""
    return table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]


def _frame(batch: pa.RecordBatch) -> pl.DataFrame:
    return cast("pl.DataFrame", pl.from_arrow(batch))
