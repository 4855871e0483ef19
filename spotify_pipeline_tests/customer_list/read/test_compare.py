"""Two lists compared, against sets of cells in plain Python."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from functools import partial
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    CustomerListError,
    Layout,
    MembershipChange,
    SnapshotStore,
    compare_lists,
    overlap,
    overlaps,
    rows_holding,
)
from spotify_pipeline.rows import DigestSet
from spotify_pipeline_tests.customer_list.making import email_list, names_below
from spotify_pipeline_tests.customer_list.model import hexed
from spotify_pipeline_tests.customer_list.people import PEOPLE, VALUES, cells_in, digest_set, list_of, rows_in
from spotify_pipeline_tests.examples import examples

LAYOUTS = st.sampled_from(Layout)


def shared(rows: list, others: list) -> int:
    return sum(bool(row & cells_in(others)) for row in rows)


@settings(max_examples=examples(8, 60))
@given(old=PEOPLE, new=PEOPLE, layouts=st.tuples(LAYOUTS, LAYOUTS))
def test_lists_are_compared_as_sets_would_be(old, new, layouts) -> None:
    with tempfile.TemporaryDirectory() as name:
        a, b = list_of(Path(name) / "a", old, layouts[0]), list_of(Path(name) / "b", new, layouts[1])
        change, common = compare_lists(a, b), overlap(a, b)
        before, after = rows_in(a[0]), rows_in(b[0])
    assert (common.rows_a, common.rows_b) == (len(before), len(after))
    assert (common.shared_a, common.shared_b) == (shared(before, after), shared(after, before))
    assert change == MembershipChange(
        staying=common.shared_b, added=len(after) - common.shared_b, removed=len(before) - common.shared_a
    )
    assert 0 <= common.likeness <= 1
    if before == after:
        assert common.likeness == (1 if before else 0)


@settings(max_examples=examples(8, 60))
@given(old=PEOPLE, new=PEOPLE, suppressed=VALUES, declined=VALUES, layout=LAYOUTS)
def test_removed_rows_have_the_first_reason_that_fits(old, new, suppressed, declined, layout: Layout) -> None:
    asked: list[str] = []

    def people(reason: str, texts: list[str]) -> DigestSet:
        asked.append(reason)
        return digest_set(texts)

    reasons = {
        "suppressed": partial(people, "suppressed", suppressed),
        "no_consent": partial(people, "no_consent", declined),
    }
    with tempfile.TemporaryDirectory() as name:
        a, b = list_of(Path(name) / "a", old, layout), list_of(Path(name) / "b", new, layout)
        change = compare_lists(a, b, reasons=reasons)
        removed = [row for row in rows_in(a[0]) if not row & cells_in(rows_in(b[0]))]
    expected = dict.fromkeys(["suppressed", "no_consent", "left"], 0)
    for row in removed:
        digests = {digest for _, digest in row}
        if digests & set(map(hexed, suppressed)):
            expected["suppressed"] += 1
        elif digests & set(map(hexed, declined)):
            expected["no_consent"] += 1
        else:
            expected["left"] += 1
    assert change.reasons == expected
    assert list(change.reasons) == ["suppressed", "no_consent", "left"]
    unexplained = len(removed) > expected["suppressed"]
    assert asked == ["suppressed", "no_consent"][: bool(removed) + unexplained], "asked only while it matters"
    assert sum(change.reasons.values()) == change.removed


@settings(max_examples=examples(8, 40))
@given(people=PEOPLE, values=VALUES, layout=LAYOUTS)
def test_rows_holding_any_of_some_digests(people, values, layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as name:
        made = list_of(Path(name), people, layout)
        wanted = set(map(hexed, values))
        expected = sum(any(digest in wanted for _, digest in row) for row in rows_in(made[0]))
        assert rows_holding(made, digest_set(values)) == expected


def test_likeness(tmp_path: Path) -> None:
    a = email_list(tmp_path / "a", "a@example.com", "b@example.com", "c@example.com")
    b = email_list(tmp_path / "b", "b@example.com", "c@example.com", "d@example.com")
    assert overlap(a, b).likeness == 2 / 4
    assert overlap(a, a).likeness == 1


def test_lists_of_different_types_have_nobody_in_common(tmp_path: Path) -> None:
    digest = hexed("somebody")
    a, b = list_of(tmp_path / "a", [{"email": digest}]), list_of(tmp_path / "b", [{"phone": digest}])
    assert compare_lists(a, b) == MembershipChange(staying=0, added=1, removed=1)


def test_list_of_many_blocks_is_read_to_its_end(tmp_path: Path) -> None:
    """More than the four megabytes that are read at a time."""
    made = email_list(tmp_path, *(f"p{n}@example.com" for n in range(140_000)))
    assert made[1].bytes > 2 * 4_194_304
    assert compare_lists(made, made) == MembershipChange(staying=140_000, added=0, removed=0)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:0],
        lambda data: data[:-65],
        lambda data: data[:-1],
        lambda data: b"DEVICE_ID_SHA256" + data[15:],
        lambda data: data[:20] + (b"1" if data[20:21] == b"0" else b"0") + data[21:],
        lambda data: data + b"canary@example.com\n",
        lambda data: data.replace(b"\n", b",\n"),
        lambda data: data[:16] + b"canary@example.com" + data[34:],
        lambda data: data[:16] + b"\xff\xfe" + data[18:],
    ],
)
def test_w08_a_list_that_was_changed_is_compared_with_nothing(tmp_path: Path, change) -> None:
    path, manifest = email_list(tmp_path, *(f"p{n}@example.com" for n in range(3)))
    path.write_bytes(change(path.read_bytes()))
    other = email_list(tmp_path / "other", "p0@example.com")
    for use in (
        lambda: compare_lists((path, manifest), other),
        lambda: compare_lists(other, (path, manifest)),
        lambda: rows_holding((path, manifest), DigestSet.of()),
    ):
        with pytest.raises(CustomerListError) as caught:
            use()
        assert "canary" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_list_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    made = email_list(tmp_path, "a@example.com")
    made[0].unlink()
    with pytest.raises(CustomerListError, match="no customer list at"):
        compare_lists(made, made)


@settings(max_examples=examples(8, 20), deadline=None)
@given(people=st.lists(st.tuples(PEOPLE, LAYOUTS), min_size=0, max_size=4))
def test_all_pairs_at_once_are_as_each_pair_by_itself(people) -> None:
    with tempfile.TemporaryDirectory() as name:
        lists = {
            f"list_{n}": list_of(Path(name) / str(n), each, layout) for n, (each, layout) in enumerate(reversed(people))
        }
        store = SnapshotStore(Path(name) / "store")
        with store.comparison_directory() as folder:
            found = list(overlaps(lists, folder))
        assert [each[:2] for each in found] == list(combinations(sorted(lists), 2))
        assert all(common == overlap(lists[a], lists[b]) for a, b, common in found)


OPENED: list[str] = []
"""Every file that this process opens, while a test listens."""
LISTENING: list[bool] = []


def _note(event: str, arguments: tuple) -> None:
    if LISTENING and event == "open":
        OPENED.append(str(arguments[0]))


def test_each_list_is_read_once_for_all_pairs_and_what_is_compared_is_private(tmp_path: Path) -> None:
    lists = {f"list_{n}": email_list(tmp_path / f"{n}", f"p{n}@example.com", "q@example.com") for n in range(8)}
    store = SnapshotStore(tmp_path / "store")
    sys.addaudithook(_note)  # cannot be taken away again
    LISTENING.append(True)
    try:
        with store.comparison_directory() as folder:
            found = list(overlaps(lists, folder))
            modes = {each.stat().st_mode & 0o777 for each in folder.iterdir()}
    finally:
        LISTENING.clear()
    assert len(found) == 28
    assert {common.shared_a for _, _, common in found} == {1}
    reads = Counter(each for each in OPENED if each in {str(path) for path, _ in lists.values()})
    assert len(reads) == 8
    assert set(reads.values()) == {1}
    assert modes == {0o600}
    assert names_below(tmp_path / "store") == set()
