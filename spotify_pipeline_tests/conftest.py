"""For all tests: a folder is a marker; slow files go first; no example of a property is timed.

``integration`` uses the sandbox, Dagster or a process; ``e2e`` the whole project, a browser or a server of databases;
``stress`` breaks things in many ways, ``contract`` compares with documents of others. Any other test is ``unit``.
"""

from __future__ import annotations

import gc
import secrets
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from spotify_pipeline.state import Key, Place, StateStore, new_key
from spotify_pipeline_tests import bucket_server as bucket_servers
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.examples import examples

KINDS = ("integration", "e2e", "stress", "contract")

settings.register_profile("untimed", deadline=None, max_examples=examples(25, 100))
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by its folder unless it has a mark of its own, and begin with slow files, so that no process ends
    alone with one of them.
    """
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            item.add_marker(next((kind for kind in KINDS if kind in item.path.parts), "unit"))
    slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Imports and tests stay to the end: never look through them for garbage, as pytest does ten times at the end."""
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """The URL of a PostgreSQL server."""
    with postgres_server.running() as url:
        yield url


@pytest.fixture
def empty_database(postgres: str) -> str:
    """The URL of a database of this test's own."""
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    """A new state in each store in turn: SQLite with every change, PostgreSQL with all tests."""
    home = tmp_path / "home"
    if request.param == "sqlite":
        return StateStore.in_home(home)
    key = Key.of(new_key())
    store = StateStore(Place.of(request.getfixturevalue("empty_database"), home), home, key=lambda: key)
    assert store.create()
    return store


@pytest.fixture(scope="session")
def bucket_server() -> Generator[str]:
    """The URL of a stand-in for S3."""
    with bucket_servers.running() as url:
        yield url


@pytest.fixture
def objects(bucket_server: str, monkeypatch: pytest.MonkeyPatch) -> bucket_servers.Objects:
    """A bucket of this test's own, which this process's environment leads to."""
    for name, value in bucket_servers.variables(bucket_server).items():
        monkeypatch.setenv(name, value)
    return bucket_servers.Objects(bucket_server, f"test-{secrets.token_hex(6)}")
