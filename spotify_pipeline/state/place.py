"""Where the state is: a SQLite file in the project's home, or a PostgreSQL database that several machines share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from spotify_pipeline.state.errors import StateError

FILE_NAME = "state.sqlite"
_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_FORMS = "`sqlite:////path/to/state.sqlite` or `postgresql://user:password@host/database`"


@dataclass(frozen=True)
class Place:
    """Where the state is. No textual form shows a password.

    Attributes:
        url: of the database, as SQLAlchemy takes it.
        file: the SQLite file; None for a database that machines share.
    """

    url: URL = field(repr=False)
    file: Path | None

    @property
    def is_shared(self) -> bool:
        """Whether several machines may use it."""
        return self.file is None

    def __str__(self) -> str:
        """For sentences: the file, or host and database, without user and password."""
        if self.file is not None:
            return str(self.file)
        return f"the database {self.url.database} at {self.url.host or 'a local socket'}"

    @staticmethod
    def in_home(home: Path) -> Place:
        """The default: a file in the project's home."""
        return Place.of_file(home / FILE_NAME)

    @staticmethod
    def of_file(file: Path) -> Place:
        """A SQLite file."""
        return Place(URL.create("sqlite+pysqlite", database=str(file)), file)

    @staticmethod
    def of(stated: str, home: Path) -> Place:
        """What a setting names.

        Args:
            stated: a URL: ``sqlite:///relative.sqlite`` (below ``home``), ``sqlite:////absolute.sqlite``,
                ``postgresql://...``.
            home: the project's.

        Raises:
            StateError: it is no such URL. The sentence does not repeat it.
        """
        try:
            url = make_url(stated)
        except (ArgumentError, ValueError):
            raise StateError(f"The state's address is not a URL. Write {_FORMS}.") from None
        if url.drivername == "sqlite" and url.database and url.database != ":memory:":
            return Place.of_file(home / url.database)
        if url.drivername in _POSTGRES and url.database:
            return Place(url.set(drivername="postgresql+psycopg"), None)
        raise StateError(f"The state's address names no database that can hold it. Write {_FORMS}.")
