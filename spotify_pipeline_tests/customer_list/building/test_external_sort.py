"""Canonical order and distinctness with buckets of a few rows, so that spreading and spreading again is exercised."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list.building.digest_counts import DigestCounts
from spotify_pipeline.customer_list.building.external_sort import SortedRows
from spotify_pipeline.customer_list.model.layout import Layout
from spotify_pipeline.identity import identifier_types
from spotify_pipeline_tests.customer_list.model import canonical
from spotify_pipeline_tests.examples import examples

COLUMNS = ["email", "phone", "device_id"]
SCHEMA = dict.fromkeys(COLUMNS, pl.String)


def hexed(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


# Digests that differ early, digests that differ in their last digits only, and few of them, so that rows crowd.
DIGESTS = st.one_of(
    st.integers(0, 3).map(hexed), st.integers(0, 30).map(hexed), st.integers(0, 9).map(lambda n: f"{'ab' * 31}0{n}")
)
CELLS = st.one_of(st.none(), DIGESTS)
BUCKETS = st.sampled_from([1, 2, 3, 7, 40])
REAL = st.one_of(st.none(), st.integers(0, 30).map(hexed))
ROWS_OF_REAL_DIGESTS = st.lists(st.tuples(REAL, REAL, REAL).filter(any), max_size=80)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS).filter(any), max_size=80)


@settings(max_examples=examples(8, 100), deadline=None)
@given(rows=ROWS, bucket_rows=BUCKETS, expected=st.integers(0, 2_000), piece=st.integers(1, 80))
def test_any_bucket_size_gives_the_canonical_order(rows, bucket_rows: int, expected: int, piece: int) -> None:
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    with tempfile.TemporaryDirectory() as name:
        sorted_rows = SortedRows(Path(name), COLUMNS, expected_rows=expected, bucket_rows=bucket_rows)
        for part in table.iter_slices(piece):
            sorted_rows.take(sorted_rows.spread(part))
        frames = list(sorted_rows.drain())
        assert list(Path(name).iterdir()) == []
    assert [row for frame in frames for row in frame.rows()] == sorted(set(rows), key=canonical)
    assert all(0 < frame.height <= bucket_rows for frame in frames)


@settings(max_examples=examples(8, 60), deadline=None)
@given(rows=ROWS_OF_REAL_DIGESTS, bucket_rows=BUCKETS, held=BUCKETS, layout=st.sampled_from(Layout))
def test_digests_are_counted_exactly_wherever_they_lie(rows, bucket_rows: int, held: int, layout: Layout) -> None:
    if layout is Layout.LONG:
        rows = [
            tuple(cell if at == n else None for n in range(3)) for row in rows for at, cell in enumerate(row) if cell
        ]
    with tempfile.TemporaryDirectory() as name:
        folder, counting = Path(name) / "rows", Path(name) / "counting"
        folder.mkdir()
        counting.mkdir()
        sorted_rows = SortedRows(folder, COLUMNS, expected_rows=10, bucket_rows=bucket_rows)
        sorted_rows.take(sorted_rows.spread(pl.DataFrame(rows, schema=SCHEMA, orient="row")))
        counts = DigestCounts(counting, list(identifier_types()), layout, most_held=held)
        for frame in sorted_rows.drain():
            counts.add(frame, counts.numbers_of(frame))
        totals = counts.totals()
    assert totals == {name: len({row[n] for row in rows} - {None}) for n, name in enumerate(COLUMNS)}


def test_spilled_files_are_private(tmp_path: Path, open_umask: None) -> None:
    sorted_rows = SortedRows(tmp_path, ["email"], expected_rows=100, bucket_rows=10)
    sorted_rows.take(sorted_rows.spread(pl.DataFrame({"email": [hexed(number) for number in range(100)]})))
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o600}
