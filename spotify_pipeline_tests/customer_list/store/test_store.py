"""Where things lie: names that cannot escape, and retention that reaches every file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.customer_list import CustomerListError, SnapshotStore
from spotify_pipeline.customer_list.storage.staging import workspace
from spotify_pipeline_tests.customer_list.making import names_below
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize
from spotify_pipeline_tests.on_disk import on_disk


def test_what_is_built_is_found(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    made = [materialize(store, "lapsed", week) for week in reversed(WEEKS)]
    assert store.snapshots("lapsed") == WEEKS
    assert store.identifier_snapshots("lapsed") == WEEKS
    assert store.manifest("lapsed", WEEKS[2]) == made[0]
    assert store.identifiers_report("lapsed", WEEKS[0]).rows_kept == 1
    assert on_disk(store.list_path("lapsed", WEEKS[2])) == (
        tmp_path / "customer_lists" / "lapsed" / "2026-11-16-06%3A00" / "customer_list.csv"
    )
    assert SnapshotStore(tmp_path / "elsewhere").snapshots("lapsed") == []


def test_missing_list_says_what_to_materialize(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    with pytest.raises(CustomerListError, match="'2026-11-16' of audience lapsed: materialize lapsed/customer_list"):
        store.manifest("lapsed", "2026-11-16")
    with pytest.raises(CustomerListError, match="materialize lapsed/identifiers"):
        store.identifiers_report("lapsed", "2026-11-16")


def test_list_without_its_manifest_is_no_list(tmp_path: Path) -> None:
    """The state a crash between the two leaves."""
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", WEEKS[0])
    on_disk(store.list_path("lapsed", WEEKS[0])).with_name("manifest.json").unlink()
    assert store.snapshots("lapsed") == []
    with pytest.raises(CustomerListError, match="materialize"):
        store.manifest("lapsed", WEEKS[0])


def test_manifest_of_another_audience_is_not_taken(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", WEEKS[0])
    (tmp_path / "customer_lists" / "lapsed").rename(tmp_path / "customer_lists" / "loyal")
    with pytest.raises(CustomerListError, match="materialize loyal/customer_list"):
        store.manifest("loyal", WEEKS[0])


def test_a_stray_file_does_not_hide_the_others(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", WEEKS[0])
    (tmp_path / "identifiers" / "lapsed" / f"{'x' * 220}.parquet").write_text("")
    (tmp_path / "customer_lists" / "lapsed" / ("x" * 220)).mkdir()
    (tmp_path / "customer_lists" / "lapsed" / ("x" * 220) / "manifest.json").write_text("")
    assert store.snapshots("lapsed") == store.identifier_snapshots("lapsed") == [WEEKS[0]]


def test_p08_sweep_finds_leftovers_of_every_audience(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", WEEKS[0])
    before = names_below(tmp_path)
    for folder in ("identifiers/lapsed", "customer_lists/lapsed/2026-11-02-06%3A00"):
        left = tmp_path / folder / ".a.parquet.0123456789abcdef.work"
        left.mkdir()
        (left / "identifiers.parquet").write_text("canary")
    assert store.sweep("lapsed") == 2
    assert names_below(tmp_path) == before


def test_p08_sweep_deletes_a_list_whose_builder_died_before_the_manifest(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    for week in WEEKS[:2]:
        materialize(store, "lapsed", week)
    on_disk(store.list_path("lapsed", WEEKS[0])).with_name("manifest.json").unlink()
    assert store.sweep("lapsed") == 1
    assert not on_disk(store.list_path("lapsed", WEEKS[0])).exists()
    assert store.snapshots("lapsed") == WEEKS[1:2]


def test_sweep_leaves_a_list_in_the_making_alone(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    path = on_disk(store.list_path("lapsed", WEEKS[0]))
    with workspace(path) as folder:
        assert store.sweep("lapsed") == 0
        assert folder.is_dir()
    assert store.sweep("lapsed") == 1
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "audience",
    [
        *(
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "A",
            "a b",
            "å",
            "a" * 64,
            "a\n",
            "a\x00",
            "a\u202e",
            "~",
            "%2e%2e",
            "/a",
            "a\\b",
        ),
        # Keys of parts and of lookalikes are the journal's: here the parts lie inside their snapshot.
        *(
            "lapsed.2",
            "lapsed.10",
            "lapsed.lookalike",
            "lapsed~lookalike",
            "lapsed@lookalike",
            "lapsed/parts",
            ".parts",
        ),
    ],
)
def test_s03_audience_that_is_no_folder_name(tmp_path: Path, audience: str) -> None:
    store = SnapshotStore(tmp_path / "data")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "precious").touch()
    uses = (
        store.snapshots,
        store.lists,
        store.sweep,
        store.forget_audience,
        lambda name: on_disk(store.list_path(name, "2026-11-16")),
        lambda name: store.find_list(name, "0" * 64),
        lambda name: store.keep_lists(name, 1),
        lambda name: store.keep_identifiers(name, 0),
        lambda name: store.parts_directory(name, "2026-11-16").__enter__(),
    )
    for use in uses:
        with pytest.raises(CustomerListError, match="Invalid audience name"):
            use(audience)
    assert names_below(tmp_path) == {"x", "x/precious"}


@pytest.mark.parametrize("snapshot", ["", "x" * 300, "\ud800"])
def test_s03_snapshot_that_is_no_key(tmp_path: Path, snapshot: str) -> None:
    with pytest.raises(CustomerListError, match="Invalid snapshot key"):
        SnapshotStore(tmp_path).identifiers_path("lapsed", snapshot)


@given(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=16),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=16),
)
def test_s03_any_key_stays_in_its_folder_and_has_its_own_name(one: str, other: str) -> None:
    store = SnapshotStore(Path("/root-of-store"))
    paths = [on_disk(store.identifiers_path("lapsed", key)) for key in (one, other)]
    for path in paths:
        assert path.parent == Path("/root-of-store/identifiers/lapsed")
        assert path.name.isascii()
        assert not path.name.startswith(".")
    assert (paths[0] == paths[1]) == (one == other)


@pytest.mark.parametrize("key", ["../../etc/passwd", "..", ".hidden", "a/b", "2026-11-16-06:00", "a%3Ab", "~x", "ö\n"])
def test_s03_odd_keys_come_back_as_they_were(tmp_path: Path, key: str) -> None:
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", key)
    assert store.snapshots("lapsed") == store.identifier_snapshots("lapsed") == [key]
    assert on_disk(store.list_path("lapsed", key)).parents[1] == tmp_path / "customer_lists" / "lapsed"
