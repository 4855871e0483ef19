"""Sign-ins in both stores: SQLite with every change, PostgreSQL with all tests."""

from __future__ import annotations

import pytest

from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateStore


@pytest.fixture
def store(state: StateStore) -> TokenStore:
    return TokenStore(state)
