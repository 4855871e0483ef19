"""Outboxes in both stores: a file of DuckDB's, and a PostgreSQL server of this test run's own where there is one."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from pathlib import Path

import pytest

from spotify_pipeline.spotify import Secret
from spotify_pipeline_tests.conversions import postgres_server
from spotify_pipeline_tests.conversions.outbox_making import Place


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """The URL of a PostgreSQL server."""
    if postgres_server.programs() is None:
        pytest.skip(postgres_server.WITHOUT)
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


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.e2e)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each store in turn: DuckDB with every change, PostgreSQL with all tests."""
    if request.param == "duckdb":
        return Place(tmp_path)
    return Place(tmp_path, Secret(request.getfixturevalue("empty_database")))
