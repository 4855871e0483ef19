"""Copies a whole state into another: to move it, to back it up, to restore it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.tables import initialised, lease, metadata, rate, version

_MADE_WITH_IT = frozenset({initialised.name, version.name})
"""Tables of which every state has its row from the beginning."""
_NOT_COPIED = frozenset({rate.name})
"""What says nothing elsewhere: how much of the rate limit is used now."""
_ROWS_AT_ONCE = 1_000
FENCES_SKIPPED = 1_000_000
"""So many fences are passed over by a restore: a run that began after the backup must not write under its fence."""


@dataclass(frozen=True)
class Copied:
    """What was copied, or found to be the same: rows by table."""

    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())


def copy(source: StateStore, target: StateStore) -> Copied:
    """Make ``target``, which is new or holds the same already, equal to ``source``, as of one moment; and verify it.

    Raises:
        StateError: ``target`` holds something else, which is left as it is; or one of the two cannot be used; or what
            arrived is not what was there.
    """
    target.create()
    with source.read() as there:
        with target.begin() as here:
            if _is_new(here):
                _fill(there, here)
        with target.read() as here:
            return _compared(there, here, target)


def skip_fences(transaction: sa.Connection) -> None:
    """Let the next holder of each lease have a fence that none had before, whenever this copy was made."""
    transaction.execute(lease.update().values(fence=lease.c.fence + FENCES_SKIPPED))


def _tables() -> Iterator[sa.Table]:
    return (each for each in metadata.sorted_tables if each.name not in _NOT_COPIED)


def _is_new(here: sa.Connection) -> bool:
    return all(
        here.execute(sa.select(table).limit(1)).first() is None
        for table in _tables()
        if table.name not in _MADE_WITH_IT
    )


def _fill(there: sa.Connection, here: sa.Connection) -> None:
    for table in reversed(metadata.sorted_tables):
        if table.name in _MADE_WITH_IT:
            here.execute(table.delete())
    for table in _tables():
        names = table.columns.keys()
        for rows in _rows(there, table).partitions(_ROWS_AT_ONCE):
            here.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _compared(there: sa.Connection, here: sa.Connection, target: StateStore) -> Copied:
    found: dict[str, int] = {}
    for table in _tables():
        rows, digest = _fingerprint(there, table)
        if _fingerprint(here, table) != (rows, digest):
            raise StateError(
                f"The state in {target.place} is another one (its table {table.name} differs), and is left as it is. "
                "Name a database or a file that is new."
            )
        found[table.name] = rows
    return Copied(found)


def _fingerprint(of: sa.Connection, table: sa.Table) -> tuple[int, int]:
    """How many rows, and a sum over the digests of each, which no order changes."""
    rows, total = 0, 0
    for row in _rows(of, table):
        total = (total + int.from_bytes(hashlib.sha256(repr(tuple(row)).encode()).digest())) % 2**256
        rows += 1
    return rows, total


def _rows(of: sa.Connection, table: sa.Table) -> sa.CursorResult[Any]:
    return of.execute(sa.select(table).execution_options(yield_per=_ROWS_AT_ONCE))
