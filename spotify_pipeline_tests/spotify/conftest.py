from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from spotify_pipeline.spotify import TokenStore
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify
from spotify_pipeline_tests.spotify.uploads import Uploads


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(StateStore.in_home(tmp_path / "home"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spotify() -> Spotify:
    return Spotify()


@pytest.fixture
def uploads(store: TokenStore, spotify: Spotify, clock: Clock, tmp_path: Path) -> Uploads:
    return Uploads(store, spotify, clock, tmp_path)


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """The root logger at DEBUG, and httpx's and httpcore's too, as a run with all loggers managed would have it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    names = ["", "httpx", "httpcore", "httpcore.http11", "httpcore.connection"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
