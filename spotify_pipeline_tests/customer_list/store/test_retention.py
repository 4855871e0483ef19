"""How long identifiers and lists stay, which list is still needed, and what is left when an audience is forgotten."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from spotify_pipeline.customer_list import CustomerListError, SnapshotStore, redact_list, split_list, write_identifiers
from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, NOW, emails, names_below
from spotify_pipeline_tests.customer_list.people import digest_set
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize
from spotify_pipeline_tests.on_disk import on_disk


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    """Three weeks of ``lapsed`` and of ``loyal``, each list of one person more than the one before."""
    store = SnapshotStore(tmp_path)
    for audience in ("lapsed", "loyal"):
        for number, week in enumerate(WEEKS):
            at = NOW + timedelta(weeks=number)
            materialize(store, audience, week, at, people=number + 1)
            os.utime(on_disk(store.identifiers_path(audience, week)), (at.timestamp(), at.timestamp()))
    return store


def test_lists_built_last_are_kept(store: SnapshotStore) -> None:
    assert store.keep_lists("lapsed", 5) == []
    assert store.keep_lists("lapsed", 2) == WEEKS[:1]
    assert store.snapshots("lapsed") == WEEKS[1:]
    assert not on_disk(store.list_path("lapsed", WEEKS[0])).parent.exists()
    assert store.snapshots("loyal") == store.identifier_snapshots("loyal") == WEEKS
    with pytest.raises(CustomerListError, match="At least one"):
        store.keep_lists("lapsed", 0)


def test_list_that_spotify_has_is_kept_besides(store: SnapshotStore) -> None:
    """Refused runs build list after list, and the next is still compared with the one that was sent."""
    live = store.manifest("lapsed", WEEKS[0]).sha256
    assert store.keep_lists("lapsed", 1, sent=[live]) == [WEEKS[1]]
    assert store.snapshots("lapsed") == [WEEKS[0], WEEKS[2]]
    assert store.keep_lists("lapsed", 1, sent=["0" * 64]) == [WEEKS[0]]


def test_list_that_spotify_has_is_known_by_its_former_bytes(store: SnapshotStore) -> None:
    key = WEEKS[1]
    sent = store.manifest("lapsed", key)
    path = on_disk(store.list_path("lapsed", key))
    left = redact_list(path, sent, digest_set(["b@example.com"]))
    assert store.find_list("lapsed", sent.sha256) == (path, left)
    assert store.find_list("lapsed", "0" * 64) is None
    assert store.find_list("loyal", sent.sha256) is not None
    assert store.keep_lists("lapsed", 1, sent=[sent.sha256]) == [WEEKS[0]]
    assert store.snapshots("lapsed") == [key, WEEKS[2]]


def test_list_that_has_these_bytes_now_goes_before_one_that_had(store: SnapshotStore) -> None:
    newest = store.manifest("lapsed", WEEKS[2])
    path = on_disk(store.list_path("lapsed", WEEKS[2]))
    redact_list(path, newest, digest_set(["c@example.com"]))
    again = materialize(store, "lapsed", WEEKS[0], NOW, people=3)
    assert again.sha256 == newest.sha256
    assert store.find_list("lapsed", newest.sha256) == (on_disk(store.list_path("lapsed", WEEKS[0])), again)


def test_lists_come_newest_first_and_broken_ones_not_at_all(store: SnapshotStore) -> None:
    assert [manifest.snapshot for _, manifest in store.lists("lapsed")] == WEEKS[::-1]
    on_disk(store.list_path("lapsed", WEEKS[1])).with_name("manifest.json").write_text("{")
    on_disk(store.list_path("lapsed", WEEKS[0])).unlink()
    assert [manifest.snapshot for _, manifest in store.lists("lapsed")] == [WEEKS[2]]
    assert store.lists("nobody") == []


def test_w08_a_broken_manifest_does_not_stop_retention(store: SnapshotStore) -> None:
    """The list it describes can be used for nothing, so it is deleted first."""
    on_disk(store.list_path("lapsed", WEEKS[1])).with_name("manifest.json").write_text("{")
    assert store.keep_lists("lapsed", 2) == [WEEKS[1]]
    assert [manifest.snapshot for _, manifest in store.lists("lapsed")] == [WEEKS[2], WEEKS[0]]


@pytest.mark.parametrize(("before", "now"), [("once", "2026-11-23"), ("2026-11-23", "2026-11-01"), ("2026-11", "2025")])
def test_what_was_just_built_is_kept_whatever_the_keys_of_an_earlier_cadence(
    tmp_path: Path, before: str, now: str
) -> None:
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", before)
    os.utime(on_disk(store.identifiers_path("lapsed", before)), (0, NOW.timestamp()))
    materialize(store, "lapsed", now, NOW + timedelta(days=1))
    os.utime(on_disk(store.identifiers_path("lapsed", now)), (0, NOW.timestamp() + 1))
    assert store.keep_identifiers("lapsed", 1) == [before]
    assert store.keep_lists("lapsed", 1) == [before]
    assert store.snapshots("lapsed") == store.identifier_snapshots("lapsed") == [now]


def test_identifiers_written_last_are_kept(store: SnapshotStore) -> None:
    assert store.keep_identifiers("lapsed", 2) == WEEKS[:1]
    assert store.keep_identifiers("lapsed", 2) == []
    assert store.keep_identifiers("lapsed", 0) == WEEKS[1:]
    assert store.identifier_snapshots("lapsed") == []
    assert store.identifier_snapshots("loyal") == store.snapshots("lapsed") == WEEKS
    with pytest.raises(CustomerListError, match="is not -1"):
        store.keep_identifiers("lapsed", -1)


def test_p08_identifiers_beyond_their_age_are_deleted_though_they_are_the_last(store: SnapshotStore) -> None:
    assert store.keep_identifiers("lapsed", 3, older_than=NOW) == []
    assert store.keep_identifiers("lapsed", 3, older_than=NOW + timedelta(hours=1)) == WEEKS[:1]
    assert store.keep_identifiers("lapsed", 1, older_than=NOW + timedelta(weeks=1)) == [WEEKS[1]]
    assert store.keep_identifiers("lapsed", 1, older_than=NOW + timedelta(weeks=9)) == [WEEKS[2]]


def test_p16_audiences_are_known_as_long_as_anything_of_them_is_kept(store: SnapshotStore, tmp_path: Path) -> None:
    (tmp_path / "customer_lists" / "empty").mkdir()
    (tmp_path / "customer_lists" / "Not An Audience").mkdir()
    (tmp_path / "customer_lists" / "file").touch()
    assert store.audiences() == ["lapsed", "loyal"]
    store.keep_identifiers("loyal", 0)
    assert store.audiences() == ["lapsed", "loyal"]
    store.forget_audience("loyal")
    assert store.audiences() == ["lapsed"]
    assert SnapshotStore(tmp_path / "nowhere").audiences() == []


def test_p16_nothing_is_left_of_a_forgotten_audience(store: SnapshotStore, tmp_path: Path) -> None:
    leftover = tmp_path / "identifiers" / "lapsed" / ".a.parquet.0123456789abcdef.work"
    leftover.mkdir()
    (leftover / "identifiers.parquet").write_text("canary@example.com")
    on_disk(store.list_path("lapsed", WEEKS[0])).with_name("manifest.json").unlink()
    store.forget_audience("lapsed")
    assert not any("lapsed" in name for name in names_below(tmp_path))
    assert store.snapshots("loyal") == store.identifier_snapshots("loyal") == WEEKS
    store.forget_audience("lapsed")


def test_p09_parts_have_a_private_place_that_is_gone_afterwards(store: SnapshotStore, open_umask: None) -> None:
    path = on_disk(store.list_path("lapsed", WEEKS[2]))
    with store.parts_directory("lapsed", WEEKS[2]) as folder:
        made = split_list(path, store.manifest("lapsed", WEEKS[2]), 2, folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {on_disk(part).stat().st_mode & 0o777 for part, _ in made} == {0o600}
        assert store.sweep("lapsed") == 0
        assert store.snapshots("lapsed") == WEEKS
    assert names_below(path.parent) == {"customer_list.csv", "manifest.json"}
    with pytest.raises(CustomerListError, match="materialize"), store.parts_directory("lapsed", "2031-01-01"):
        pass


def test_p08_who_declined_goes_with_the_identifiers_and_once_it_was_asked_for(store: SnapshotStore) -> None:
    for week in WEEKS:
        write_identifiers(
            [emails("a@example.com")],
            EMAIL_ONLY,
            on_disk(store.identifiers_path("lapsed", week)),
            declined=on_disk(store.declined_path("lapsed", week)),
        )
    taken = store.take_declined("lapsed", WEEKS[2])
    assert (taken is not None, store.take_declined("lapsed", WEEKS[2])) == (True, None)
    on_disk(store.identifiers_path("lapsed", WEEKS[0])).unlink()  # as a process leaves it that was killed in between
    store.keep_identifiers("lapsed", 5)
    left = [on_disk(store.declined_path("lapsed", week)).exists() for week in WEEKS]
    assert left == [False, True, False]
    assert len(store.keep_identifiers("lapsed", 0)) == 2
    assert not on_disk(store.declined_path("lapsed", WEEKS[1])).exists()
