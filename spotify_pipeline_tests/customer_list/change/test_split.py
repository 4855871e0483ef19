"""A list split into parts: nobody lost, nobody twice, and few who move when there is one part more."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    CustomerListError,
    Layout,
    Manifest,
    StoredFile,
    parts_needed,
    split_list,
    verify_customer_list,
)
from spotify_pipeline.customer_list.change.split import part_numbers
from spotify_pipeline_tests.customer_list.making import email_list, names_below
from spotify_pipeline_tests.customer_list.people import PEOPLE, list_of
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.on_disk import on_disk

LAYOUTS = st.sampled_from(Layout)


def jump_hash(key: int, parts: int) -> int:
    """As its authors wrote it."""
    at, to = -1, 0
    while to < parts:
        at = to
        key = (key * 2862933555777941757 + 1) % 2**64
        to = int((at + 1) * (float(1 << 31) / float((key >> 33) + 1)))
    return at


@given(st.lists(st.integers(0, 2**64 - 1)), st.integers(1, 100))
def test_a_row_goes_where_the_published_hash_says(keys: list[int], parts: int) -> None:
    numbers = part_numbers(pl.Series(keys, dtype=pl.UInt64), parts).to_list()
    assert numbers == [jump_hash(key, parts) for key in keys]


def lines(path: StoredFile) -> list[bytes]:
    return path.read_bytes().splitlines()


@settings(max_examples=examples(8, 60))
@given(people=PEOPLE, layout=LAYOUTS, parts=st.integers(1, 6))
def test_parts_are_lists_that_make_up_the_whole(people, layout: Layout, parts: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, manifest = list_of(Path(name), people, layout)
        header, *whole = lines(path)
        made = split_list(path, manifest, parts, Path(name) / "parts")
        assert [part.name for part, _ in made] == [f"part-{n}-of-{parts}.csv" for n in range(1, parts + 1)]
        assert names_below(Path(name) / "parts") == {part.name for part, _ in made}
        rows = []
        for number, (part, its) in enumerate(made, 1):
            verify_customer_list(part, its)
            assert its.part is not None
            assert (its.part.number, its.part.of, its.part.whole_sha256) == (number, parts, manifest.sha256)
            assert its.list_rows + its.part.rows_elsewhere == manifest.list_rows
            assert Manifest.from_json(its.to_json()) == its
            first, *others = lines(part)
            assert first == header
            assert others == [row for row in whole if row in set(others)]
            rows.extend(others)
        assert sorted(rows) == sorted(whole)
        assert len(set(rows)) == len(rows)


@settings(max_examples=examples(8, 40))
@given(people=PEOPLE, layout=LAYOUTS, parts=st.integers(1, 6))
def test_one_part_more_takes_rows_and_gives_none(people, layout: Layout, parts: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, manifest = list_of(Path(name), people, layout)
        before = [set(lines(part)) for part, _ in split_list(path, manifest, parts, Path(name) / "a")]
        after = [set(lines(part)) for part, _ in split_list(path, manifest, parts + 1, Path(name) / "b")]
    assert all(now <= then for then, now in zip(before, after, strict=False))


@settings(max_examples=examples(8, 60))
@given(people=PEOPLE, layout=LAYOUTS, max_bytes=st.integers(100, 3000), at_least=st.integers(1, 3))
def test_fewest_parts_of_which_none_is_too_large(people, layout: Layout, max_bytes: int, at_least: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, manifest = list_of(Path(name), people, layout)

        def largest(parts: int) -> int:
            header, *rows = path.read_bytes().splitlines(keepends=True)
            sizes = [len(header)] * parts
            for row in rows:
                first = next(cell for cell in row.strip().split(b",") if len(cell) == 64)
                sizes[jump_hash(int(first[:16], 16), parts)] += len(row)
            return max(sizes)

        try:
            parts = parts_needed(path, manifest, max_bytes, at_least)
        except CustomerListError:
            assert largest(100) > max_bytes
        else:
            assert largest(parts) <= max_bytes
            assert parts == at_least or largest(parts - 1) > max_bytes
            assert max(its.bytes for _, its in split_list(path, manifest, parts, Path(name) / "parts")) == largest(
                parts
            )


def test_parts_are_about_equal(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, *(f"p{n}@example.com" for n in range(20_000)))
    sizes = [its.list_rows for _, its in split_list(path, manifest, 4, tmp_path / "parts")]
    assert all(4_700 < size < 5_300 for size in sizes)
    assert parts_needed(path, manifest, manifest.bytes) == 1
    assert parts_needed(path, manifest, manifest.bytes - 1) == 2


def test_p09_parts_are_private(tmp_path: Path, open_umask: None) -> None:
    path, manifest = email_list(tmp_path, "a@example.com", "b@example.com")
    made = split_list(path, manifest, 2, tmp_path / "parts")
    assert {on_disk(part).stat().st_mode & 0o777 for part, _ in made} == {0o600}
    assert (tmp_path / "parts").stat().st_mode & 0o777 == 0o700


def test_a_changed_list_is_not_split(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, *(f"p{n}@example.com" for n in range(10)))
    path.write_bytes(path.read_bytes()[:-65])
    with pytest.raises(CustomerListError, match="changed after it was built"):
        split_list(path, manifest, 2, tmp_path / "parts")
    assert names_below(tmp_path / "parts") == set()
    with pytest.raises(CustomerListError, match="changed after it was built"):
        parts_needed(path, manifest, 300)


@pytest.mark.parametrize("parts", [0, 101, -1])
def test_numbers_of_parts_without_sense(tmp_path: Path, parts: int) -> None:
    with pytest.raises(CustomerListError, match="1 to 100 parts"):
        split_list(*email_list(tmp_path, "a@example.com"), parts, tmp_path / "parts")


def test_a_limit_below_a_row_is_said(tmp_path: Path) -> None:
    with pytest.raises(CustomerListError, match="cannot be split into parts of at most 70 bytes"):
        parts_needed(*email_list(tmp_path, "a@example.com", "b@example.com"), 70)
