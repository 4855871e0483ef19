"""Makes a state: as a whole or not at all, and never where one was before."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import sqlalchemy as sa

from spotify_pipeline.home import private_directory, private_umask, reason_of
from spotify_pipeline.locks import exclusive
from spotify_pipeline.retries import TURN
from spotify_pipeline.state import engines, locks
from spotify_pipeline.state.errors import StateError
from spotify_pipeline.state.place import Place
from spotify_pipeline.state.tables import REVISION, initialised, metadata, version

Filling = Callable[[sa.Connection], None]
"""Writes what a new state holds from the beginning, within a transaction."""
_FORMER = ("journal", "receipts", "approvals", "erasures", "outbox", "tokens.json")
"""What a home held before there was a state."""
_DRIVERS = {"sqlite": "sqlite+pysqlite://", "postgresql": "postgresql+psycopg://"}


@dataclass(frozen=True)
class NewState:
    """A state that is to be made.

    Attributes:
        place, home: where it will be, and the project's directory on this machine.
        filling: None where it holds nothing yet, and so no state may have been here.
        takes_over: it is for what a version before the state kept in the home, and of no use to others until then.
    """

    place: Place
    home: Path
    filling: Filling | None
    takes_over: bool

    def in_database(self) -> bool:
        """Make it in a database that machines share; whether there was none.

        Raises:
            StateError: it cannot be made, or the home's former files come first.
        """
        self._refuse_former()
        engine = engines.engine_of(self.place)
        with engines.begun(engine, self.place, writes=True) as transaction:
            transaction.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {engines.SCHEMA}"))
        with (
            locks.held(self.place, "create", TURN),
            engines.begun(engine, self.place, writes=True) as transaction,
        ):
            if sa.inspect(transaction).has_table(initialised.name, schema=engines.SCHEMA):
                return False
            self._make_tables(transaction)
        return True

    def in_file(self, file: Path, aside: Path | None) -> bool:
        """Make it in a SQLite file, or, with ``aside``, in the place of one that is kept there; whether it was made.

        Raises:
            StateError: it cannot be made, one that was here is gone, or the home's former files come first.
        """
        private_directory(file.parent)
        with exclusive(file.with_name(f".{file.name}.lock")):
            if file.exists() and aside is None:
                return False
            self._refuse_former()
            self._refuse_gone(file)
            mark = partial(_mark, file, self._make_beside(file))
            if self._follows:
                # First: a process that is killed now would leave a directory that looks new.
                mark()
            if aside is not None:
                self._put_aside(file, aside)
            unfinished(file).replace(file)
            if not self._follows:
                # Last: it would leave one that looks as if something was lost.
                mark()
        return True

    @property
    def _follows(self) -> bool:
        """Whether it takes the place of what was before."""
        return self.takes_over or self.filling is not None

    def _refuse_former(self) -> None:
        if not self._follows and any((self.home / each).exists() for each in _FORMER):
            raise import_due(self.home)

    def _refuse_gone(self, file: Path) -> None:
        if not self._follows and _mark_of(file).exists():
            raise StateError(
                f"The state of this project ({self.place}) is gone: {_mark_of(file)} says that there was one. Nothing "
                "was sent, as it says who asked to be forgotten and what was sent. Restore the newest backup: "
                "`spotify-pipeline state restore FILE`. If there is none, remove that file: every audience then needs "
                "an approval, and everybody who asked to be forgotten has to be given to `forget` again."
            )

    def _make_beside(self, file: Path) -> str:
        fresh = Place.of_file(unfinished(file))
        for each in _with_its_log(unfinished(file)):
            each.unlink(missing_ok=True)
        try:
            with private_umask(), engines.begun(engines.engine_of(fresh), fresh, writes=True) as transaction:
                store_id = self._make_tables(transaction)
        finally:
            engines.close(fresh)  # folds the write-ahead log into the file
        unfinished(file).chmod(0o600)
        return store_id

    def _put_aside(self, file: Path, aside: Path) -> None:
        engines.close(self.place)
        try:
            for part, kept in zip(_with_its_log(file), _with_its_log(aside), strict=True):
                if part.exists():
                    part.rename(kept)
        except OSError as error:
            raise StateError(f"{file} cannot be renamed ({reason_of(error)}). Nothing was restored.") from None

    def _make_tables(self, transaction: sa.Connection) -> str:
        for statement in _statements(transaction.dialect.name):
            transaction.exec_driver_sql(statement)
        row = {"one": 1, "store_id": secrets.token_hex(8), "made_at": datetime.now(UTC).isoformat()}
        transaction.execute(version.insert().values(version_num=REVISION))
        transaction.execute(initialised.insert().values(import_due=self.takes_over, **row))
        if self.filling is not None:
            self.filling(transaction)
        return str(row["store_id"])


def import_due(home: Path) -> StateError:
    """What a version before the state kept in ``home`` was not taken over yet."""
    return StateError(
        f"{home} holds what a version before the state kept in files. Nothing was sent, as they say who asked to be "
        "forgotten and what was sent. Run `spotify-pipeline state import`: it takes them over."
    )


@cache
def _statements(dialect: str) -> tuple[str, ...]:
    """What makes all tables. To write it down once a process saves half of the time of making a state."""
    written: list[str] = []

    def note(statement: sa.schema.ExecutableDDLElement, *_: object, **__: object) -> None:
        written.append(str(statement.compile(dialect=nowhere.dialect)))

    nowhere = sa.create_mock_engine(_DRIVERS[dialect], note)
    metadata.create_all(nowhere, checkfirst=False)
    return tuple(written)


def unfinished(file: Path) -> Path:
    """Where the state ``file`` is made, until it takes its place."""
    return file.with_name(f".{file.name}.new")


def _with_its_log(file: Path) -> list[Path]:
    return [file.with_name(f"{file.name}{suffix}") for suffix in ("", "-wal", "-shm")]


def _mark_of(file: Path) -> Path:
    """A file that says that there was a state: one that is gone must not look like a new one."""
    return file.with_suffix(".id")


def _mark(file: Path, store_id: str) -> None:
    _mark_of(file).touch(mode=0o600)
    _mark_of(file).write_text(f"{store_id}\n", encoding="ascii")
