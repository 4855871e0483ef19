"""Where records live: one SQLite file, one table, one JSON document per record.

What comes by the million has tables of its own in the file; see ``event_store``.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from spotify_pipeline.sandbox.config import SandboxError

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,
    document BLOB NOT NULL,
    UNIQUE (collection, id)
);
CREATE INDEX IF NOT EXISTS records_by_parent ON records (collection, parent);
"""
_CACHE_KIBIBYTES = 64 * 1024
_CHECKPOINT_PAGES = 10_000
"""Ten times SQLite's own: events by the million come faster so."""


class Record(Protocol):
    """Anything with an id can be kept."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Record)


class Database:
    """The SQLite file. Safe to use from several threads; statements run one at a time.

    Raises:
        SandboxError: the file cannot be opened or is not a database.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            self._connection.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
            self._connection.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise SandboxError(
                f"the sandbox's state in {path} cannot be opened ({error}). Delete the directory or name another."
            ) from None

    def read(self, statement: str, values: Sequence[str | None]) -> list[bytes]:
        """The first column of every row that ``statement`` yields."""
        with self._lock:
            rows: list[tuple[bytes]] = self._connection.execute(statement, values).fetchall()
        return [row[0] for row in rows]

    def write(self, statement: str, values: Sequence[str | bytes | None] = ()) -> None:
        """Run a statement that changes records."""
        with self._lock:
            self._connection.execute(statement, values)

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """The connection, for statements of which either all or none are carried out."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Forget every record."""
        self.write("DELETE FROM records")

    def close(self) -> None:
        """Close the file; the database is of no use afterwards."""
        with self._lock:
            self._connection.close()


class Collection(Generic[R]):
    """All records of one kind, in the order they were first stored.

    ``parent`` names the record that another belongs to, so that :meth:`of` finds it without reading the rest.
    """

    def __init__(self, database: Database, record_type: type[R], parent: Callable[[R], str] | None = None) -> None:
        self.record_type = record_type
        self._database = database
        self._name = record_type.__name__
        self._parent = parent
        self._json: TypeAdapter[R] = TypeAdapter(record_type)

    def get(self, id_: str) -> R | None:
        """The record with this id, or None."""
        found = self._database.read("SELECT document FROM records WHERE collection = ? AND id = ?", (self._name, id_))
        return self._json.validate_json(found[0]) if found else None

    def put(self, record: R) -> None:
        """Store ``record``, in place of the one with its id if there is one."""
        parent = self._parent(record) if self._parent else None
        self._database.write(
            "INSERT INTO records (collection, id, parent, document) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (collection, id) DO UPDATE SET parent = excluded.parent, document = excluded.document",
            (self._name, record.id, parent, self._json.dump_json(record)),
        )

    def delete(self, id_: str) -> None:
        """Forget the record with this id."""
        self._database.write("DELETE FROM records WHERE collection = ? AND id = ?", (self._name, id_))

    def all(self) -> list[R]:
        """Every record."""
        return self._parsed(
            self._database.read("SELECT document FROM records WHERE collection = ? ORDER BY number", (self._name,))
        )

    def of(self, parent: str) -> list[R]:
        """Every record that belongs to ``parent``."""
        return self._parsed(
            self._database.read(
                "SELECT document FROM records WHERE collection = ? AND parent = ? ORDER BY number",
                (self._name, parent),
            )
        )

    def _parsed(self, documents: list[bytes]) -> list[R]:
        return [self._json.validate_json(document) for document in documents]
