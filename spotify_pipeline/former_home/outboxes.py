"""The outboxes of feeds: a DuckDB file each.

The bodies of events that waited are not taken over: a run reads their days again before it sends anything, which makes
them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from spotify_pipeline.conversions import NewOutbox
from spotify_pipeline.former_home.errors import damaged
from spotify_pipeline.state import StateStore

_FORMAT = 2
_TABLES = ("feeds", "days", "events", "totals", "readings", "stops")


def take_outboxes(home: Path, state: StateStore, transaction: sa.Connection) -> int:
    """Every outbox of a file; how many events."""
    events = 0
    for file in sorted((home / "outbox").glob("[!.]*.duckdb")):
        tables = _tables(file)
        events += NewOutbox(state, transaction, file.stem).fill(tables)
    return events


def _tables(file: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            if connection.execute("SELECT format FROM outbox").fetchall() != [(_FORMAT,)]:
                raise damaged(file)
            return {table: list(_rows(connection, table)) for table in _TABLES}
    except duckdb.Error:
        raise damaged(file) from None


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[dict[str, Any]]:
    found = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of the names above
    names = [each[0] for each in found.description or []]
    return (dict(zip(names, row, strict=True)) for row in found.fetchall())
