"""The outboxes of feeds: a DuckDB file each.

The bodies of events that waited are not taken over: a run reads their days again before it sends anything, which makes
them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from spotify_pipeline.conversions import Stop
from spotify_pipeline.former_home.errors import damaged
from spotify_pipeline.state import StateStore, tables

_FORMAT = 2
_ROWS_AT_ONCE = 10_000


_TAKEN: dict[sa.Table, str] = {
    tables.event_day: """
        SELECT CAST(day AS VARCHAR), new, repeated, coalesce(unwanted, 0), forgotten, coalesce(replay, false),
            strftime(coalesce(first_read_at, read_at), $format), strftime(read_at, $format)
        FROM days""",
    tables.event_reading: "SELECT CAST(day AS VARCHAR), verdict, accepted, rows FROM readings",
    tables.event_total: """
        SELECT CAST(day AS VARCHAR), state, coalesce(reason, ''), CAST(sum(events) AS BIGINT)
        FROM totals GROUP BY ALL""",
    tables.event_: """
        SELECT number, CAST(day AS VARCHAR), key, event_name, epoch_us(event_time), state, reason, fields,
            coalesce(replay, false), strftime(settled_at, $format)
        FROM events ORDER BY number""",
}
"""What each table gets, in the order of its columns behind `feed`."""
_TIME = {"format": "%Y-%m-%dT%H:%M:%S.%fZ"}


def take_outboxes(home: Path, state: StateStore, transaction: sa.Connection) -> int:  # noqa: ARG001 - as the others
    """Every outbox of a file; how many events."""
    return sum(_take(file, transaction) for file in sorted((home / "outbox").glob("[!.]*.duckdb")))


def _take(file: Path, transaction: sa.Connection) -> int:
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            if connection.execute("SELECT format FROM outbox").fetchall() != [(_FORMAT,)]:
                raise damaged(file)
            (guarantee,) = connection.execute("SELECT guarantee FROM feeds").fetchall()[0]
            stopped = connection.execute("SELECT stopped_at, answer, known FROM stops").fetchall()
            stop = [Stop(at=at.replace(tzinfo=UTC), answer=answer, known=known) for at, answer, known in stopped]
            made = tables.feed.insert().values(
                name=file.stem, guarantee=guarantee, stop=stop[0].to_text() if stop else None
            )
            feed = transaction.execute(made.returning(tables.feed.c.feed)).scalar_one()
            return [_filled(connection, table, feed, transaction) for table in _TAKEN][-1]
    except (duckdb.Error, IndexError):
        raise damaged(file) from None


def _filled(connection: duckdb.DuckDBPyConnection, table: sa.Table, feed: int, transaction: sa.Connection) -> int:
    names, rows = table.columns.keys(), 0
    for batch in _batches(connection.execute(_TAKEN[table], _TIME if "$format" in _TAKEN[table] else None)):
        transaction.execute(table.insert(), [dict(zip(names, (feed, *row), strict=True)) for row in batch])
        rows += len(batch)
    return rows


def _batches(found: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    while batch := found.fetchmany(_ROWS_AT_ONCE):
        yield batch
