"""Reads a whole state, and proves that its locks hold."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from spotify_pipeline.retries import RetryPolicy
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.sealed import place_of, sealed_columns
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.tables import metadata

_ONCE = RetryPolicy(what="A lock that is tried", tries=1, after="It is held")


class _HeldByAnother(Exception):
    pass


def faults_of(state: StateStore) -> list[str]:
    """What is wrong with a state, in sentences; empty where nothing is."""
    try:
        return [*_unreadable(state), *_sealed_otherwise(state), *_without_locks(state)]
    except StateError as error:
        return [str(error)]


def lock_fault(state: StateStore) -> str | None:
    """What is wrong with the locks of a state, in a sentence; None where they hold.

    Raises:
        StateError: the state cannot be used.
    """
    return next(_without_locks(state), None)


def _unreadable(state: StateStore) -> Iterator[str]:
    with state.read() as transaction:
        if not state.place.is_shared:
            (said,) = transaction.exec_driver_sql("PRAGMA quick_check(1)").scalars()
            if said != "ok":
                yield f"The state ({state.place}) is damaged. Restore its backup: spotify-pipeline state restore."
        for table in metadata.sorted_tables:
            transaction.scalar(sa.select(sa.func.count()).select_from(table))


def _sealed_otherwise(state: StateStore) -> Iterator[str]:
    for column in sealed_columns():
        key = list(column.table.primary_key.columns)
        with state.read() as transaction:
            found = transaction.execute(sa.select(*key, column).where(column.is_not(None)).limit(1)).first()
        if found is not None:
            *of, sealed = found
            try:
                state.open(sealed, place_of(column, *of))
            except StateError as error:
                yield str(error)


def _without_locks(state: StateStore) -> Iterator[str]:
    with state.lock("check"):
        try:
            with state.lock("check", _ONCE, busy=_HeldByAnother()):
                pass
        except _HeldByAnother:
            return
    yield (
        f"A lock of {state.place} was given twice, so two runs of one audience would not notice each other. A pooler "
        "in transaction mode, such as PgBouncer's, does that: connect to the database itself, or in session mode."
    )
