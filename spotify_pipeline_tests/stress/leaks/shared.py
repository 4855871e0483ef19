"""What machines share, of one run's own: a database, and a bucket of which every request is kept for a look."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

import psycopg
import pytest

from spotify_pipeline.state import new_key
from spotify_pipeline_tests import bucket_server, postgres_server
from spotify_pipeline_tests.bucket_server import Objects

PASSWORD, BUCKET_SECRET = "zqDatabasePasswordThatOpensNothing77", "zqBucketSecretThatOpensNothing7766"
SERVER = (
    "log_statement=all",  # what nobody should set, and somebody will: every statement in its log, with its values
    "wal_keep_size=8GB",  # so that all that was ever written is still there at the end
    "wal_recycle=off",
)
_UNCOMPRESSED = """
SELECT format('ALTER TABLE %I.%I ALTER COLUMN %I SET STORAGE EXTERNAL', table_schema, table_name, column_name)
FROM information_schema.columns
WHERE table_schema = 'spotify_pipeline' AND data_type IN ('text', 'bytea', 'character varying')"""


@dataclass(frozen=True)
class Shared:
    """A database and a bucket.

    Attributes:
        database: its URL.
        bucket_server: the URL of the storage.
        objects: those of the bucket.
        key, next_key: of the state, and what it is changed to in one run.
    """

    database: str
    bucket_server: str
    objects: Objects
    key: str = field(default_factory=new_key)
    next_key: str = field(default_factory=new_key)
    _requests: SimpleQueue[tuple[str, bytes]] = field(default_factory=SimpleQueue[tuple[str, bytes]])

    @property
    def server(self) -> Path:
        """The directory of the database's server: its data, its write-ahead log, its log."""
        return postgres_server.directory(self.database)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may be nowhere."""
        return PASSWORD, BUCKET_SECRET, self.key, self.next_key

    def environment(self) -> dict[str, str]:
        """By which the processes of a deployment find both."""
        return {
            **bucket_server.variables(self.bucket_server),
            "AWS_SECRET_ACCESS_KEY": BUCKET_SECRET,
            "SPOTIFY_PIPELINE_STATE": self.database,
            "SPOTIFY_PIPELINE_KEY": self.key,
            "SPOTIFY_PIPELINE_LISTS": self.objects.url,
        }

    def uncompress(self) -> None:
        """Have the database compress no value from now on, so that what is deleted can be looked through, too."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            for (statement,) in connection.execute(_UNCOMPRESSED).fetchall():
                connection.execute(str(statement).encode())

    def checkpoint(self) -> None:
        """Have the database write everything into its files."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def requests(self) -> Iterator[tuple[str, bytes]]:
        """What the bucket was asked since: the path with its query, below the bucket, and the body."""
        while True:
            try:
                address, body = self._requests.get_nowait()
            except Empty:
                return
            yield address.removeprefix(f"/{self.objects.name}/"), body


@contextmanager
def sharing() -> Generator[Shared]:
    """Both, for as long as the block lasts. This process finds the bucket, too."""
    requests = SimpleQueue[tuple[str, bytes]]()
    with (
        postgres_server.running(*SERVER, made_with=("--wal-segsize=1",)) as url,
        bucket_server.running(lambda address, body: requests.put((address, body))) as storage,
        pytest.MonkeyPatch.context() as patched,
    ):
        for name, value in bucket_server.variables(storage).items():
            patched.setenv(name, value)
        user = urlsplit(url).username
        database = url.replace(f"{user}@", f"{user}:{PASSWORD}@")
        objects = Objects(storage, f"leaks-{secrets.token_hex(6)}")
        yield Shared(database, storage, objects, _requests=requests)
