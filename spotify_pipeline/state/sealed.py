"""What the values of sealed columns are bound to, how all of them get another key, and the key of identifiers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.key import Key, new_key
from spotify_pipeline.state.store import StateStore
from spotify_pipeline.state.tables import SEALED, initialised, metadata

_ROWS_AT_ONCE = 500


def place_of(column: sa.Column[Any], *key: object) -> str:
    """What a value of a sealed ``column`` is bound to, in the row with this primary key."""
    return json.dumps([column.table.name, column.name, *key])


class ListsKey:
    """Encrypts identifiers in a bucket, with a key of their own that lies sealed in the state. So where the state is
    given another key, this one value is sealed again, and the bucket stays as it is.
    """

    def __init__(self, state: StateStore) -> None:
        """Nothing is opened before the first use, which makes the key where there is none."""
        self._state = state

    def seal(self, content: bytes, place: str) -> bytes:
        """``content``, encrypted. ``place`` names where it will be, and must be given to open it.

        Raises:
            StateError: the state cannot be used, or this machine has another key than it.
        """
        return self._key.seal(content, place)

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for ``place``.

        Raises:
            StateError: it is damaged, or was sealed with another key; or as for :meth:`seal`.
        """
        return self._key.open(sealed, place)

    @cached_property
    def _key(self) -> Key:
        column = initialised.c.lists_key
        place, kept = place_of(column, 1), sa.select(column)
        with self._state.read() as transaction:
            sealed = transaction.scalar(kept)
        if sealed is None:
            fresh = self._state.seal(new_key().encode(), place)
            with self._state.begin() as transaction:  # of two who make one, both get the first
                transaction.execute(initialised.update().where(column.is_(None)).values({column: fresh}))
                sealed = transaction.scalar(kept)
        assert sealed is not None, "it was made"  # noqa: S101
        return Key.of(self._state.open(sealed, place).decode())


def reseal(state: StateStore, old: Key, new: Key) -> int:
    """Encrypt every sealed value again, with ``new`` in place of ``old``, as a whole; how many there were.

    A process that used the old key writes nothing afterwards: its next transaction raises. So let nothing run that
    sends, and hold the sign-ins (``TokenStore.exclusive``) meanwhile: a renewal under way could not be stored.

    Raises:
        StateError: ``old`` is not the state's key, or a value cannot be opened. Nothing was changed.
    """
    with state.begin() as transaction:
        if transaction.dialect.name == "postgresql":  # who has looked at the key ends first
            transaction.exec_driver_sql(f"LOCK TABLE {initialised.name} IN ACCESS EXCLUSIVE MODE")
        changed = initialised.update().where(
            sa.or_(initialised.c.key_id == old.id.hex(), initialised.c.key_id.is_(None))
        )
        if transaction.execute(changed.values(key_id=new.id.hex())).rowcount != 1:
            raise StateError(
                f"The state ({state.place}) is not encrypted with the key that was given as its former one. Nothing "
                "was changed. Give the key that the state has now."
            )
        return sum(_resealed(transaction, column, old, new) for column in sealed_columns())


def sealed_columns() -> Iterator[sa.Column[Any]]:
    """Every column whose values are encrypted."""
    return (column for table in metadata.sorted_tables for column in table.columns if column.info.get(SEALED))


def _resealed(transaction: sa.Connection, column: sa.Column[Any], old: Key, new: Key) -> int:
    key = list(column.table.primary_key.columns)
    rows = sa.select(*key, column).where(column.is_not(None)).order_by(*key).limit(_ROWS_AT_ONCE)
    change = column.table.update().where(*(each == sa.bindparam(f"of_{each.name}") for each in key))
    done, after = 0, rows
    while found := transaction.execute(after).all():
        values: list[dict[str, object]] = []
        for *of, sealed in found:
            place = place_of(column, *of)
            again = new.seal(old.open(sealed, place), place)
            values.append({**{f"of_{each.name}": value for each, value in zip(key, of, strict=True)}, "again": again})
        transaction.execute(change.values({column: sa.bindparam("again")}), values)
        done += len(found)
        after = rows.where(sa.tuple_(*key) > sa.tuple_(*found[-1][:-1]))
    return done
