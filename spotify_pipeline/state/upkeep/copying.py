"""Copies a whole state into another: to move it, to back it up, to restore it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from spotify_pipeline.home import private_directory
from spotify_pipeline.state import engines
from spotify_pipeline.state.creation import Filling, unfinished
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.place import Place
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.tables import (
    erasure,
    erasure_digest,
    erasure_waiting,
    initialised,
    lease,
    metadata,
    rate,
    version,
)

_MADE_WITH_IT = frozenset({initialised.name, version.name})
"""Tables of which every state has its row from the beginning."""
_NOT_COPIED = frozenset({rate.name})
"""What says nothing elsewhere: how much of the rate limit is used now."""
_OF_REQUESTS = (erasure, erasure_waiting, erasure_digest)
"""What says who asked to be forgotten, in the order in which their keys allow rows."""
Requests = Mapping[sa.Table, list[tuple[Any, ...]]]
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


@dataclass(frozen=True)
class Restored(Copied):
    """What was restored. ``unread``: why the requests to be forgotten of the state before could not be read, or ""."""

    unread: str


def move(source: StateStore, target: StateStore, *, now: datetime) -> Copied:
    """Copy a state into another database, verify it, and let nobody write to the first one any more.

    Run again after a crash, it does what is left to do.

    Raises:
        StateError: ``target`` holds another state, which is left as it is; or one of the two cannot be used.
    """
    with source.begin() as there:
        _hold_still(there, source)
        _fill_new(target, partial(_fill, there))
        with target.read() as here:
            copied = _compared(there, here, target)
        there.execute(initialised.update().values(moved_to=str(target.place), moved_at=now.isoformat()))
    return copied


def back_up(source: StateStore, file: Path) -> Copied:
    """Write a copy of a state, as of one moment, into a private SQLite file, which appears whole.

    Raises:
        StateError: the file exists, or cannot be written; or the state cannot be used.
    """
    if file.exists():
        raise StateError(f"{file} exists. A backup never replaces another: name a new file.")
    private_directory(file.parent)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as scratch:
        store = StateStore(Place.of_file(Path(scratch) / file.name), Path(scratch))
        with source.read() as there:
            store.create(partial(_fill, there))
            with store.read() as here:
                copied = _compared(there, here, store)
        engines.close(store.place)  # folds the write-ahead log into the file
        (Path(scratch) / file.name).rename(file)
    return copied


def restore(backup: Path, target: StateStore, *, now: datetime) -> Restored:
    """Put a backup in the place of a state; what asked to be forgotten since stays asked.

    A SQLite file that is there is kept beside it. No process that held a lease holds it any more. Run again after a
    crash, it does all of it again.

    Raises:
        StateError: the backup cannot be read; or the database that machines share holds a state already.
    """
    if not backup.is_file():
        raise StateError(f"There is no file {backup}.")
    with tempfile.TemporaryDirectory(prefix="spotify-pipeline-restore-") as scratch:
        # It is read from a private copy: opening a database may write beside it.
        copy = Path(scratch) / "backup.sqlite"
        shutil.copyfile(backup, copy)
        copy.chmod(0o600)
        saved = StateStore(Place.of_file(copy), Path(scratch))
        with saved.read() as there:
            requests, unread = _requests_of(target)

            def fill(here: sa.Connection) -> None:
                _fill(there, here)
                here.execute(lease.update().values(fence=lease.c.fence + FENCES_SKIPPED))
                _merge(requests, here)

            if not _fill_new(target, fill, aside=f"before-{now:%Y%m%dT%H%M%SZ}"):
                raise StateError(
                    f"There is a state in {target.place} already. Restore it with the tools of its database, or name "
                    "one that is new."
                )
        with target.read() as here:
            rows = {table.name: _count(here, table) for table in _tables()}
        engines.close(saved.place)
    return Restored(rows, unread)


def _fill_new(target: StateStore, filling: Filling, *, aside: str | None = None) -> bool:
    """Make ``target`` with what it is to hold, or fill one that was made and is new; whether it was filled."""
    file = target.place.file
    kept = file.with_name(f"{file.name}.{aside}") if file is not None and aside is not None else None
    if target.create(filling, aside=kept):
        return True
    with target.begin() as here:
        if not is_new(here):
            return False
        filling(here)
    return True


def _requests_of(target: StateStore) -> tuple[Requests, str]:
    """Requests to be forgotten in the state that a backup is to replace, and why they cannot be read, if so."""
    file = target.place.file
    if file is None:
        return {}, ""
    if not file.exists():
        # What an earlier restore would have put in its place, had it not been killed.
        file = unfinished(file)
    if not file.exists():
        return {}, ""
    try:
        with StateStore(Place.of_file(file), target.home).read() as there:
            return {each: [tuple(row) for row in there.execute(sa.select(each))] for each in _OF_REQUESTS}, ""
    except StateError as error:
        return {}, str(error)
    finally:
        engines.close(Place.of_file(file))


def _merge(requests: Requests, here: sa.Connection) -> None:
    """Let these requests be as they are in the state before, whatever the backup says of them."""
    known = [{"request_": row[0]} for row in requests.get(erasure, ())]
    if not known:
        return
    for table, column in ((erasure_digest, "request"), (erasure_waiting, "request"), (erasure, "id")):
        here.execute(table.delete().where(table.c[column] == sa.bindparam("request_")), known)
    for table, rows in requests.items():
        if rows:
            names = table.columns.keys()
            here.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _hold_still(there: sa.Connection, source: StateStore) -> None:
    """Keep others from writing until the transaction ends; on SQLite a transaction that writes does."""
    if source.place.is_shared:
        names = ", ".join(f'"{each.name}"' for each in metadata.sorted_tables)
        there.execute(sa.text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))


def _tables() -> Iterator[sa.Table]:
    return (each for each in metadata.sorted_tables if each.name not in _NOT_COPIED)


def is_new(here: sa.Connection, *, but: Collection[str] = ()) -> bool:
    """Whether a state holds nothing yet, but for tables of these names."""
    passed_over = {*_MADE_WITH_IT, *but}
    return not any(_count(here, table) for table in _tables() if table.name not in passed_over)


def _count(here: sa.Connection, table: sa.Table) -> int:
    return here.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _fill(there: sa.Connection, here: sa.Connection) -> None:
    for table in metadata.sorted_tables:
        if table.name in _MADE_WITH_IT:
            here.execute(table.delete())
    for table in _tables():
        names = table.columns.keys()
        for rows in _rows(there, table).partitions(_ROWS_AT_ONCE):
            here.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        _number_on(here, table)


def _number_on(here: sa.Connection, table: sa.Table) -> None:
    """Let the next row have the number after the last: PostgreSQL counts only those that it numbered itself."""
    numbered = table.autoincrement_column
    if numbered is not None and here.dialect.name == "postgresql":
        counter = sa.func.pg_get_serial_sequence(table.name, numbered.name)
        last = sa.func.max(numbered)
        here.execute(sa.select(sa.func.setval(counter, last)).where(numbered.is_not(None)).having(last.is_not(None)))


def _compared(there: sa.Connection, here: sa.Connection, target: StateStore) -> Copied:
    found: dict[str, int] = {}
    for table in _tables():
        rows, total = _fingerprint(there, table)
        if _fingerprint(here, table) != (rows, total):
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
