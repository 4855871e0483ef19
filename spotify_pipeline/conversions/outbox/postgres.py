"""The outboxes of all feeds in one schema of a PostgreSQL, for deployments of several machines.

A feed is held with an advisory lock of the session, which ends with it: the database must not be reached through a pool
that shares sessions (PgBouncer in transaction mode).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from spotify_pipeline.conversions.outbox.model import OutboxBusy, OutboxError, OutboxMissing
from spotify_pipeline.conversions.outbox.store import FORMAT, TABLES, Database
from spotify_pipeline.retries import OUTBOX_CONNECTION, OUTBOX_HELD
from spotify_pipeline.spotify import Secret

if TYPE_CHECKING:
    from types import ModuleType

    import psycopg

SCHEMA = "spotify_pipeline_outbox"
_INDEXES = (
    "CREATE TABLE IF NOT EXISTS bodies (feed integer, number bigint, body text, PRIMARY KEY (feed, number))",
    "CREATE UNIQUE INDEX IF NOT EXISTS feeds_name ON feeds (name)",
    "CREATE UNIQUE INDEX IF NOT EXISTS days_day ON days (feed, day)",
    "CREATE UNIQUE INDEX IF NOT EXISTS events_number ON events (feed, number)",
    "CREATE UNIQUE INDEX IF NOT EXISTS events_key ON events (feed, key)",
    "CREATE INDEX IF NOT EXISTS events_waiting ON events (feed, day, number) WHERE state IN ('pending', 'sending')",
)
_TYPES: dict[type[pl.DataType], str] = {pl.Int64: "bigint", pl.String: "text", pl.Datetime: "timestamp"}


class PostgresDatabase:
    """A session with the database; ``feed`` is the feed's number in it."""

    def __init__(self, url: Secret, *, name: str, read_only: bool = False) -> None:
        """Open a session, and make the tables and the feed's row where they are missing and may be written.

        Raises:
            OutboxMissing: it is to be read only and the feed is not in it.
            OutboxError: psycopg is missing, the database cannot be reached, or it is of a newer format.
        """
        self._name = name
        self._holds = False
        self._psycopg = _psycopg()
        self._connection = _connected(url)
        try:
            self.change(f"SET search_path TO {SCHEMA}")
            self.change("SET timezone TO 'UTC'")
            self.feed = self._look() if read_only else self._prepare()
        except BaseException:
            self.close()
            raise

    def hold(self, *, wait: float, sleep: Callable[[float], None]) -> None:
        """Hold the feed until ``close`` returns, or the session ends otherwise.

        Raises:
            OutboxBusy: another run holds it, and still does after ``wait`` seconds.
        """
        number = int.from_bytes(hashlib.sha256(f"{SCHEMA}/{self._name}".encode()).digest()[:8], signed=True)

        def is_mine() -> bool:
            return bool(self.rows("SELECT pg_try_advisory_lock(?)", [number])[0][0])

        if not OUTBOX_HELD.until(is_mine, bool, sleep, within=wait):
            raise OutboxBusy(self._name, wait)
        self._holds = True

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._execute(statement, values).fetchall()

    def change(self, statement: str, values: Sequence[object] = ()) -> int:
        return max(self._execute(statement, values).rowcount, 0)

    @contextmanager
    def incoming(self, frame: pl.DataFrame) -> Generator[None]:
        columns = ", ".join(f"{name} {_TYPES[type(kind)]}" for name, kind in frame.schema.items())
        self.change(f"CREATE TEMPORARY TABLE incoming ({columns}) ON COMMIT DROP")
        self.append("incoming", frame)
        self.change("ANALYZE incoming")
        yield
        self.change("DROP TABLE incoming")

    @contextmanager
    def transaction(self) -> Generator[None]:
        self.change("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(OutboxError):
                self.change("ROLLBACK")
            raise
        self.change("COMMIT")

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Add the frame's rows to a table that has its columns."""
        statement = f"COPY {table} ({', '.join(frame.columns)}) FROM STDIN"
        try:
            with self._connection.cursor().copy(statement.encode()) as copy:
                for row in frame.iter_rows():
                    copy.write_row(row)
        except self._psycopg.Error as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """End the session; the feed is free for the next holder when this returns."""
        with suppress(self._psycopg.Error):
            try:
                if self._holds:
                    # The server ends a session, and releases its locks, only some time after the request.
                    self._connection.rollback()
                    self._connection.execute("SELECT pg_advisory_unlock_all()")
            finally:
                self._connection.close()

    def _execute(self, statement: str, values: Sequence[object]) -> psycopg.Cursor[Any]:
        try:
            return self._connection.execute(statement.replace("?", "%s").encode(), list(values) or None)
        except self._psycopg.Error as error:
            raise self._failed(error) from None

    def _prepare(self) -> int:
        with self.transaction():
            # Two feeds that begin at once would both make the tables.
            self.change("SELECT pg_advisory_xact_lock(hashtext(?))", [SCHEMA])
            self.change(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            for statement in TABLES:
                self.change(statement)
            if not self.rows("SELECT format FROM outbox"):
                self.change("INSERT INTO outbox VALUES (?)", [FORMAT])
            self._check_format()
            for statement in _INDEXES:
                self.change(statement)
            found = self.rows("SELECT feed FROM feeds WHERE name = ?", [self._name])
            if found:
                return int(found[0][0])
            return int(
                self.rows(
                    "INSERT INTO feeds SELECT COALESCE(max(feed), 0) + 1, ?, 'at_least_once' FROM feeds RETURNING feed",
                    [self._name],
                )[0][0]
            )

    def _look(self) -> int:
        self.change("SET default_transaction_read_only TO on")
        there = self.rows("SELECT to_regclass(?) IS NOT NULL", [f"{SCHEMA}.feeds"])[0][0]
        found = self.rows("SELECT feed FROM feeds WHERE name = ?", [self._name]) if there else []
        if not found:
            raise OutboxMissing(f"The feed {self._name} has no outbox yet: materialize one of its days first.")
        self._check_format()
        return int(found[0][0])

    def _check_format(self) -> None:
        ((found,),) = self.rows("SELECT format FROM outbox")
        if found != FORMAT:
            raise OutboxError(
                f"The outbox in PostgreSQL was written by another version of this project (format {found}, this one "
                f"knows {FORMAT}). Update the project on this machine. Nothing was sent."
            )

    def _failed(self, error: Exception) -> OutboxError:
        state = getattr(error, "sqlstate", None)
        kind = f"{type(error).__name__}{f', SQLSTATE {state}' if state else ''}"
        return OutboxError(
            f"The outbox of the feed {self._name} in PostgreSQL cannot be used ({kind}; the message is withheld "
            "because it may quote a value). Nothing of this step was kept: check the database's log and disk, then run "
            "again."
        )


class PostgresBodies:
    """Bodies in a table. The database's own vacuum frees the space of deleted ones."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._feed = database.feed

    def keep(self, bodies: pl.DataFrame) -> int:
        self._database.append("bodies", bodies.with_columns(feed=pl.lit(self._feed)))
        return 0

    def read(self, wanted: Sequence[tuple[int, int]]) -> Mapping[int, str]:
        numbers = [number for number, _ in wanted]
        rows = self._database.rows(
            "SELECT number, body FROM bodies WHERE feed = ? AND number = ANY(?)", [self._feed, numbers]
        )
        return dict(rows)

    def settled(self, numbers: Sequence[int]) -> None:
        self._database.change("DELETE FROM bodies WHERE feed = ? AND number = ANY(?)", [self._feed, list(numbers)])

    def thin_out(self, database: Database, *, wholly: bool) -> None:
        """Nothing: bodies go with the transaction that settles their events."""


def feeds_in(url: Secret) -> list[str]:
    """The feeds that have an outbox in a PostgreSQL, in alphabetical order.

    Raises:
        OutboxError: psycopg is missing, or the database cannot be asked.
    """
    library = _psycopg()
    try:
        with _connected(url) as connection:
            there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{SCHEMA}.feeds"]).fetchone()
            if there is None or not there[0]:
                return []
            names = connection.execute(f"SELECT name FROM {SCHEMA}.feeds ORDER BY name".encode()).fetchall()  # noqa: S608
    except library.Error as error:
        raise OutboxError(
            f"The outboxes in PostgreSQL cannot be listed ({type(error).__name__}). Check that the database runs and "
            "what its user may read."
        ) from None
    return [name for (name,) in names]


def _connected(url: Secret) -> psycopg.Connection[Any]:
    library = _psycopg()
    try:
        connection: psycopg.Connection[Any] = library.connect(
            url.reveal(),
            autocommit=True,
            connect_timeout=int(OUTBOX_CONNECTION.one_try),
            application_name="spotify-pipeline",
        )
    except library.Error as error:
        raise OutboxError(
            "The PostgreSQL that SPOTIFY_PIPELINE_OUTBOX names cannot be reached, or refuses its user "
            f"({type(error).__name__}). Check that it runs and the variable's value. Nothing was sent."
        ) from None
    return connection


def _psycopg() -> ModuleType:
    try:
        import psycopg
    except ImportError:
        raise OutboxError(
            "SPOTIFY_PIPELINE_OUTBOX names a PostgreSQL, and psycopg, which speaks to it, is not installed here. "
            "Install this project with its extra `postgres`, or unset the variable to keep the outbox in files. "
            "Nothing was sent."
        ) from None
    return psycopg
