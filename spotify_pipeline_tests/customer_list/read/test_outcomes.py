"""What was found in a list is kept beside it, is what reading it again would find, and is used for nothing else."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    ComparedList,
    CustomerListError,
    Layout,
    MembershipChange,
    SentVersion,
    SnapshotStore,
    StoredList,
    WrittenRows,
    compare_lists,
    redact_list,
    rows_holding,
)
from spotify_pipeline.customer_list.read.sent_version import prefix_rows
from spotify_pipeline_tests.customer_list.making import NOW, email_list
from spotify_pipeline_tests.customer_list.people import PEOPLE, VALUES, digest_set, list_of
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.on_disk import on_disk

A, B, C, D = (f"{name}@example.com" for name in "abcd")
Stored = StoredList


def as_sent(stored: Stored) -> SentVersion:
    return SentVersion(path=stored[0], kept=stored[1], manifest=stored[1])


def found_beside(stored: Stored) -> list[Path]:
    return sorted(on_disk(stored[0]).parent.glob("found-*"))


def everything(change: MembershipChange) -> tuple[object, ...]:
    return change, change.erased, change.confirmed, change.types, change.reasons


@settings(max_examples=examples(8, 60), deadline=None)
@given(old=PEOPLE, new=PEOPLE, gone=VALUES, sure=VALUES, layout=st.sampled_from(Layout))
def test_an_outcome_is_what_reading_both_lists_finds_whether_written_read_or_kept(old, new, gone, sure, layout) -> None:
    erased, confirmed = digest_set(gone), digest_set(sure)
    with tempfile.TemporaryDirectory() as name:
        before = as_sent(list_of(Path(name) / "old", old, layout))
        written = WrittenRows()
        stored = list_of(Path(name) / "new", new, layout, written=written)
        assert written.of(stored[1]).equals(prefix_rows(stored))
        change = compare_lists(before, stored, erased=erased, confirmed=confirmed, reasons={"erased": lambda: erased})
        same = before.manifest.sha256 == stored[1].sha256
        for known in (written, None):
            for file in found_beside(stored):
                file.unlink()
            for _ in ("anew", "as kept"):
                found = ComparedList(stored, known).change_since(before, erased=erased, confirmed=confirmed)
                assert found == change
                assert same or everything(found)[:-1] == everything(change)[:-1]
                assert ComparedList(stored, known).rows_holding(erased) == rows_holding(stored, erased)
        reasoned = ComparedList(stored).change_since(
            before, erased=erased, confirmed=confirmed, reasons={"erased": lambda: erased}
        )
        kept = ComparedList(stored).change_since(before, erased=erased, confirmed=confirmed)
        assert same or everything(reasoned) == everything(kept) == everything(change)


def changed(old: Stored, new: Stored, *erased: str, confirmed: str = D) -> MembershipChange:
    return ComparedList(new).change_since(
        as_sent(old), erased=digest_set(erased or [D]), confirmed=digest_set([confirmed])
    )


def test_what_was_found_once_needs_neither_list_again(tmp_path: Path) -> None:
    old, new = email_list(tmp_path / "old", A, B, C), email_list(tmp_path / "new", B, C, D)
    found = changed(old, new), ComparedList(new).rows_holding(digest_set([D]))
    assert found[1] == 1
    old[0].unlink()
    new[0].write_bytes(b"another file")
    assert (changed(old, new), ComparedList(new).rows_holding(digest_set([D]))) == found


@pytest.mark.parametrize(
    "otherwise",
    [
        lambda old, new: changed(old, new, A),
        lambda old, new: changed(old, new, confirmed=A),
        lambda old, new: changed((old[0], replace(old[1], sha256="0" * 64)), new),
        lambda old, new: changed((old[0], replace(old[1], list_rows=2, rows_withdrawn=1)), new),
        lambda old, new: changed(old, (new[0], replace(new[1], sha256="0" * 64))),
        lambda old, new: changed(new, old),
        lambda _, new: ComparedList(new).rows_holding(digest_set([D, A])),
        lambda old, _: ComparedList(old).rows_holding(digest_set([D])),
    ],
)
def test_of_anything_else_it_says_nothing(tmp_path: Path, otherwise: Callable[[Stored, Stored], object]) -> None:
    old, new = email_list(tmp_path / "old", A, B, C), email_list(tmp_path / "new", B, C, D)
    changed(old, new)
    ComparedList(new).rows_holding(digest_set([D]))
    for path, _ in (old, new):
        path.write_bytes(b"another file")
    with pytest.raises(CustomerListError):
        otherwise(old, new)


@pytest.mark.parametrize("damage", [b"", b"{", b"-1", b'{"staying": -1}', b"null", b'"two"'])
def test_one_that_is_damaged_is_counted_anew(tmp_path: Path, damage: bytes) -> None:
    old, new = email_list(tmp_path / "old", A, B, C), email_list(tmp_path / "new", B, C, D)
    found = changed(old, new), ComparedList(new).rows_holding(digest_set([D]))
    for file in found_beside(new):
        file.write_bytes(damage)
    assert (changed(old, new), ComparedList(new).rows_holding(digest_set([D]))) == found


def test_p09_it_is_private_and_holds_counts_only(tmp_path: Path, open_umask: None) -> None:
    old, new = email_list(tmp_path / "old", A, B, C), email_list(tmp_path / "new", B, C, D)
    changed(old, new)
    ComparedList(new).rows_holding(digest_set([D]))
    cells = {cell for path, _ in (old, new) for cell in path.read_text().splitlines()[1:]}
    assert len(found_beside(new)) == 2
    for file in found_beside(new):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert not any(cell[:8] in file.read_text() for cell in cells)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    """Three weeks; what was found in the third since each of the others, and of whom it holds, is kept."""
    store = SnapshotStore(tmp_path)
    for number, week in enumerate(WEEKS):
        materialize(store, "lapsed", week, NOW + timedelta(weeks=number), people=number + 1)
    first, second, third = (stored_of(store, week) for week in WEEKS)
    for old in (first, second):
        changed(old, third)
    ComparedList(third).rows_holding(digest_set([D]))
    assert len(found_beside(third)) == 3
    return store


def stored_of(store: SnapshotStore, week: str) -> Stored:
    return store.list_path("lapsed", week), store.manifest("lapsed", week)


def test_it_goes_with_either_list(store: SnapshotStore) -> None:
    third = stored_of(store, WEEKS[2])
    found_beside(third)[0].with_name(f".found-{'0' * 16}-{'1' * 32}.json.7.tmp").touch()  # a process was killed
    store.keep_lists("lapsed", 2)
    assert not list(on_disk(third[0]).parent.glob(".found-*"))
    assert len(found_beside(third)) == 2
    store.keep_lists("lapsed", 1)
    assert len(found_beside(third)) == 1
    materialize(store, "lapsed", "2026-12-28", NOW + timedelta(weeks=6), people=1)
    store.keep_lists("lapsed", 1)
    assert not on_disk(third[0]).parent.exists()


def test_it_goes_when_the_list_is_rewritten(store: SnapshotStore) -> None:
    third = stored_of(store, WEEKS[2])
    redact_list(*third, digest_set(["a@example.com"]))
    assert found_beside(third) == []
