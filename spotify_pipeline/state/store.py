"""The state of a project: what it must not forget, in one database."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from spotify_pipeline.retries import TURN, RetryPolicy
from spotify_pipeline.state import engines, lease, locks
from spotify_pipeline.state.creation import Filling, NewState, import_due
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.key import FILE_NAME as KEY_FILE
from spotify_pipeline.state.key import KEY_VARIABLE, Key, key_beside, next_to
from spotify_pipeline.state.lease import Fence
from spotify_pipeline.state.place import Place
from spotify_pipeline.state.safety import MOUNT_TABLE, refuse_unsafe_directory, refuse_unsafe_file
from spotify_pipeline.state.tables import REVISION, initialised, version
from spotify_pipeline.state.tables import lease as lease_table


class StateStore:
    """The database of one project. Nothing is opened before the first use, and no textual form shows a password."""

    def __init__(
        self,
        place: Place,
        home: Path,
        *,
        key: Callable[[], Key | None] = lambda: None,
        mount_table: Path = MOUNT_TABLE,
        imports: bool = False,
    ) -> None:
        """
        Args:
            place, home: where it is, and the project's directory on this machine.
            key: of the settings, None where they have none.
            mount_table: where Linux lists file systems.
            imports: for who takes over what a version before the state kept in the home; nobody else may use it before.
        """
        self.place = place
        self.home = home
        self._stated_key = key
        self._mount_table = mount_table
        self._imports = imports
        self._key: Key | None = None
        self._known: sa.Engine | None = None

    @classmethod
    def in_home(cls, home: Path) -> Self:
        """The default: a file in the project's home."""
        return cls(Place.in_home(home), home)

    def for_import(self) -> StateStore:
        """The same, for who takes over what a version before the state kept in the home."""
        return StateStore(self.place, self.home, key=self._stated_key, mount_table=self._mount_table, imports=True)

    def __repr__(self) -> str:
        return f"<state in {self.place}>"

    @contextmanager
    def begin(self, within: sa.Connection | None = None) -> Generator[sa.Connection]:
        """A transaction that writes: as a whole and durable when the block ends, or, where it raises, not at all.

        On SQLite one runs at a time, so keep it short and call nobody in it. ``within``: the transaction that a caller
        has begun, which then holds this, too; None for one of its own.

        Raises:
            StateConflict: a rule of the tables forbids it.
            StateError: the state cannot be used, or has another key since this store used its own.
        """
        if within is not None:
            yield within
            return
        with engines.begun(self._engine(), self.place, writes=True) as transaction:
            # Since this process opened it, it may have been moved, or upgraded, or been given another key.
            self._refuse_unfit(transaction)
            yield transaction

    def read(self, within: sa.Connection | None = None) -> AbstractContextManager[sa.Connection]:
        """A transaction that only reads, of one moment. Errors and ``within`` as for :meth:`begin`."""
        if within is not None:
            return nullcontext(within)
        return engines.begun(self._engine(), self.place, writes=False)

    def lock(
        self,
        name: str,
        policy: RetryPolicy = TURN,
        *,
        busy: Exception | None = None,
        within: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] | None = None,
    ) -> AbstractContextManager[None]:
        """Hold a lock between all processes that use this state; see :func:`spotify_pipeline.state.locks.held`."""
        return locks.held(self.place, name, policy, busy=busy, within=within, sleep=sleep, clock=clock)

    @contextmanager
    def lease(
        self,
        name: str,
        policy: RetryPolicy,
        *,
        busy: Exception,
        within: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Generator[Fence]:
        """Hold the lease called ``name`` within the block; what it gives must be required before each line.

        Raises:
            StateError: the state cannot be used. ``busy``: another process holds it all the time.
        """
        with self.lock(f"lease {name}", policy, busy=busy, within=within, sleep=sleep):
            yield self.next_fence(name)

    def next_fence(self, name: str) -> Fence:
        """A fence of the lease called ``name``, for who holds its lock (``lease <name>``) already."""
        with self.begin() as transaction:
            return lease.take(transaction, name, holder=_me(), since=_now())

    @contextmanager
    def writing(self, fence: Fence) -> Generator[sa.Connection]:
        """A transaction under a fence.

        Raises:
            StateOvertaken: another process holds the lease by now. Nothing was written.
            StateConflict, StateError: as for :meth:`begin`.
        """
        with self.begin() as transaction:
            fence.require(transaction)
            yield transaction

    def holds(self, fence: Fence) -> bool:
        """Whether nobody has taken the lease over.

        Raises:
            StateError: the state cannot be used.
        """
        newest = sa.select(lease_table.c.fence).where(lease_table.c.name == fence.name)
        with self.read() as transaction:
            return transaction.scalar(newest) == fence.number

    def holder(self, name: str) -> str | None:
        """Who took the lease called ``name`` last, and when; None where nobody ever did."""
        with self.read() as transaction:
            found = transaction.execute(sa.select(lease_table).where(lease_table.c.name == name)).first()
        return f"{found.holder}, since {found.since}" if found is not None else None

    def seal(self, content: bytes, place: str) -> bytes:
        """``content``, encrypted. ``place`` names where it will be, and must be given to open it."""
        return self.key().seal(content, place)

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for ``place``.

        Raises:
            StateError: it is damaged, or this machine has another key.
        """
        return self.key().open(sealed, place)

    def require_key(self) -> None:
        """Return if what is sealed now can be stored and opened again.

        Raises:
            StateError: there is no key, or the state has another one.
        """
        self.key()

    def create(self, filling: Filling | None = None, *, aside: Path | None = None) -> bool:
        """Make the tables where there are none; whether they were made.

        Args:
            filling: what they hold from the beginning, such as another state: in the same transaction, so that a
                process that is killed leaves none that looks new. None: nothing, and no state may have been here.
            aside: the name under which a SQLite file that is there is kept, once the new one is complete. None: it
                stays, and nothing is made.

        Raises:
            StateError: they cannot be made, or a state that was here is gone.
        """
        new = NewState(self.place, self.home, filling, takes_over=self._imports)
        if self.place.file is None:
            return new.in_database()
        self._refuse_unsafe(self.place.file)
        return new.in_file(self.place.file, aside)

    def _engine(self) -> sa.Engine:
        if self.place.file is not None:
            self._refuse_unsafe(self.place.file)
            if not self.place.file.exists():
                self.create()
        engine = engines.engine_of(self.place)
        if engine is not self._known:
            self._refuse_unknown(engine)
            self._known = engine
        return engine

    def _refuse_unsafe(self, file: Path) -> None:
        refuse_unsafe_directory(file.parent, self._mount_table)
        refuse_unsafe_file(file)

    def _refuse_unknown(self, engine: sa.Engine) -> None:
        with engines.begun(engine, self.place, writes=False) as transaction:
            schema = engines.SCHEMA if self.place.is_shared else None
            if sa.inspect(transaction).has_table(initialised.name, schema=schema):
                self._refuse_unfit(transaction)
                return
        raise StateError(
            f"There is no state of this project in {self.place}. Nothing was sent, as an empty one would say that "
            "nobody asked to be forgotten. If it is new, run `spotify-pipeline state create`; if a state was here, "
            "restore its backup."
        )

    def _refuse_unfit(self, transaction: sa.Connection) -> None:
        row = transaction.execute(_SAID_OF_ITSELF).one()
        if self._key is not None and row.key_id != self._key.id.hex():
            raise self._another_key()
        if row.import_due and not self._imports:
            raise import_due(self.home)
        if row.moved_to is not None:
            raise StateError(
                f"The state ({self.place}) was moved to {row.moved_to} on {row.moved_at[:10]}, and nothing is written "
                "here any more. Nothing was sent. Set SPOTIFY_PIPELINE_STATE to where it is now."
            )
        if row.version_num > REVISION:
            raise StateError(
                f"The state ({self.place}) was written by a newer version of this project (revision {row.version_num}; "
                f"this one knows {REVISION}). Nothing was sent. Update the project on this machine."
            )
        if row.version_num < REVISION:
            raise StateError(
                f"The state ({self.place}) is of an older version of this project (revision {row.version_num}; this "
                f"one needs {REVISION}). Nothing was sent. Run `spotify-pipeline state upgrade` while nothing runs."
            )

    @property
    def key_is_stated(self) -> bool:
        """Whether the settings have a key; else it is in a file of the home."""
        return self._stated_key() is not None

    def key(self) -> Key:
        """The state's key. A new state gets one with the first call.

        Raises:
            StateError: there is none, or it is not the state's.
        """
        if self._key is None:
            with self.read() as transaction:
                known = transaction.scalar(_KEY_ID)
            key = self._stated_key() or self._key_of_home(known)
            if (known or self._first_key(key)) != key.id.hex():
                raise self._another_key()
            self._key = key
        return self._key

    def _key_of_home(self, known: str | None) -> Key:
        if self.place.is_shared:
            raise StateError(
                f"Set {KEY_VARIABLE}: what {self.place} holds of tokens and events is encrypted with it, on every "
                "machine that uses it. `spotify-pipeline state new-key` prints a new one; keep it where you keep "
                "passwords."
            )
        file = self.home / KEY_FILE
        if known is None:
            return key_beside(file)
        # The next one is there where a process died that changed the key.
        kept = (key_beside(each) for each in (file, next_to(file)) if each.exists())
        found = next((each for each in kept if each.id.hex() == known), None)
        if found is None:
            raise self._another_key()
        return found

    def _first_key(self, key: Key) -> str | None:
        """The key that a new state has from now on: this one, or that of who was faster."""
        with self.begin() as transaction:
            unset = initialised.update().where(initialised.c.key_id.is_(None))
            transaction.execute(unset.values(key_id=key.id.hex()))
            return transaction.scalar(_KEY_ID)

    def _another_key(self) -> StateError:
        return StateError(
            f"The state ({self.place}) is encrypted with another key than {KEY_VARIABLE}, or the key file in the "
            "home, has. Put the state's key back. If it is lost, run `spotify-pipeline state forget-key`: sign in "
            "again afterwards; what waits to be sent is read again from the warehouse."
        )


_KEY_ID = sa.select(initialised.c.key_id)
_SAID_OF_ITSELF = sa.select(initialised, version).join_from(initialised, version, sa.true())


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
