"""A function as a segment: called as often as is said, its batches of one schema, and no value in any error."""

from __future__ import annotations

import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from spotify_pipeline.warehouse import (
    RANK_COLUMN,
    FunctionWarehouse,
    PythonFunction,
    Ranking,
    SegmentError,
    SegmentReader,
)

CANARY = "canary-7f3a@example.com"
VIPS = PythonFunction.parse("shop_segments.people.vips")
FRAME = pl.DataFrame({"email": ["a@example.com", CANARY], "visits": [1, 2]})


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., SegmentReader]:
    """`reading(function)`: a reader of that function, which stands in a module of a project."""

    def reader(function: object) -> SegmentReader:
        module = ModuleType("shop_segments.people")
        module.__dict__["vips"] = function
        monkeypatch.setitem(sys.modules, "shop_segments", ModuleType("shop_segments"))
        monkeypatch.setitem(sys.modules, "shop_segments.people", module)
        return SegmentReader(FunctionWarehouse(VIPS), VIPS, tmp_path / "spill")

    return reader


def test_counting_finding_the_newest_and_reading_call_it_twice(reading: Callable[..., SegmentReader]) -> None:
    calls: list[int] = []

    def vips() -> Iterator[pl.DataFrame]:
        calls.append(1)
        yield FRAME.with_columns(pl.lit("2026-11-01").str.to_date().alias("changed"))

    segment = reading(vips)
    stream = segment.batches(["email"], identifiers=["email"])
    assert segment.count() == 2
    assert segment.newest("changed") is not None
    assert pl.concat(stream)["email"].to_list() == FRAME["email"].to_list()
    assert len(calls) == 2


def test_reading_alone_calls_it_once_and_closes_it(reading: Callable[..., SegmentReader]) -> None:
    calls, closed = [], []

    def vips() -> Iterator[pl.DataFrame]:
        calls.append(1)
        try:
            while True:
                yield FRAME
        finally:
            closed.append(1)

    with closing(reading(vips)) as segment:
        next(iter(segment.batches(["email"])))
    assert (len(calls), len(closed)) == (1, 1)


@pytest.mark.parametrize(
    "batch", [FRAME, FRAME.to_arrow(), FRAME.to_arrow().to_batches()[0], pl.concat([FRAME, FRAME]).slice(0, 2)]
)
def test_frames_tables_and_batches_are_read(reading: Callable[..., SegmentReader], batch: object) -> None:
    assert pl.concat(reading(lambda: [batch]).batches(["visits", "email"])).rows() == [
        (1, "a@example.com"),
        (2, CANARY),
    ]


def test_ranked_rows_are_yielded_in_the_thread_that_reads(reading: Callable[..., SegmentReader]) -> None:
    """A connection of SQLite, which a function may hold, works in no other thread."""

    def vips() -> Iterator[pl.DataFrame]:
        with closing(sqlite3.connect(":memory:")) as connection:
            for n in range(5):
                visits = connection.execute("SELECT ? % 3", [n]).fetchone()[0]
                yield pl.DataFrame({"email": [f"p{n}@example.com"], "visits": [visits]})

    rows = pl.concat(reading(vips).batches(["email"], rank=Ranking("visits", highest_first=True)))
    assert rows.sort(RANK_COLUMN)["email"].str.slice(0, 2).to_list() == ["p2", "p1", "p4", "p0", "p3"]


def test_a_large_batch_is_handed_on_in_pieces(reading: Callable[..., SegmentReader]) -> None:
    segment = reading(lambda: [pl.DataFrame({"n": range(120_000)})])
    assert [each.height for each in segment.batches(["n"])] == [50_000, 50_000, 20_000]


def test_nobody_is_an_empty_batch(reading: Callable[..., SegmentReader]) -> None:
    assert reading(lambda: [FRAME.clear()]).count() == 0
    with pytest.raises(SegmentError, match=r"shop_segments\.people\.vips yields no batch"):
        reading(list).count()


def _fails() -> Iterator[pl.DataFrame]:
    yield FRAME
    raise ValueError(CANARY)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (_fails, r"could not be read to its end \(ValueError; .* Call the function in Python to see it"),
        (lambda: [FRAME, FRAME.with_columns(pl.col("visits").cast(pl.String))], "different schemas: first email"),
        (lambda: [FRAME, FRAME.select("email")], "different schemas"),
        (lambda: [FRAME.lazy()], "yields LazyFrame. Let it yield"),
        (lambda: None, r"\(TypeError; "),
        (lambda since: [since], "called without arguments"),
        (CANARY, "is no function"),
        (lambda: [pl.DataFrame({"email": [[1]], "visits": [1]})], r"email holds int64\[\], of which no identifier"),
        (lambda: [FRAME, CANARY], "yields str"),
    ],
)
def test_p03_what_is_wrong_is_said_without_a_value(
    reading: Callable[..., SegmentReader], function: Any, sentence: str
) -> None:
    with pytest.raises(SegmentError, match=sentence) as caught:
        list(reading(function).batches(["email", "visits"], identifiers=["email"]))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("vips", "not a dotted path"),
        ("no_such_module.vips", "there is no module no_such_module"),
        ("pyarrow.no_such_name", "pyarrow has no no_such_name"),
        ("pyarrow.__version__", "is no function"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(path: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        PythonFunction.parse(path).load()


def test_bytes_uuids_and_fixed_lists_are_what_they_are(reading: Callable[..., SegmentReader]) -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "device": pa.array([b"0123456789abcdef"], pa.uuid()),
            "emails": pa.array([["a@example.com", None]], pa.list_(pa.string(), 2)),
        }
    )
    rows = pl.concat(reading(lambda: [batch]).batches(["device", "emails"], identifiers=["device", "emails"]))
    assert rows.rows() == [(b"0123456789abcdef", ["a@example.com", None])]
