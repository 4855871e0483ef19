"""The tables of the outboxes in the state, spoken to in the SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, TypeAlias

import polars as pl
import sqlalchemy as sa

from spotify_pipeline.state import Fence, StateStore

Change: TypeAlias = tuple[str, Sequence[Sequence[object]]]
"""A statement, and the values with which it is carried out one after the other."""
_TYPES: dict[type[pl.DataType], str] = {pl.Int64: "bigint", pl.String: "text", pl.Boolean: "boolean"}


class Database:
    """The state, for one feed; ``?`` stands for a value in a statement.

    What is written is written under the fence of the process that holds the feed. Every method raises StateError, or
    StateOvertaken where another process holds the feed by now.
    """

    def __init__(self, state: StateStore, fence: Fence | None = None, *, within: sa.Connection | None = None) -> None:
        """``within``: a transaction in which everything is looked at."""
        self._state = state
        self._fence = fence
        self._connection = within

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a query gives."""
        if self._connection is None:
            with self._state.read() as connection:
                return _rows(connection, statement, values)
        return _rows(self._connection, statement, values)

    def change(self, statement: str, *values: Sequence[object]) -> int:
        """Carry out a statement within a transaction, once for each of ``values``; how many rows it changed."""
        assert self._connection is not None  # noqa: S101
        if not values:
            return 0
        result = self._connection.exec_driver_sql(
            _in_dialect(self._connection, statement), [tuple(each) for each in values]
        )
        return max(result.rowcount, 0)

    def rows_of(self, statement: str, keys: pl.Series, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a query gives that has these keys, each there once, as ``incoming.value``, before its other values."""
        if self._is_shared:
            incoming, given = "unnest(CAST(? AS text[])) AS incoming (value)", keys.to_list()
        else:
            incoming, given = "json_each(?) AS incoming", json.dumps(keys.to_list())
        return self.rows(statement.format(incoming=incoming), [given, *values])

    def added(self, table: str, frame: pl.DataFrame) -> Change:
        """What adds the frame's rows to a table that has its columns."""
        into = f"INSERT INTO {table} ({', '.join(frame.columns)})"
        if frame.height and self._is_shared:
            arrays = ", ".join(f"CAST(? AS {_TYPES[type(kind)]}[])" for kind in frame.dtypes)
            return f"{into} SELECT * FROM unnest({arrays})", [[column.to_list() for column in frame]]  # noqa: S608
        return f"{into} VALUES ({', '.join('?' * frame.width)})", frame.rows()

    @contextmanager
    def moment(self) -> Generator[None]:
        """What is looked at in the block is of one moment, and nobody who writes waits for it."""
        with self._state.read() as self._connection:
            try:
                yield
            finally:
                self._connection = None

    def carry_out(self, changes: Sequence[Change]) -> None:
        """Make these changes as a whole and durably, or, where this raises, not at all."""
        with self.transaction():
            for statement, values in changes:
                self.change(statement, *values)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """What is done in the block is done as a whole and durably, or, where it raises, not at all."""
        assert self._fence is not None  # noqa: S101
        with self._state.writing(self._fence) as self._connection:
            try:
                yield
            finally:
                self._connection = None

    @property
    def _is_shared(self) -> bool:
        return self._state.place.is_shared


def _rows(connection: sa.Connection, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(_in_dialect(connection, statement), tuple(values))]


def _in_dialect(connection: sa.Connection, statement: str) -> str:
    return statement if connection.dialect.paramstyle == "qmark" else statement.replace("?", "%s")


def runs(numbers: Collection[int]) -> list[tuple[int, int]]:
    """First and last of each run of numbers without a gap; the numbers come in any order."""
    ascending = sorted(numbers)
    found: list[tuple[int, int]] = []
    for _, run in groupby(enumerate(ascending), key=lambda each: each[1] - each[0]):
        of_run = [number for _, number in run]
        found.append((of_run[0], of_run[-1]))
    return found
