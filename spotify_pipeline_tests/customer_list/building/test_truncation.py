"""Lists cut to a size: the people ranked first stay, and nothing changes where nothing is cut."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    CustomerListError,
    Layout,
    Truncation,
    read_report,
    verify_customer_list,
    write_identifiers,
)
from spotify_pipeline.rows import RowsError, Suppressions
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, build, email_list
from spotify_pipeline_tests.customer_list.model import hexed, model_list
from spotify_pipeline_tests.customer_list.people import (
    PEOPLE,
    RANKED,
    VALUES,
    digest_set,
    digests,
    list_of,
    people_with_values,
    rows_of,
)
from spotify_pipeline_tests.examples import examples

NEWEST = "newest first"


def cut(max_bytes: int) -> Truncation:
    return Truncation(max_bytes=max_bytes, order=NEWEST)


@settings(max_examples=examples(8, 100))
@given(
    people=PEOPLE,
    layout=st.sampled_from(Layout),
    max_bytes=st.integers(60, 4000),
    suppressed=VALUES,
    seed=st.randoms(use_true_random=False),
)
def test_the_first_people_by_rank_stay(people, layout: Layout, max_bytes: int, suppressed, seed: random.Random) -> None:
    ranks = [10 * n for n in range(1, len(people) + 1)]
    seed.shuffle(ranks)
    unwanted = set(map(hexed, suppressed))
    in_order = [person for _, person in sorted(zip(ranks, people, strict=True), key=lambda pair: pair[0])]
    wanted = [person for person in people_with_values(in_order) if not digests(person) & unwanted]
    suppressions = Suppressions(sources={"erasure": digest_set(suppressed)})
    with tempfile.TemporaryDirectory() as name:
        path, manifest = list_of(Path(name), people, layout, ranks, suppressions=suppressions, truncate=cut(max_bytes))
        verify_customer_list(path, manifest)
        data = path.read_bytes()
    kept = wanted[: manifest.rows_kept]
    assert manifest.bytes <= max_bytes
    assert manifest.rows_dropped["over_limit"] == len(wanted) - len(kept)
    assert manifest.truncated_by == (NEWEST if len(kept) < len(wanted) else None)
    if kept:
        assert data == model_list(kept, layout).data
    if len(kept) < len(wanted):
        assert len(model_list(wanted, layout).data) > max_bytes


@settings(max_examples=examples(8, 40))
@given(people=PEOPLE, layout=st.sampled_from(Layout), seed=st.randoms(use_true_random=False))
def test_a_rank_leaves_no_trace_where_nothing_is_cut(people, layout: Layout, seed: random.Random) -> None:
    ranks = list(range(len(people)))
    seed.shuffle(ranks)
    with tempfile.TemporaryDirectory() as name:
        plain, manifest = list_of(Path(name) / "a", people, layout)
        ranked, same = list_of(Path(name) / "b", people, layout, ranks)
        uncut, again = list_of(Path(name) / "c", people, layout, ranks, truncate=cut(manifest.bytes))
        assert plain.read_bytes() == ranked.read_bytes() == uncut.read_bytes()
    assert manifest == same
    assert (again.truncated_by, again.rows_dropped["over_limit"]) == (None, 0)


def test_a_list_is_cut_to_nearly_the_size_it_may_have(tmp_path: Path) -> None:
    people = [{"email": f"p{n}@example.com"} for n in range(3_000)]
    _, whole = list_of(tmp_path / "whole", people, ranks=list(range(3_000)))
    limit = whole.bytes // 2
    _, manifest = list_of(tmp_path / "cut", people, ranks=list(range(3_000)), truncate=cut(limit))
    assert 0.99 * limit < manifest.bytes <= limit
    assert manifest.rows_kept + manifest.rows_dropped["over_limit"] == 3_000


def test_people_of_one_rank_are_cut_together(tmp_path: Path) -> None:
    """A rank that does not tell people apart gives a shorter list, never another one of as many people."""
    people = [{"email": f"p{n}@example.com"} for n in range(10)]
    _, manifest = list_of(tmp_path, people, ranks=[1, 1, 1, 2, 2, 2, 2, 2, 3, 3], truncate=cut(7 * 65 + 16))
    assert manifest.rows_kept == 3


def test_very_large_people_in_front_do_not_make_it_endless(tmp_path: Path) -> None:
    """Half of the file is one crowd's, so bytes do not fall in proportion to people."""
    source = pl.DataFrame(
        {"email": [[f"a{n}@example.com" for n in range(2_000)], *([f"p{n}@example.com"] for n in range(2_000))]}
    )
    table = rows_of([{"email": f"p{n}@example.com"} for n in range(2_001)]).with_columns(
        rank=pl.int_range(1, pl.len() + 1)
    )
    report = write_identifiers([table], RANKED, tmp_path / "a.parquet")
    source.with_columns(rank=pl.int_range(1, pl.len() + 1)).write_parquet(tmp_path / "b.parquet")
    path = tmp_path / "list" / "list.csv"
    manifest = build(tmp_path / "b.parquet", report, path, truncate=cut(2_100 * 65))
    assert 1 <= manifest.rows_kept <= 100
    verify_customer_list(path, manifest)


def test_without_a_rank_nothing_is_cut_and_nothing_built(tmp_path: Path) -> None:
    with pytest.raises(CustomerListError, match=r"has 146 bytes, more than the limit of 100, .* have no rank"):
        list_of(tmp_path, [{"email": f"p{n}@example.com"} for n in range(2)], truncate=cut(100))
    assert list((tmp_path / "list").iterdir()) == []


@pytest.mark.parametrize(
    "ranks",
    [pl.Series([1, None], dtype=pl.Int64), pl.Series([1.0, 2.0]), pl.Series(["1", "canary@example.com"])],
)
def test_rank_that_is_none_is_refused_by_column(tmp_path: Path, ranks: pl.Series) -> None:
    table = rows_of([{"email": "a@example.com"}, {"email": "b@example.com"}]).with_columns(rank=ranks)
    with pytest.raises(CustomerListError, match="column 'rank', by which a list is cut") as caught:
        write_identifiers([table], RANKED, tmp_path / "a.parquet")
    assert "canary" not in str(caught.value)


def test_rank_column_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(RowsError, match="no column 'rank'"):
        write_identifiers([rows_of([{"email": "a@example.com"}])], RANKED, tmp_path / "a.parquet")


def test_rank_is_kept_beside_the_identifiers(tmp_path: Path) -> None:
    table = rows_of([{"email": "a@example.com"}, {}, {"email": "b@example.com"}])
    table = table.with_columns(rank=pl.Series([3, 2, 1], dtype=pl.UInt32))
    report = write_identifiers([table], RANKED, tmp_path / "a.parquet")
    kept = pl.read_parquet(tmp_path / "a.parquet")
    assert kept.schema["rank"] == pl.Int64
    assert kept["rank"].to_list() == [3, 1]
    assert read_report(tmp_path / "a.parquet") == report
    assert write_identifiers([table], ALL_TYPES, tmp_path / "b.parquet") == report


@pytest.mark.parametrize(("max_bytes", "order"), [(0, NEWEST), (100, "")])
def test_truncation_without_sense(max_bytes: int, order: str) -> None:
    with pytest.raises(CustomerListError, match="at least one byte"):
        Truncation(max_bytes=max_bytes, order=order)


def test_empty_list_fits_or_it_is_said(tmp_path: Path) -> None:
    assert email_list(tmp_path)[1].bytes == 16
    with pytest.raises(CustomerListError, match="Not even an empty list fits into 10 bytes"):
        list_of(tmp_path / "b", [], ranks=[], truncate=cut(10))
