"""The list that Spotify has stays when another is built for the same snapshot."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import SnapshotStore, redact_list, verify_customer_list
from spotify_pipeline.customer_list.store.archive import set_aside
from spotify_pipeline.rows import DigestSet
from spotify_pipeline_tests.customer_list.making import NOW
from spotify_pipeline_tests.customer_list.snapshots import materialize


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "data")


def test_the_list_that_spotify_has_is_kept_beside_another_for_its_snapshot(store: SnapshotStore) -> None:
    live = materialize(store, "lapsed", "once").sha256
    with set_aside(store, "lapsed", "once", sent=[live]):
        materialize(store, "lapsed", "once", NOW + timedelta(days=1), people=2)
    (newest, kept) = store.lists("lapsed")
    assert (newest[1].snapshot, newest[1].list_rows) == ("once", 2)
    assert (kept[1].snapshot, kept[1].sha256) == ("once built 2026-11-16T06:00:00.000000", live)
    verify_customer_list(*kept)
    assert store.sweep("lapsed") == 0


@pytest.mark.parametrize("live", ["its own", "another", None])
def test_nothing_is_kept_twice_and_nothing_that_spotify_has_not(store: SnapshotStore, live: str | None) -> None:
    own = materialize(store, "lapsed", "once").sha256
    people = 1 if live == "its own" else 2
    with set_aside(store, "lapsed", "once", sent=[own if live == "its own" else live] if live else []):
        materialize(store, "lapsed", "once", NOW + timedelta(days=1), people=people)
    assert store.snapshots("lapsed") == ["once"]


def test_it_stays_when_the_other_cannot_be_built(store: SnapshotStore) -> None:
    live = materialize(store, "lapsed", "once").sha256
    with pytest.raises(RuntimeError), set_aside(store, "lapsed", "once", sent=[live]):
        raise RuntimeError
    assert store.snapshots("lapsed") == ["once"]


def test_the_list_before_is_found_also_if_the_new_one_is_what_was_left_of_it(store: SnapshotStore) -> None:
    live = materialize(store, "lapsed", "once", people=2).sha256
    gone = DigestSet.of(pl.Series([hashlib.sha256(b"b@example.com").hexdigest()]))
    left = redact_list(store.list_path("lapsed", "once"), store.manifest("lapsed", "once"), gone)
    with set_aside(store, "lapsed", "once", sent=[live]):
        new = materialize(store, "lapsed", "once", NOW + timedelta(days=1))
    assert (new.sha256, new.former_sha256) == (left.sha256, ())
    assert store.find_list("lapsed", live) is not None
