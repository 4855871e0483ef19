"""A machine of each test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.mirror.guards.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
