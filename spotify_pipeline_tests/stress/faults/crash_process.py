"""One sync in a process that may be killed. Kept apart from what watches it, so that it starts quickly."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.home import HOME_VARIABLE
from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, Journal
from spotify_pipeline.spotify import Secret, SpotifyAdsClient, SpotifySettings, TokenStore
from spotify_pipeline.spotify.errors import SignInRequired
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState
from spotify_pipeline_tests.stress.faults.boundaries import Boundaries, WatchedTransport

MUST_SIGN_IN = 3
"""Exit code of a sync that only a person can fix, by signing in again."""


@dataclass(frozen=True)
class Sync:
    """What one process is to do."""

    origin: str
    client: tuple[str, str]
    """Client id and secret."""
    refresh_token: str
    target: AudienceSpec
    min_rows: int
    state: SharedState
    file: Path
    manifest: Manifest
    chunk_bytes: int | None
    body_share: float
    kill_at: int | None = None


def run_sync(sync: Sync, answer: Connection) -> None:
    """The process that may be killed: one whole sync with the product's own parts."""
    logging.getLogger("spotify_pipeline").setLevel(logging.ERROR)  # of each kill the next run says what it found
    boundaries = Boundaries(sync.state.home, sync.kill_at)
    boundaries.watch_files()
    boundaries.watch_commits()
    settings = SpotifySettings(
        client_id=sync.client[0],
        client_secret=Secret(sync.client[1]),
        refresh_token=Secret(sync.refresh_token),
        ads_api_url=f"{sync.origin}/ads/v3",
        accounts_url=sync.origin,
        upload_hosts=(sync.origin.removeprefix("http://"),),
        upload_chunk_bytes=sync.chunk_bytes,
    )
    journal = Journal(sync.state.store())
    os.environ[HOME_VARIABLE] = str(sync.state.home)
    client = SpotifyAdsClient.open(
        settings,
        TokenStore(sync.state.store()),
        transport=WatchedTransport(boundaries, sync.body_share),
        sleep=_no_pause,
    )
    mirror = AudienceMirror(client, journal, sleep=_no_pause)
    with client:
        try:
            guard = Allow(sync.manifest, sync.target.ad_account_id, min_rows=sync.min_rows)
            mirror.mirror(sync.target, sync.file, sync.manifest, guard=guard)
        except SignInRequired:
            sys.exit(MUST_SIGN_IN)
    boundaries.passed("the end")
    answer.send(boundaries.names)


def _no_pause(seconds: float) -> None:
    """The harness waits for nothing."""
