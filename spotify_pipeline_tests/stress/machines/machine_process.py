"""One run on one machine, in a process that may be killed or stopped. Kept apart from what watches it."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import polars as pl

from spotify_pipeline.customer_list import Layout, SnapshotStore, StoredList, build_customer_list, write_identifiers
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.home import HOME_VARIABLE, HomeError
from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, Journal, MirrorRefused
from spotify_pipeline.spotify import SpotifyAdsClient, SpotifyError, TokenStore
from spotify_pipeline.state import Key, Place, StateStore
from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.sandbox_settings import settings_at
from spotify_pipeline_tests.stress.faults.boundaries import Boundaries, WatchedTransport
from spotify_pipeline_tests.stress.machines.snapshots import Snapshot

FEWEST_ROWS = 5
_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class Shared:
    """What all machines know: where the state and the lists are, and the secrets for both."""

    database: str
    key: str
    bucket: str
    bucket_variables: dict[str, str]
    spotify: str

    def state(self, home: Path) -> StateStore:
        """The state as a machine opens it, and a home of its own."""
        return StateStore(Place.of(self.database, home), home, key=lambda: Key.of(self.key))


@dataclass(frozen=True)
class Run:
    """One run: of which machine, and what it sends.

    Attributes:
        home: the machine's own directory.
        ends_at: number of the boundary at which it is sent the signal ``ends_by``; None for no such end.
        body_share: where in the body of a request the boundary is.
        tells: whether it says how many bytes the storage has, for who kills it.
    """

    shared: Shared
    home: Path
    target: AudienceSpec
    snapshot: Snapshot
    chunk_bytes: int | None
    ends_at: int | None = None
    ends_by: signal.Signals = signal.SIGKILL
    body_share: float = 0.5
    tells: bool = False


@dataclass(frozen=True)
class Ended:
    """How a run ended that lived to tell.

    Attributes:
        action: what it did to the audience; None where it failed.
        error: the class of its error; None where it succeeded.
        said: what it found of a run before, or the error's sentence.
        boundaries: that it passed.
    """

    action: str | None
    error: str | None
    said: str | None
    bytes_sent: int
    boundaries: tuple[str, ...]


def run(given: Run, there: Connection, sent: Any) -> None:
    """Build the list unless it is in the bucket, then send it with the product's own parts.

    ``sent`` is a number in memory that outlives the process: bytes of lists that it sent, or was about to send.
    """
    logging.getLogger("spotify_pipeline").setLevel(logging.ERROR)
    os.environ.update(given.shared.bucket_variables, **{HOME_VARIABLE: str(given.home), "TMPDIR": str(given.home)})
    state = given.shared.state(given.home)
    path, manifest = _listed(SnapshotStore(Bucket(given.shared.bucket, given.home / "scratch", state)), given)

    def on_sent(count: int) -> None:
        sent.value += count

    boundaries = Boundaries(given.home, given.ends_at, given.ends_by)
    boundaries.watch_files()
    boundaries.watch_commits()
    client = SpotifyAdsClient.open(
        settings_at(given.shared.spotify, upload_chunk_bytes=given.chunk_bytes),
        TokenStore(state),
        transport=WatchedTransport(boundaries, given.body_share, on_sent),
        sleep=_look_often,
    )
    guard = Allow(manifest, given.target.ad_account_id, min_rows=FEWEST_ROWS)
    there.send("begins")
    with client:
        try:
            outcome = AudienceMirror(client, Journal(state), sleep=_look_often).mirror(
                given.target,
                path,
                manifest,
                guard=guard,
                on_progress=(lambda progress: there.send(progress.stored)) if given.tells else None,
            )
        except (MirrorRefused, HomeError, SpotifyError) as error:
            ended = Ended(None, type(error).__name__, str(error), 0, ())
        else:
            ended = Ended(str(outcome.action), None, outcome.recovered, outcome.bytes_sent, ())
    boundaries.passed("the end")
    there.send(Ended(ended.action, ended.error, ended.said, ended.bytes_sent, tuple(boundaries.names)))


def _listed(store: SnapshotStore, given: Run) -> StoredList:
    audience, snapshot = given.target.audience, given.snapshot
    if snapshot.name not in store.snapshots(audience):
        identifiers = store.identifiers_path(audience, snapshot.name)
        report = write_identifiers(_people(snapshot), EMAIL_ONLY, identifiers)
        build_customer_list(
            identifiers,
            report,
            store.list_path(audience, snapshot.name),
            layout=Layout.WIDE,
            audience=audience,
            snapshot=snapshot.name,
            built_at=snapshot.built_at,
        )
    return store.stored(audience, snapshot.name)


def _people(snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    for first in range(0, snapshot.rows, _ROWS_AT_ONCE):
        addresses = [*snapshot.addresses(first, first + _ROWS_AT_ONCE)]
        yield pl.DataFrame({"email": pl.Series(addresses, dtype=pl.String)})


def _look_often(seconds: float) -> None:
    """A pause in which another process may end, and no longer."""
    time.sleep(min(seconds, 0.01))
