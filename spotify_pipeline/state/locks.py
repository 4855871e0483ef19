"""Locks that a process holds while it works, also over network calls: gone when it dies, on any machine.

On SQLite a lock of the operating system on a file beside the database. On PostgreSQL an advisory lock of a session of
its own: a pooler that shares sessions (transaction mode) breaks it, which `doctor` notices.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from spotify_pipeline.locks import exclusive
from spotify_pipeline.retries import TURN, RetryPolicy
from spotify_pipeline.state.engines import SCHEMA, session_engine
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.place import Place


@contextmanager
def held(
    place: Place,
    name: str,
    policy: RetryPolicy = TURN,
    *,
    busy: Exception | None = None,
    within: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] | None = None,
) -> Generator[None]:
    """Hold the lock called ``name`` within the block. A thread must not take it twice.

    Args:
        place: of the state.
        name: which lock; it may hold any character.
        policy, busy, within, sleep, clock: as of :func:`spotify_pipeline.locks.exclusive`.

    Raises:
        StateError: the lock cannot be had. ``busy``: somebody else holds it all the time.
    """
    if place.file is not None:
        file = place.file.parent / "locks" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock"
        with exclusive(file, policy, busy=busy, within=within, sleep=sleep, clock=clock):
            yield
        return
    with _session(place) as session:

        def is_mine() -> bool:
            return bool(session.scalar(sa.select(sa.func.pg_try_advisory_lock(_number(name)))))

        with _withheld(place):
            waits = policy if busy is not None else _ENDLESS
            if not waits.until(is_mine, bool, sleep, within=within, clock=clock):
                raise busy or AssertionError("it is waited for without end")
        try:
            yield
        finally:
            # The server ends a session only some time after it was asked to.
            with suppress(SQLAlchemyError):
                session.execute(sa.select(sa.func.pg_advisory_unlock_all()))


_ENDLESS = RetryPolicy(
    what="A lock of the state that is taken for moments", pauses=(0.01, 0.02, 0.05), after=TURN.after
)


@contextmanager
def _session(place: Place) -> Generator[sa.Connection]:
    engine = session_engine(place)
    with _withheld(place):
        connection = engine.connect()
    try:
        yield connection
    finally:
        with suppress(SQLAlchemyError):
            connection.close()
        engine.dispose()


@contextmanager
def _withheld(place: Place) -> Generator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise StateError(f"The state ({place}) gave no lock ({kind}). Run `spotify-pipeline doctor`.") from None


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{SCHEMA}/{name}".encode()).digest()[:8], signed=True)
