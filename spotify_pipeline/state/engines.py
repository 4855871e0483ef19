"""Keeps one engine per database and process open, and sets its connections up."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.pool import NullPool

from spotify_pipeline.retries import STATE_HELD
from spotify_pipeline.state.errors import StateConflict, StateError
from spotify_pipeline.state.place import Place

SCHEMA = "spotify_pipeline"
"""Of the tables in a PostgreSQL database."""
_MOST_OPEN = 8
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit survives a power loss; with NORMAL it does not
    "secure_delete = ON",
    "foreign_keys = ON",
    "cache_size = -65536",  # 64 MB: a day of many events would go through the default's 2 MB again and again
    "trusted_schema = OFF",
)
_ALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""A machine that was cut off loses its session, and so its locks, within half a minute."""
_LONGEST_IDLE = 300
"""Seconds after which PostgreSQL ends a transaction in which nothing happens: its process was stopped, and would keep
others from the rows that it changed."""
_LOCK_NOT_AVAILABLE = "55P03"
_WRITES = "spotify_pipeline_writes"
_Identity = tuple[str, int, int]
_open: OrderedDict[_Identity, sa.Engine] = OrderedDict()
_guard = Lock()


def engine_of(place: Place) -> sa.Engine:
    """This process's engine for ``place``. After a fork the child gets its own, as does a file that was exchanged."""
    wanted = _identity(place)
    with _guard:
        engine = _open.pop(wanted, None) or _made(place)
        _open[wanted] = engine
        while len(_open) > _MOST_OPEN:
            _, oldest = _open.popitem(last=False)
            oldest.dispose(close=True)
    return engine


def session_engine(place: Place) -> sa.Engine:
    """An engine whose every connection is a session of its own, for locks that are held over network calls."""
    return sa.create_engine(
        place.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=_postgres_arguments()
    )


def close(place: Place) -> None:
    """Close this process's connections to ``place``."""
    url, process, _ = _identity(place)
    with _guard:
        closed = [_open.pop(each) for each in list(_open) if each[:2] == (url, process)]
    for engine in closed:
        engine.dispose(close=True)


@contextmanager
def begun(engine: sa.Engine, place: Place, *, writes: bool) -> Generator[sa.Connection]:
    """A transaction: durable when the block ends, and undone when it raises.

    Raises:
        StateConflict: a rule of the tables forbids it.
        StateError: the database cannot be used. Its driver's words are withheld, as they may quote a value.
    """
    options: dict[str, Any] = {_WRITES: writes}
    if place.is_shared and not writes:
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # of one moment
    try:
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    except exc.IntegrityError as error:
        raise StateConflict(_sentence(place, error)) from None
    except exc.SQLAlchemyError as error:
        raise StateError(_sentence(place, error)) from None


def _identity(place: Place) -> _Identity:
    file = place.file.stat().st_ino if place.file is not None and place.file.exists() else 0
    return place.url.render_as_string(hide_password=False), os.getpid(), file


def _made(place: Place) -> sa.Engine:
    if place.is_shared:
        waits = f" -clock_timeout={STATE_HELD.within:.0f}s -cidle_in_transaction_session_timeout={_LONGEST_IDLE}s"
        return sa.create_engine(place.url, pool_size=4, pool_pre_ping=True, connect_args=_postgres_arguments(waits))
    engine = sa.create_engine(place.url, connect_args={"timeout": STATE_HELD.within, "check_same_thread": False})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _postgres_arguments(options: str = "") -> dict[str, Any]:
    return {**_ALIVE, "connect_timeout": 15, "options": f"-csearch_path={SCHEMA} -ctimezone=UTC{options}"}


def _set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 - a connection of sqlite3
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    # A transaction that read first and writes later would fail where another wrote between.
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _sentence(place: Place, error: exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    said, kind = str(cause), type(cause).__name__
    if "disk is full" in said or "No space left" in said:
        return f"The state ({place}) cannot be written: its disk is full. Free some space, then run again."
    if "database is locked" in said or getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
        return (
            f"The state ({place}) was held by another process for {STATE_HELD.within:.0f} seconds. End the process "
            "that hangs, then run again."
        )
    if "readonly" in said or "unable to open" in said:
        return f"The state ({place}) cannot be opened or written ({kind}). Check its owner and its directory."
    if "malformed" in said or "not a database" in said:
        return f"The state ({place}) is damaged. Nothing was sent. Restore the newest backup of it."
    state = getattr(cause, "sqlstate", None)
    code = f", SQLSTATE {state}" if state else ""
    return (
        f"The state ({place}) cannot be used ({kind}{code}; the message is withheld because it may quote a value). "
        "Nothing of this step was kept. Run `spotify-pipeline doctor`."
    )
