"""What is asked of a warehouse. Derive a class from `Warehouse` to read and write another kind than DuckDB."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import ClassVar, Self

import pyarrow as pa

from spotify_pipeline.warehouse.errors import SegmentError
from spotify_pipeline.warehouse.relation import Relation
from spotify_pipeline.warehouse.selection import Between, Ranking


class Warehouse(ABC):
    """A place with tables of people, read as Arrow data.

    A project names its class in the connection's YAML. The options there are the constructor's keyword arguments. The
    constructor keeps them and does nothing else; `open` connects, and an object is opened once, for one relation.

    What every warehouse has in common is above it, in `SegmentReader`: it refuses types that cannot serve, compares
    counts, and replaces every exception by a sentence without its message, which may quote a value. Only a
    `SegmentError` is shown as it is, so it must not contain one.
    """

    look_there: ClassVar[str] = "Run the query in the warehouse to see it."
    """Where a person finds an error's message, which is withheld here."""

    def open(self) -> None:  # noqa: B027 - not every warehouse has something to open
        """Connect. Nothing is asked before.

        Raises:
            WarehouseHeld: another process has it for itself at the moment, so waiting may help.
            SegmentError: it cannot be opened.
        """

    def close(self) -> None:  # noqa: B027
        """Release it, however reading ended. Nothing is asked afterwards."""

    def __enter__(self) -> Self:
        """Open it for a block.

        Raises:
            SegmentError: it cannot be opened.
        """
        try:
            self.open()
        except BaseException as error:
            self.__exit__()
            if isinstance(error, SegmentError) or not isinstance(error, Exception):
                raise
            raise SegmentError(
                f"The warehouse cannot be opened ({type(self).__name__} raised {type(error).__name__}; the message is "
                "withheld because it may quote a credential). Open it in Python to see it. Nothing was sent."
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        """Close it. What was read is compared with its count, so a driver's last complaint adds nothing."""
        with suppress(Exception):
            self.close()

    @abstractmethod
    def schema(self, relation: Relation) -> pa.Schema | None:
        """Names and types of the columns, in order; None if there is no such table or view.

        Types are those that say what values are (`pa.json_()`, `pa.uuid()`, a dictionary for an enumeration); one that
        Arrow does not have is `pa.opaque`. A field's metadata may hold the warehouse's own name of its type, without
        parameters, under the key `type`: messages show it.
        """

    @abstractmethod
    def count(self, relation: Relation, only: Between | None = None) -> int:
        """The number of rows, of all or of those in ``only``."""

    @abstractmethod
    def newest(self, relation: Relation, column: str) -> date | None:
        """The latest value of a column of dates or timestamps; None if no row has one.

        A date or datetime. One without a time zone is taken for UTC.

        Raises:
            OverflowError: it is infinite, or beyond what Python can hold.
        """

    @abstractmethod
    def batches(
        self, relation: Relation, columns: Sequence[str], only: Between | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The named columns, in that order, of every row, or of every one in ``only``; rows in no particular order.

        All batches have one schema: that of ``schema``, but JSON may come as text, of a string its value and of
        anything else the JSON. Columns are there, and each is named once.
        """

    def ranked(
        self, relation: Relation, columns: Sequence[str], rank: Ranking, only: Between | None = None
    ) -> Iterator[pa.RecordBatch] | None:
        """As ``batches``, with `RANK_COLUMN` (int64) last: 1 for the first row of this order, each number once.

        Rows without a value, or with NaN, come last in either direction. All selected columns break ties, so that equal
        tables give equal ranks.

        Returns:
            None where the warehouse leaves that to this machine, which then sorts on its own disk.
        """
        del relation, columns, rank, only

    def not_identifying(self, relation: Relation, column: str) -> str | None:
        """What is among the values of a column that cannot identify anybody, although its type could; None if nothing.

        The end of "... holds JSON, and in some row it is", without a value.
        """
        del relation, column

    def append(self, relation: Relation, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Add rows to our own table: all of them or, if anything fails, none. Create schema and table when missing.

        Nothing else is asked of this object: it was not opened. Asked afterwards, ``schema`` has the same names and
        types.

        Raises:
            WarehouseHeld: another process has it for itself at the moment, so waiting may help.
            SegmentError: it cannot be written, or the table has other columns.
        """
        del schema, batches
        raise SegmentError(f"{relation} cannot be written: {type(self).__name__} only reads. Give it a method append.")

    @classmethod
    def type_named(cls, text: str) -> pa.DataType | None:
        """The type that somebody wrote, such as a dbt contract does; None if it is unknown without the warehouse."""
        del text

    def failure(self, relation: Relation, error: Exception) -> SegmentError:
        """The error to raise instead of ``error``, whose message may quote a value."""
        return SegmentError(
            f"{relation} could not be read to its end ({type(error).__name__}; the message is withheld because it may "
            f"quote a value). {self.look_there} Nothing was sent."
        )
