from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.spotify import TokenStore
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify
from spotify_pipeline_tests.spotify.uploads import Uploads


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path / "home" / "tokens.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spotify() -> Spotify:
    return Spotify()


@pytest.fixture
def uploads(store: TokenStore, spotify: Spotify, clock: Clock, tmp_path: Path) -> Uploads:
    return Uploads(store, spotify, clock, tmp_path)
