"""Copies a whole state into another: to move it, to back it up, to restore it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from spotify_pipeline.home import private_directory, reason_of
from spotify_pipeline.state import engines
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


def move(source: StateStore, target: StateStore, *, now: datetime) -> Copied:
    """Copy a state into another database, verify it, and let nobody write to the first one any more.

    Run again after a crash, it does what is left to do.

    Raises:
        StateError: ``target`` holds another state, which is left as it is; or one of the two cannot be used.
    """
    target.create()
    with source.begin() as there:
        _hold_still(there, source)
        with target.begin() as here:
            if is_new(here):
                _fill(there, here)
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
        store.create()
        with source.read() as there:
            with store.begin() as here:
                _fill(there, here)
            with store.read() as here:
                copied = _compared(there, here, store)
        engines.close(store.place)  # folds the write-ahead log into the file
        (Path(scratch) / file.name).rename(file)
    return copied


def restore(backup: Path, target: StateStore, *, now: datetime) -> Copied:
    """Put a backup in the place of a state; what asked to be forgotten since stays asked.

    A SQLite file that is there is kept beside it. No process that held a lease holds it any more.

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
            before = _put_aside(target, now)
            target.create(again=True)
            with target.begin() as here:
                if not is_new(here):
                    raise StateError(
                        f"There is a state in {target.place} already. Restore it with the tools of its "
                        "database, or name one that is new."
                    )
                _fill(there, here)
                here.execute(lease.update().values(fence=lease.c.fence + FENCES_SKIPPED))
                if before is not None:
                    _merge_erasures(before, here)
        with target.read() as here:
            rows = {table.name: _count(here, table) for table in _tables()}
        engines.close(saved.place)
    return Copied(rows)


def _put_aside(target: StateStore, now: datetime) -> StateStore | None:
    file = target.place.file
    if file is None or not file.exists():
        return None
    engines.close(target.place)
    kept = file.with_name(f"{file.name}.before-{now:%Y%m%dT%H%M%SZ}")
    try:
        for suffix in ("-wal", "-shm", ""):
            part = file.with_name(f"{file.name}{suffix}")
            if part.exists():
                part.rename(kept.with_name(f"{kept.name}{suffix}"))
    except OSError as error:
        raise StateError(f"{file} cannot be renamed ({reason_of(error)}). Nothing was restored.") from None
    return StateStore(Place.of_file(kept), target.home)


def _merge_erasures(before: StateStore, here: sa.Connection) -> None:
    """What the state before knows of requests to be forgotten counts; nothing where it cannot be read."""
    tables = (erasure, erasure_waiting, erasure_digest)
    try:
        with before.read() as there:
            known = {table: [tuple(row) for row in there.execute(sa.select(table))] for table in tables}
    except StateError:
        return
    requests = [{"request_": row[0]} for row in known[erasure]]
    if not requests:
        return
    for table, column in ((erasure_digest, "request"), (erasure_waiting, "request"), (erasure, "id")):
        here.execute(table.delete().where(table.c[column] == sa.bindparam("request_")), requests)
    for table in tables:
        if known[table]:
            names = table.columns.keys()
            here.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in known[table]])


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
