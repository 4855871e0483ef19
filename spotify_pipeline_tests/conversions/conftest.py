"""Outboxes in both stores of the state."""

from __future__ import annotations

import pytest

from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.conversions.outbox_making import Place


@pytest.fixture
def place(state: StateStore) -> Place:
    """Each store in turn: SQLite with every change, PostgreSQL with all tests."""
    return Place(state)
