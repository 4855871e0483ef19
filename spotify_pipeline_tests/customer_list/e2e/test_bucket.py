"""Lists in a bucket: what is kept, changed and deleted there, and what is never in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import (
    BucketError,
    ComparedList,
    CustomerListError,
    SnapshotStore,
    StoredFile,
    compare_lists,
    parts_needed,
    redact_list,
    redacted_copy,
    rows_holding,
    split_list,
    verify_customer_list,
)
from spotify_pipeline.customer_list.read import read_list
from spotify_pipeline.customer_list.storage import Bucket, BucketFile, write_manifest
from spotify_pipeline.customer_list.store import set_aside
from spotify_pipeline.rows import DigestSet
from spotify_pipeline.state import ListsKey, StateStore
from spotify_pipeline_tests.bucket_server import Objects
from spotify_pipeline_tests.customer_list.making import NOW
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize
from spotify_pipeline_tests.privacy.making import sha

_READING = """
import resource, sys
from pathlib import Path
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.state import ListsKey, StateStore
home = Path(sys.argv[2])
found = Bucket(sys.argv[1], home, ListsKey(StateStore.in_home(home))).file("customer_lists", "lapsed", "x", "large.csv")
size, before = 0, 0
with found.open("rb") as opened:
    while block := opened.read(1 << 18):
        before = before or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size += len(block)
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

A, B = sha("a@example.com"), sha("b@example.com")


def digests(*values: str) -> DigestSet:
    return DigestSet.of(pl.Series(values, dtype=pl.String))


def store_of(objects: Objects, home: Path) -> SnapshotStore:
    return SnapshotStore(Bucket(objects.url, home / "scratch", ListsKey(StateStore.in_home(home))))


@pytest.fixture
def store(objects: Objects, tmp_path: Path) -> SnapshotStore:
    return store_of(objects, tmp_path / "home")


def cells(store: SnapshotStore, snapshot: str) -> set[str]:
    return {each for rows in read_list(store.stored("lapsed", snapshot)) for each in rows["email"]}


def names(objects: Objects) -> list[str]:
    return sorted(key.removeprefix("lists/") for key in objects.all())


def test_what_is_kept_in_a_bucket_holds_digests_and_identifiers_are_encrypted(
    store: SnapshotStore, objects: Objects, tmp_path: Path
) -> None:
    manifest = materialize(store, "lapsed", WEEKS[0], people=3)

    assert names(objects) == [
        f"customer_lists/lapsed/2026-11-02-06%3A00/{manifest.sha256}.csv",
        "customer_lists/lapsed/2026-11-02-06%3A00/manifest-00000001.json",
        "identifiers/lapsed/2026-11-02-06%3A00.parquet",
    ]
    assert not [key for key, content in objects.all().items() if b"example" in content or b"PAR1" in content]
    assert [file for file in (tmp_path / "home" / "scratch").rglob("*") if file.is_file()] == []
    verify_customer_list(*store.stored("lapsed", WEEKS[0]))
    assert store.identifiers_report("lapsed", WEEKS[0]).rows_kept == 3
    assert (store.audiences(), store.snapshots("lapsed"), store.identifier_snapshots("lapsed")) == (
        ["lapsed"],
        [WEEKS[0]],
        [WEEKS[0]],
    )
    assert store.find_list("lapsed", manifest.sha256) == store.stored("lapsed", WEEKS[0])


def test_a_list_has_the_same_bytes_and_manifest_as_in_a_folder(store: SnapshotStore, tmp_path: Path) -> None:
    folder = SnapshotStore(tmp_path / "data")
    assert materialize(store, "lapsed", WEEKS[0], people=3) == materialize(folder, "lapsed", WEEKS[0], people=3)
    assert store.stored("lapsed", WEEKS[0])[0].read_bytes() == folder.stored("lapsed", WEEKS[0])[0].read_bytes()


def test_lists_are_compared_and_what_was_found_is_kept_for_every_machine(
    store: SnapshotStore, objects: Objects
) -> None:
    materialize(store, "lapsed", WEEKS[0], people=2)
    new = materialize(store, "lapsed", WEEKS[1], people=3)
    before = store.find_sent("lapsed", store.manifest("lapsed", WEEKS[0]).sha256)
    assert before is not None

    change = ComparedList(store.stored("lapsed", WEEKS[1])).change_since(before)
    assert (change.staying, change.added, change.removed) == (2, 1, 0)
    assert [key for key in names(objects) if "found-" in key]

    store.forget_found("lapsed")
    assert not [key for key in names(objects) if "found-" in key]
    assert new.sha256 == store.manifest("lapsed", WEEKS[1]).sha256


def test_people_leave_a_list_and_its_bytes_leave_the_bucket(store: SnapshotStore, objects: Objects) -> None:
    sent = materialize(store, "lapsed", WEEKS[0], people=3)
    left = redact_list(*store.stored("lapsed", WEEKS[0]), digests(A), sent=[sent.sha256])

    assert cells(store, WEEKS[0]) == {B, sha("c@example.com")}
    assert not [key for key, content in objects.all().items() if A.encode() in content]
    assert names(objects)[:3] == [
        f"customer_lists/lapsed/2026-11-02-06%3A00/{left.sha256}.csv",
        f"customer_lists/lapsed/2026-11-02-06%3A00/erased-{left.sha256[:16]}.parquet",
        "customer_lists/lapsed/2026-11-02-06%3A00/manifest-00000002.json",
    ]
    # What Spotify has does not shrink by it.
    as_sent = store.find_sent("lapsed", sent.sha256)
    assert as_sent is not None
    assert compare_lists(as_sent, store.stored("lapsed", WEEKS[0])).removed == 1


def test_a_list_without_some_people_is_a_list_of_its_own(store: SnapshotStore) -> None:
    materialize(store, "lapsed", WEEKS[0], people=3)
    path, manifest = redacted_copy(store, store.stored("lapsed", WEEKS[0]), digests(A), issued_at=NOW)

    verify_customer_list(path, manifest)
    assert rows_holding((path, manifest), digests(A, B)) == 1
    assert cells(store, WEEKS[0]) >= {A, B}
    assert len(store.lists("lapsed")) == 2
    again, _ = redacted_copy(store, store.stored("lapsed", WEEKS[0]), digests(A), issued_at=NOW)
    assert again.name == path.name


def test_the_list_that_was_sent_is_kept_when_another_is_built_for_its_snapshot(store: SnapshotStore) -> None:
    sent = materialize(store, "lapsed", WEEKS[0], people=3)
    with set_aside(store, "lapsed", WEEKS[0], sent=[sent.sha256]):
        materialize(store, "lapsed", WEEKS[0], people=2)
    kept = store.find_list("lapsed", sent.sha256)
    assert kept is not None
    verify_customer_list(*kept)
    with set_aside(store, "lapsed", WEEKS[0], sent=[sent.sha256]):
        pass
    assert len(store.snapshots("lapsed")) == 2


def test_old_lists_and_identifiers_are_deleted(store: SnapshotStore, objects: Objects) -> None:
    lists = [
        materialize(store, "lapsed", week, NOW + timedelta(days=7 * number), people=number + 1)
        for number, week in enumerate(WEEKS)
    ]
    assert store.keep_lists("lapsed", 1, sent=[lists[0].sha256]) == [WEEKS[1]]
    assert store.snapshots("lapsed") == [WEEKS[0], WEEKS[2]]
    assert len(store.keep_identifiers("lapsed", 1)) == 2
    store.forget_audience("lapsed")
    assert names(objects) == []


def test_of_two_that_change_a_list_at_a_time_one_is_told(
    store: SnapshotStore, objects: Objects, tmp_path: Path
) -> None:
    materialize(store, "lapsed", WEEKS[0], people=3)
    other = store_of(objects, tmp_path / "other")
    mine, theirs = store.stored("lapsed", WEEKS[0]), other.stored("lapsed", WEEKS[0])

    redact_list(*theirs, digests(B))
    with pytest.raises(CustomerListError, match="There is no customer list at"):
        redact_list(*mine, digests(A))
    with pytest.raises(CustomerListError, match="was changed by another process meanwhile"):
        write_manifest(mine[1], mine[0])

    assert cells(store, WEEKS[0]) == {A, sha("c@example.com")}
    verify_customer_list(*store.stored("lapsed", WEEKS[0]))


def test_a_list_without_a_manifest_is_not_found_and_is_deleted_after_a_day(
    store: SnapshotStore, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.write("lists/customer_lists/lapsed/killed/0.csv", b"half")
    assert store.snapshots("lapsed") == []
    assert store.sweep("lapsed") == 0
    assert store.folders("lapsed") == {"killed": None}
    monkeypatch.setattr("spotify_pipeline.customer_list.storage.bucket.LONGEST_PUT", timedelta(0))
    assert store.sweep("lapsed") == 1
    assert names(objects) == []


def test_what_a_process_left_that_died_before_it_deleted_the_list_before_is_swept(
    store: SnapshotStore, objects: Objects
) -> None:
    first = materialize(store, "lapsed", WEEKS[0], people=3)
    before = {key: content for key, content in objects.all().items() if "customer_lists" in key}
    redact_list(*store.stored("lapsed", WEEKS[0]), digests(A))
    for key, content in before.items():
        objects.write(key, content)
    assert any(first.sha256 in key for key in names(objects))

    assert cells(store, WEEKS[0]) == {B, sha("c@example.com")}
    assert store.sweep("lapsed") == 1
    assert not [content for content in objects.all().values() if A.encode() in content]


def test_a_bucket_that_cannot_be_read_is_no_list_that_is_damaged(store: SnapshotStore, objects: Objects) -> None:
    materialize(store, "lapsed", WEEKS[0])
    objects.gone()
    for look in (
        lambda: store.lists("lapsed"),
        lambda: store.keep_lists("lapsed", 1),
        lambda: materialize(store, "lapsed", WEEKS[1]),
    ):
        with pytest.raises(BucketError, match="cannot be used") as raised:
            look()
        assert objects.url in str(raised.value)
        assert "testing-secret" not in str(raised.value)
        assert "http" not in str(raised.value)


def test_nothing_is_there_of_what_could_not_be_written_whole(
    store: SnapshotStore, objects: Objects, tmp_path: Path
) -> None:
    def broken() -> Iterator[bytes]:
        yield os.urandom(9 << 20)
        yield os.urandom(9 << 20)
        raise ConnectionError

    file = store.place.file("customer_lists", "lapsed", "x", "y.csv")
    assert isinstance(file, BucketFile)
    with pytest.raises(ConnectionError):
        file.objects.put(file.key, broken())
    assert (objects.all(), objects.begun()) == ({}, 0)


def test_an_object_that_was_changed_or_moved_is_refused(store: SnapshotStore, objects: Objects, tmp_path: Path) -> None:
    materialize(store, "lapsed", WEEKS[0], people=3)
    manifest = store.manifest("lapsed", WEEKS[0])
    key = next(key for key in objects.all() if key.endswith(".csv"))
    objects.write(key, objects.all()[key].replace(b"a", b"b"))
    with pytest.raises(CustomerListError, match="was changed after it was built"):
        verify_customer_list(store.stored("lapsed", WEEKS[0])[0], manifest)

    sealed = objects.all()["lists/identifiers/lapsed/2026-11-02-06%3A00.parquet"]
    objects.write("lists/identifiers/lapsed/moved.parquet", sealed)
    with pytest.raises(CustomerListError, match="damaged, or encrypted with another key"):
        store.identifiers_report("lapsed", "moved")
    with pytest.raises(CustomerListError, match="damaged, or encrypted with another key"):
        store_of(objects, tmp_path / "with another key").identifiers_report("lapsed", WEEKS[0])


def test_a_large_file_is_encrypted_and_read_in_parts(store: SnapshotStore, objects: Objects, tmp_path: Path) -> None:
    content = os.urandom((3 << 20) + 17)
    plain = tmp_path / "plain"
    for size in (0, 1, 1 << 20, len(content)):
        plain.write_bytes(content[:size])
        file = store.place.file("identifiers", "lapsed", "large", sealed=True)
        assert isinstance(file, BucketFile)
        file.put(plain)
        with file.open("rb") as opened:
            assert opened.read() == content[:size]
            assert opened.seek(max(0, size - 5)) == max(0, size - 5)
            assert opened.read() == content[max(0, size - 5) : size]
    sealed = objects.all()["lists/identifiers/lapsed/large"]
    assert content[:64] not in sealed
    # A file that ends before its last block is not taken for a shorter one.
    objects.write("lists/identifiers/lapsed/large", sealed[: 16 + (1 << 20) + 34])
    with file.open("rb") as opened, pytest.raises(CustomerListError):
        opened.read()


def test_a_list_is_split_and_its_parts_are_files_of_this_machine(store: SnapshotStore) -> None:
    materialize(store, "lapsed", WEEKS[0], people=8)
    path, manifest = store.stored("lapsed", WEEKS[0])
    assert parts_needed(path, manifest, 400) > 1
    with store.parts_directory("lapsed", WEEKS[0]) as folder:
        parts = split_list(path, manifest, 2, folder)
        assert sum(each.list_rows for _, each in parts) == 8
        assert all(isinstance(file, Path) for file, _ in parts)


def test_a_bucket_that_keeps_what_is_deleted_is_told_of(store: SnapshotStore, objects: Objects) -> None:
    assert isinstance(store.place, Bucket)
    assert store.place.faults() == []
    assert names(objects) == []
    objects.keep_versions()
    assert [each for each in store.place.faults() if "keeps old versions" in each]


def test_a_list_is_read_in_memory_that_does_not_grow(store: SnapshotStore, objects: Objects, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        for _ in range(12):
            file.write(os.urandom(4 << 20))
    found = store.place.file("customer_lists", "lapsed", "x", "large.csv")
    assert isinstance(found, BucketFile)
    found.put(large)

    # In a process of its own, for the stand-in holds every object in the memory of this one.
    read = subprocess.run(
        [sys.executable, "-c", _READING, objects.url, str(tmp_path)], capture_output=True, text=True, check=True
    )
    size, grown = map(int, read.stdout.split())
    assert size == 48 << 20
    assert grown < 30 << 10, "KiB"


def test_a_manifest_of_another_list_is_not_taken_for_this_one(store: SnapshotStore, objects: Objects) -> None:
    manifest = materialize(store, "lapsed", WEEKS[0])
    key = next(key for key in objects.all() if key.endswith(".json"))
    objects.write(key, replace(manifest, snapshot="other").to_json().encode())
    with pytest.raises(CustomerListError, match="There is no customer list for snapshot"):
        store.stored("lapsed", WEEKS[0])


def test_an_object_that_is_replaced_while_it_is_read_is_not_read_on(store: SnapshotStore, objects: Objects) -> None:
    found: StoredFile = store.place.file("customer_lists", "lapsed", "x", "large.csv")
    objects.write("lists/customer_lists/lapsed/x/large.csv", bytes(9 << 20))
    with found.open("rb") as opened:
        assert len(opened.read(10)) == 10
        objects.write("lists/customer_lists/lapsed/x/large.csv", b"1" * (9 << 20))
        with pytest.raises(FileNotFoundError):
            opened.read(8 << 20)
