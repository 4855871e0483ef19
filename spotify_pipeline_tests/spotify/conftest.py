from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.spotify import TokenStore
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "home" / "tokens.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spotify() -> Spotify:
    return Spotify()
