"""The rate limiter's numbers in a row of a database that machines share, by the clock of its server.

The table is unlogged: a change costs no flush to disk, and a server that crashes begins afresh, with one burst.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from spotify_pipeline.spotify.retry.gcra import GcraState
from spotify_pipeline.state import StateStore, insert_missing, tables

_rows = tables.rate
_CLOCK = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)


class RateRow:
    """The numbers of ``key`` in ``state``."""

    def __init__(self, state: StateStore, key: str) -> None:
        self._state = state
        self._key = key

    @contextmanager
    def opened(self) -> Generator[LockedRow]:
        """The numbers, which nobody else changes within the block.

        Raises:
            StateError: the state cannot be used, or another process has held the row for half a minute.
        """
        with self._state.begin() as transaction:
            found = self._locked(transaction)
            if found is None:
                insert_missing(transaction, _rows, {"key": self._key, "content": GcraState().to_json().decode()})
                found = self._locked(transaction)
            assert found is not None  # noqa: S101
            content, now = found
            yield LockedRow(transaction, self._key, now, GcraState.from_json(content.encode()).plausible(now))

    def _locked(self, transaction: sa.Connection) -> tuple[str, float] | None:
        """The row, locked, and the time; what is outside the CTE, the clock, is read once the lock is there."""
        row = sa.select(_rows.c.content).where(_rows.c.key == self._key).with_for_update().cte("locked")
        found = transaction.execute(sa.select(row.c.content, _CLOCK.label("now"))).first()
        return None if found is None else (found.content, found.now)


@dataclass(frozen=True)
class LockedRow:
    """The row while it is locked. ``now`` is read after locking."""

    transaction: sa.Connection
    key: str
    now: float
    state: GcraState

    def save(self, state: GcraState) -> None:
        changed = _rows.update().where(_rows.c.key == self.key).values(content=state.to_json().decode())
        self.transaction.execute(changed)
