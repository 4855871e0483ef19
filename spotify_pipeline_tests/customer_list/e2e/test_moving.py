"""Everything that is kept is moved from a folder to a bucket, and back."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import CustomerListError, SnapshotStore, move_lists, redact_list
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.rows import DigestSet
from spotify_pipeline.state import ListsKey, StateStore
from spotify_pipeline_tests.bucket_server import Objects
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize
from spotify_pipeline_tests.privacy.making import sha

ERASED = DigestSet.of(pl.Series([sha("a@example.com")], dtype=pl.String))


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "data")


@pytest.fixture
def bucket(objects: Objects, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(Bucket(objects.url, tmp_path / "scratch", ListsKey(StateStore.in_home(tmp_path / "home"))))


def fill(store: SnapshotStore) -> None:
    """Two lists of one audience, one of another; somebody was taken out of one that was sent."""
    sent = materialize(store, "lapsed", WEEKS[0], people=3)
    redact_list(*store.stored("lapsed", WEEKS[0]), ERASED, sent=[sent.sha256])
    materialize(store, "lapsed", WEEKS[1], people=2)
    materialize(store, "active", WEEKS[0])


def contents(store: SnapshotStore) -> dict[str, object]:
    found: dict[str, object] = {}
    for audience in store.audiences():
        for key in store.snapshots(audience):
            path, manifest = store.stored(audience, key)
            found[f"{audience} {key}"] = path.read_bytes(), manifest, erased(store, audience, key)
        for key in store.identifier_snapshots(audience):
            with store.identifiers_path(audience, key).open("rb") as opened:
                found[f"{audience} {key} identifiers"] = opened.read()
    return found


def erased(store: SnapshotStore, audience: str, key: str) -> int:
    """How many people a list had more when it was sent."""
    manifest = store.manifest(audience, key)
    was = store.find_sent(audience, manifest.former_sha256[0]) if manifest.former_sha256 else None
    return was.manifest.list_rows - manifest.list_rows if was is not None else 0


def test_a_folder_is_moved_to_a_bucket_and_back_with_all_that_is_in_it(
    folder: SnapshotStore, bucket: SnapshotStore, objects: Objects, tmp_path: Path
) -> None:
    fill(folder)
    before = contents(folder)
    assert len(before) == 6

    moved = move_lists(folder, bucket)
    assert (moved.audiences, moved.lists, moved.identifiers) == (2, 3, 3)
    assert contents(bucket) == before
    assert [file for file in (tmp_path / "data").rglob("*") if file.is_file()] == []
    assert [file for file in (tmp_path / "scratch").rglob("*") if file.is_file()] == []
    assert not [key for key, content in objects.all().items() if b"PAR1" in content and "identifiers" in key]
    assert not [key for key, content in objects.all().items() if b"example.com" in content]

    move_lists(bucket, folder)
    assert contents(folder) == before
    assert objects.all() == {}
    files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert move_lists(bucket, folder).audiences == 0


def damage_manifest(folder: SnapshotStore) -> None:
    path, _ = folder.stored("lapsed", WEEKS[1])
    assert isinstance(path, Path)
    path.with_name("manifest.json").write_text("{}")


def damage_list(folder: SnapshotStore) -> None:
    path, _ = folder.stored("lapsed", WEEKS[1])
    assert isinstance(path, Path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n", 1))


@pytest.mark.parametrize("damage", [damage_manifest, damage_list])
def test_a_damaged_list_is_not_moved_and_nothing_is_deleted(
    folder: SnapshotStore, bucket: SnapshotStore, damage: Callable[[SnapshotStore], None], tmp_path: Path
) -> None:
    fill(folder)
    damage(folder)
    before = {file: file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file()}
    for _ in range(2):
        with pytest.raises(CustomerListError):
            move_lists(folder, bucket)
    assert {file: file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file()} == before
    assert WEEKS[1] not in bucket.snapshots("lapsed")


def test_a_move_that_was_broken_off_is_continued(folder: SnapshotStore, bucket: SnapshotStore) -> None:
    fill(folder)
    before = contents(folder)
    path, _ = folder.stored("lapsed", WEEKS[1])
    assert isinstance(path, Path)
    whole = path.read_bytes()
    damage_list(folder)
    with pytest.raises(CustomerListError):
        move_lists(folder, bucket)
    path.write_bytes(whole)
    there = bucket.place.lists("customer_lists", "active")
    move_lists(folder, bucket)
    assert contents(bucket) == before
    assert bucket.place.lists("customer_lists", "active") == there, "what was there already was written again"


def test_something_else_that_is_there_already_is_left_as_it_is(folder: SnapshotStore, bucket: SnapshotStore) -> None:
    fill(folder)
    materialize(bucket, "lapsed", WEEKS[1], people=4)
    before, there = contents(folder), contents(bucket)
    with pytest.raises(CustomerListError, match=r"holds something else, so it is left as it is\. Nothing was deleted"):
        move_lists(folder, bucket)
    assert contents(folder) == before
    assert {name: contents(bucket)[name] for name in there} == there


def test_one_place_under_two_names_is_not_emptied(folder: SnapshotStore, tmp_path: Path) -> None:
    fill(folder)
    before = contents(folder)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(CustomerListError, match="are the same place"):
        move_lists(folder, SnapshotStore(tmp_path / "link"))
    assert contents(folder) == before
