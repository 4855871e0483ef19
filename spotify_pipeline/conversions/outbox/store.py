"""What an outbox is kept in: a database, and a place for the bodies of events that are still to be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

import polars as pl

from spotify_pipeline.conversions.outbox.model import OutboxError
from spotify_pipeline.rows import withheld_errors

FORMAT = 2
"""Of the tables. Those of another one are not touched."""

TABLES = (
    "CREATE TABLE IF NOT EXISTS outbox (format integer)",
    # How events that are `sending` were claimed; it outlives the run that claimed them.
    "CREATE TABLE IF NOT EXISTS feeds (feed integer, name text, guarantee text)",
    # new, repeated, unwanted: see DayAccount.read. A forgotten day has its sums in `totals` and no events.
    # replay: the day is to be read again for rows of it that are no events.
    """CREATE TABLE IF NOT EXISTS days (
        feed integer, day date, new bigint, repeated bigint, read_at timestamp, forgotten boolean,
        unwanted bigint, replay boolean, first_read_at timestamp)""",
    # key: see VERDICTS. place: where the body is, for pending events. Times are UTC.
    """CREATE TABLE IF NOT EXISTS events (
        feed integer, number bigint, day date, key text, event_name text, state text, reason text, fields text,
        place bigint, replay boolean, settled_at timestamp, event_time timestamp)""",
    "CREATE TABLE IF NOT EXISTS totals (feed integer, day date, state text, reason text, events bigint)",
    # What the newest reading of a day said of its rows (a reason, or `pending`), and the last one that was let pass;
    # each with a row of no verdict, so that a day without rows is known to have been read.
    "CREATE TABLE IF NOT EXISTS readings (feed integer, day date, verdict text, rows bigint, accepted boolean)",
    # See Stop; at most one a feed.
    "CREATE TABLE IF NOT EXISTS stops (feed integer, stopped_at timestamp, answer text, known text)",
)


class Database(Protocol):
    """A database that speaks the SQL which DuckDB and PostgreSQL share; ``?`` stands for a value.

    Every method raises OutboxError, without the driver's words: they may quote a value.
    """

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What a query gives."""
        ...

    def change(self, statement: str, values: Sequence[object] = ()) -> int:
        """Carry out a statement; how many rows it changed."""
        ...

    def incoming(self, frame: pl.DataFrame) -> AbstractContextManager[None]:
        """Within the block, statements see the frame as the relation ``incoming``."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """What is done in the block is done as a whole and durably, or, where it raises, not at all."""
        ...

    def close(self) -> None: ...


class Bodies(Protocol):
    """Where the bodies of events lie that are still to be sent."""

    def keep(self, bodies: pl.DataFrame) -> int:
        """Take over bodies (columns number, body), inside the transaction that names them; the place they are in."""
        ...

    def read(self, wanted: Sequence[tuple[int, int]]) -> Mapping[int, str]:
        """Bodies by number, of these numbers and places."""
        ...

    def settled(self, numbers: Sequence[int]) -> None:
        """These events need no body any more; said inside the transaction that settles them."""
        ...

    def thin_out(self, database: Database, *, wholly: bool) -> None:
        """Drop what no pending event needs: what is cheap to drop, or, ``wholly``, everything."""
        ...


withheld = partial(withheld_errors, raised=OutboxError)
"""``withheld_errors`` that raises an OutboxError."""
