"""A07: an event keeps its id, whatever run, batch, order and column type it comes in; two events never share one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.conversions.model.errors import EventsError
from spotify_pipeline.conversions.model.plan import EventIdSource
from spotify_pipeline.conversions.validation.event_ids import event_ids, keys
from spotify_pipeline.conversions.validation.source_columns import plain_numbers
from spotify_pipeline_tests.conversions.slow_reference import reference_id
from spotify_pipeline_tests.conversions.validating import outcome, plan_with, rows_with, verdict, verdicts

EVENTS = 100_000
HASHED = EventIdSource(columns=("order_id", "line", "at", "total"), hashed=True)


def ids_of(rows: pl.DataFrame, source: EventIdSource = HASHED) -> list[str | None]:
    return event_ids(rows, source)["event_id"].to_list()


def hashed(*columns: pl.Series) -> list[str | None]:
    rows = pl.DataFrame([column.alias(f"c{n}") for n, column in enumerate(columns)])
    return ids_of(rows, EventIdSource(columns=tuple(rows.columns), hashed=True))


def orders(count: int = EVENTS) -> pl.DataFrame:
    number = pl.int_range(count, eager=True)
    return pl.DataFrame(
        {
            "order_id": number // 3,
            "line": (number % 3).cast(pl.String),
            "at": (number * 7_000_000 + 1_769_171_696_000_000).cast(pl.Datetime("us")),
            "total": (number % 1_000).cast(pl.Decimal(18, 2)),
        }
    )


def test_a07_two_runs_give_a_business_event_one_id_in_any_batch_order_and_column_type() -> None:
    first = orders()
    ids = ids_of(first)
    assert len(set(ids)) == EVENTS
    by_row = first.with_columns(id=pl.Series(ids), row=pl.int_range(pl.len()))
    shuffled = by_row.sample(fraction=1, shuffle=True, seed=7)
    retyped = shuffled.with_columns(
        pl.col("order_id").cast(pl.Decimal(38, 4)),
        pl.col("line").cast(pl.Categorical),
        pl.col("at")
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone("Asia/Tokyo")
        .cast(pl.Datetime("ns", "Asia/Tokyo")),
        pl.col("total").cast(pl.Float64),
    )
    second: list[str | None] = []
    rnd = random.Random(1)
    at = 0
    while at < EVENTS:
        size = rnd.choice([1, 17, 5_000, 50_000])
        second += ids_of(retyped.slice(at, size))
        at += size
    assert second == shuffled["id"].to_list()


def test_a07_another_process_gives_the_same_ids() -> None:
    program = (
        "import json, sys\n"
        "from spotify_pipeline_tests.conversions.validation.test_event_ids import ids_of, orders\n"
        "json.dump(ids_of(orders(200)), sys.stdout)\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "POLARS_MAX_THREADS": "1", "TZ": "Asia/Tokyo"}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )
    assert json.loads(answer.stdout) == ids_of(orders(200))


def test_a07_the_id_of_a_known_row_is_what_it_always_was() -> None:
    row = pl.DataFrame({"order_id": ["ö-1"], "line": [2], "at": [date(2026, 1, 23)], "total": [None]})
    # printf '4:ö-1%s' '1:216:1769126400000000-' | sha256sum
    assert ids_of(row) == ["d3feea9ec16fa6cdb738eb53d79a7ddf4df049dab13541dc4c074bcbe2b390b4"]


@pytest.mark.parametrize(
    ("values", "dtypes"),
    [
        ([10, 0, -7], [pl.Int8, pl.Int64, pl.Int128, pl.Float64, pl.Decimal(20, 0), pl.Decimal(20, 5)]),
        (["10", "0", "-7"], [pl.String, pl.Categorical, pl.Int32, pl.Float64]),
        ([2**53 - 1, 2**53], [pl.Int64, pl.UInt64, pl.Float64, pl.Decimal(38, 2)]),
        (
            [date(2026, 1, 23)],
            [pl.Date, pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns"), pl.Datetime("us", "UTC")],
        ),
    ],
)
def test_a07_a_value_is_the_same_in_every_type(values: list[Any], dtypes: list[Any]) -> None:
    columns = [pl.Series(values).cast(dtype) for dtype in dtypes]
    assert len({tuple(hashed(column)) for column in columns}) == 1


def test_a07_ids_tell_apart_what_differs() -> None:
    texts = [None, "", "-", "0:", "1:a", "a", "ab", "b", " ", "a ", "1", "1.0", "01"]
    rows = [(one, other) for one in texts for other in texts if (one or other or "").strip()]
    found = hashed(*(pl.Series([row[n] for row in rows], dtype=pl.String) for n in (0, 1)))
    assert None not in found
    assert len(set(found)) == len(rows)
    near = datetime(2026, 1, 23, tzinfo=UTC)
    instants = pl.Series([near, near + timedelta(microseconds=1)], dtype=pl.Datetime("us", "UTC")).cast(
        pl.Datetime("ns")
    )
    finer = pl.Series([1_769_126_400_000_000_000, 1_769_126_400_000_000_001]).cast(pl.Datetime("ns"))
    assert len(set(hashed(pl.concat([instants, finer])))) == 3
    assert hashed(pl.Series([-0.0])) == hashed(pl.Series([0]))
    assert hashed(pl.Series([1]), pl.Series([2])) != hashed(pl.Series([2]), pl.Series([1]))


VALUES = st.one_of(
    st.none(),
    st.text(max_size=6),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.decimals(-(10**15), 10**15, places=4),
    st.floats(-(2.0**53), 2.0**53),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001
    st.dates(date(1900, 1, 1), date(2200, 1, 1)),
)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a07_as_the_slow_reference_hashes(values: list[Any]) -> None:
    columns = [
        pl.Series([value], dtype=pl.Decimal(38, 4) if isinstance(value, Decimal) else None, strict=False)
        for value in values
    ]
    assert hashed(*columns) == [reference_id(tuple(values))]


def test_a07_as_the_slow_reference_writes_floats() -> None:
    rnd = random.Random(3)
    floats = [rnd.choice([1, -1]) * rnd.random() * 10 ** rnd.randrange(-20, 25) for _ in range(10_000)]
    written = plain_numbers(pl.Series(floats)).to_list()
    exact = [value for value in floats if abs(value) <= 2**53]
    assert hashed(pl.Series(exact)) == [reference_id((value,)) for value in exact]
    assert [float(each) for each in written if each is not None] == floats


@pytest.mark.parametrize(
    ("given_id", "sent"),
    [
        ("order-1", "order-1"),
        (" order 1\t", "order 1"),
        ('quo"te\\', 'quo"te\\'),
        ("x" * 256, "x" * 256),
        (4711, "4711"),
        (4711.0, "4711"),
        (2.0**53, "9007199254740992"),
        (Decimal("4711.00"), "4711"),
        ("order-1@shop", "order-1@shop"),
    ],
)
def test_an_id_is_sent_as_it_stands(given_id: Any, sent: str) -> None:
    found = verdict(order_id=given_id)
    assert (found["state"], found["key"], found["event_id"]) == ("pending", sent, sent)
    assert json.loads(found["body"])["event_id"] == sent


@pytest.mark.parametrize("given_id", ["x" * 257, "a\x00b", "a\nb", "a\x85b"])
def test_an_id_that_cannot_be_used(given_id: str) -> None:
    assert outcome(order_id=given_id) == ("dead", "event_id_unusable", "event_id")


@pytest.mark.parametrize(
    "given_id",
    ["anna@example.com", "Anna@Example.COM ", "order of anna@example.com, 2", "anna%40example.com",
     "a\u202e@example.com", "+12025550123", "+1 202 555-0123"],
)  # fmt: skip
def test_p03_an_id_that_is_an_identifier_is_refused_and_kept_nowhere(given_id: str) -> None:
    found = verdict(order_id=given_id)
    assert (found["reason"], found["event_id"], found["body"]) == ("event_id_unusable", None, None)
    assert found["key"].startswith("row:")
    assert given_id.strip() not in str(found)


@pytest.mark.parametrize("given_id", [None, "", " \u200b"])
def test_no_id_is_a_dead_letter_with_a_key_of_its_row(given_id: str | None) -> None:
    assert outcome(order_id=given_id) == ("dead", "no_event_id", "event_id")
    several = plan_with(event_id=EventIdSource(columns=("order_id", "title"), hashed=True))
    assert outcome(several, order_id=given_id) == ("dead", "no_event_id", "event_id")
    assert outcome(several, order_id=given_id, title=" ") == ("dead", "no_event_id", "event_id")
    assert outcome(several, order_id=given_id, title="A coat")[0] == "pending"


def test_a07_events_whose_id_is_no_number_do_not_become_one() -> None:
    rows = rows_with({}, {"title": "A coat"}).with_columns(order_id=pl.lit(float("nan")))
    for source in (EventIdSource(columns=("order_id",)), EventIdSource(columns=("order_id",), hashed=True)):
        found = verdicts(rows, plan_with(event_id=source))
        assert [each["reason"] for each in found] == ["no_event_id"] * 2
        assert found[0]["key"] != found[1]["key"]
    # What another tool made of a missing number is as good as missing.
    assert hashed(pl.Series([1.0, float("nan")]), pl.Series(["a", "b"])) == hashed(
        pl.Series([1, None]), pl.Series(["a", "b"])
    )


def test_the_key_of_a_row_without_id_is_that_of_its_values() -> None:
    rows = rows_with({"order_id": None}, {"order_id": None}, {"order_id": None, "total": "99.00"}, {})
    first, second, third, fourth = (each["key"] for each in verdicts(rows))
    assert first == second
    assert len({first, third, fourth}) == 3
    assert first.startswith("row:")
    assert len(first) == 68
    alone = keys(rows.head(1), pl.Series([None], dtype=pl.String), rows.columns)
    assert alone.to_list() == keys(rows, pl.Series([None] * 4, dtype=pl.String), rows.columns).to_list()[:1]


def test_several_columns_must_be_hashed() -> None:
    with pytest.raises(EventsError, match="must be hashed"):
        EventIdSource(columns=("a", "b"))
    with pytest.raises(EventsError, match="at least one column"):
        EventIdSource(columns=())


WORDS = [
    "nan",
    "NaN",
    "null",
    "NULL",
    "None",
    "none",
    "undefined",
    "nil",
    "N/A",
    "<NA>",
    "NaT",
    " null ",
    '"null"',
    "(not set)",
]
MARKS = ["-", "--", "?", "''", "[]", "{}", "\u2014"]


def test_a22_words_for_nothing_are_no_ids_and_never_one_event() -> None:
    found = verdicts(rows_with(*({"order_id": word} for word in [*WORDS, *MARKS])))
    assert {(each["reason"], each["event_id"]) for each in found} == {("no_event_id", None)}
    rows = pl.DataFrame({"a": WORDS, "b": [None] * len(WORDS)}, schema={"a": pl.String, "b": pl.String})
    judged = event_ids(rows, EventIdSource(columns=("a", "b"), hashed=True))
    assert judged["id_fault"].to_list() == ["no_event_id"] * len(WORDS)
    assert ids_of(
        pl.DataFrame({"a": ["none-1", "nullable", "Nan Goldin", "\u6ce8\u6587-"]}), EventIdSource(columns=("a",))
    ) == [
        "none-1",
        "nullable",
        "Nan Goldin",
        "\u6ce8\u6587-",
    ]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('"o-1"', "o-1"),
        (' "o-1" ', "o-1"),
        (r'"caf\u00e9 \"1\""', 'caf\u00e9 "1"'),
        ('"1001"', "1001"),
        ("1001", "1001"),
        ("1001.0", "1001"),
        ("1001.000", "1001"),
        ('"1001.0"', "1001"),
        ("1001.5", "1001.5"),
        ("1.2.0", "1.2.0"),
        ("v1.0", "v1.0"),
        ('"half', '"half'),
        ('"a" and "b"', '"a" and "b"'),
    ],
)
def test_a22_an_id_is_the_same_whatever_held_it(given: str, read: str) -> None:
    assert ids_of(pl.DataFrame({"id": [given]}), EventIdSource(columns=("id",))) == [read]


def test_a22_a_number_is_one_id_in_every_type() -> None:
    values: list[pl.Series] = [
        pl.Series([1001]),
        pl.Series([1001.0]),
        pl.Series([Decimal("1001.00")]),
        pl.Series(["1001"]),
        pl.Series(["1001.0"]),
        pl.Series(['"1001"']),
    ]
    found = {ids_of(pl.DataFrame({"id": each}), EventIdSource(columns=("id",)))[0] for each in values}
    assert found == {"1001"}


def test_a22_a_json_text_is_hashed_as_the_text_in_it() -> None:
    assert hashed(pl.Series(['"o-1"', '"o-2"'])) == hashed(pl.Series(["o-1", "o-2"]))


@pytest.mark.parametrize("hash_it", [False, True])
def test_a22_a_float_that_several_ids_are_read_as_is_none(hash_it: bool) -> None:
    source = EventIdSource(columns=("id",), hashed=hash_it)
    rows = pl.DataFrame({"id": [2.0**53, 2.0**53 + 2, -(2.0**60), float("inf"), float("nan"), 7.0]})
    faults = event_ids(rows, source)["id_fault"].to_list()
    assert faults == [None, *["event_id_unusable"] * 3, "no_event_id", None]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pl.Series([1001.0], dtype=pl.Float32), "Float32"),
        (pl.Series([True]), "Boolean"),
        (pl.Series([date(2026, 1, 1)]), "Date"),
        (pl.Series([timedelta(1)]), "Duration"),
    ],
)
def test_a14_a_column_that_can_never_give_an_id_is_an_error_that_names_its_type(column: pl.Series, kind: str) -> None:
    rows = pl.DataFrame({"when_shown": column})
    with pytest.raises(EventsError, match=rf"'when_shown' is {kind}.*cannot be event_id"):
        event_ids(rows, EventIdSource(columns=("when_shown",)))


def test_a14_such_a_column_may_be_hashed_with_others_but_a_coarse_float_may_not() -> None:
    rows = pl.DataFrame({"id": ["a"], "day": [date(2026, 1, 1)], "coarse": pl.Series([1.0], dtype=pl.Float32)})
    assert ids_of(rows, EventIdSource(columns=("id", "day"), hashed=True))[0]
    with pytest.raises(EventsError, match="'coarse' is Float32"):
        event_ids(rows, EventIdSource(columns=("id", "coarse"), hashed=True))
