"""The rows of a day: each row belongs to one day, and the warehouse's first choice leaves none of them out."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from spotify_pipeline.conversions.model.errors import EventsError
from spotify_pipeline.conversions.model.plan import Constant, EventIdSource, FeedPlan, TimeSource, TimeUnit
from spotify_pipeline.conversions.validation.day import Day, range_of, rows_of
from spotify_pipeline.warehouse import Between, DuckDBWarehouse, Relation

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANGES = [
    ("UTC", date(2026, 3, 29)),
    ("Europe/Stockholm", date(2026, 3, 29)),
    ("Europe/Stockholm", date(2026, 10, 25)),
    ("America/Sao_Paulo", date(2018, 2, 17)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("America/Havana", date(2026, 3, 8)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Pacific/Apia", date(2011, 12, 30)),
]
"""Days on which clocks were put: at night, at midnight, by half an hour, by a day that never was."""
TYPES = ["TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "DATE"]
NUMBERS = ["BIGINT", "HUGEINT", "UBIGINT", "DOUBLE", "DECIMAL(18,0)", "DECIMAL(38,6)", "DECIMAL(38,20)", "VARCHAR"]


def plan_of(zone: str, unit: TimeUnit | None = None) -> FeedPlan:
    time = TimeSource(column="moment", zone=zone, unit=unit)
    return FeedPlan(event_name=Constant("VIEW"), event_id=EventIdSource(columns=("n",)), event_time=time)


def clocks(rnd: random.Random, days: list[date], count: int = 60) -> list[datetime]:
    """Times by the clock near these days, most of them near a midnight or the hours when clocks are put."""
    near = [0, 1, 30, 59, 60, 90, 119, 120, 150, 179, 180, 1380, 1410, 1439]
    minutes = [rnd.choice(near) if rnd.random() < 0.8 else rnd.randrange(1440) for _ in range(count)]
    return [datetime.combine(rnd.choice(days), datetime.min.time()) + timedelta(minutes=each) for each in minutes]


def table_of(values: list[str], column_type: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE events (n BIGINT, moment {column_type})")
    connection.execute(
        f"INSERT INTO events SELECT i - 1, (?::VARCHAR[])[i]::{column_type} FROM range(1, ? + 1) t(i)",
        [values, len(values)],
    )
    connection.execute("INSERT INTO events VALUES (-1, NULL)")
    return connection


def chosen(
    connection: duckdb.DuckDBPyConnection, everything: pl.DataFrame, day: Day, plan: FeedPlan
) -> tuple[set[int], set[int], int]:
    """The rows of a day out of all rows, and out of those that the warehouse chose; and how many those were."""
    kind = DuckDBWarehouse.over(connection).schema(Relation(("events",))).field("moment").type
    limits = range_of(day, plan, kind)
    part = everything
    if limits is not None:
        asked = Between("moment", at_least=limits.at_least, below=limits.below, or_missing=limits.or_missing)
        condition, values = asked.where()
        part = connection.sql(f"SELECT * FROM events WHERE {condition}", params=values).pl()
    return set(rows_of(day, everything, plan)["n"]), set(rows_of(day, part, plan)["n"]), part.height


@pytest.mark.stress
@pytest.mark.parametrize(("zone", "changed"), CHANGES)
@pytest.mark.parametrize("column_type", TYPES)
def test_a10_each_row_has_one_day_and_the_warehouse_leaves_none_out(zone: str, changed: date, column_type: str) -> None:
    rnd = random.Random(f"{zone}{changed}{column_type}")
    days = [changed + timedelta(days=n) for n in range(-3, 4)]
    values = [str(each) for each in clocks(rnd, days[1:-1])]
    endless = ["infinity", "-infinity"] if column_type != "TIMESTAMP_S" else []
    connection = table_of([*values, *endless], column_type)
    now = datetime.combine(days[-1], datetime.min.time(), ZoneInfo(zone)) + timedelta(hours=12)
    everything = connection.table("events").pl()
    seen: list[int] = []
    for each in days:
        of_all, of_part, _ = chosen(connection, everything, Day.of(each, zone, now=now), plan_of(zone))
        assert of_all == of_part
        seen += of_all
    older = [len(values) + 1] if endless else []
    assert sorted([*seen, *older]) == sorted([-1, *range(len(values) + len(endless))])


@pytest.mark.stress
@pytest.mark.parametrize("unit", list(TimeUnit))
@pytest.mark.parametrize("column_type", NUMBERS)
def test_a10_numbers_have_one_day_too(unit: TimeUnit, column_type: str) -> None:
    rnd = random.Random(column_type + unit)
    factor = {"s": 1, "ms": 1_000, "us": 1_000_000}[unit]
    days = [date(2026, 10, 25) + timedelta(days=n) for n in range(-2, 3)]
    moments = [each.replace(tzinfo=UTC) + timedelta(hours=2 - rnd.randrange(4)) for each in clocks(rnd, days)]
    values = [str(int(each.timestamp() * factor)) for each in moments]
    connection = table_of([*values, "1"], column_type)
    now = datetime(2026, 10, 27, 12, tzinfo=UTC)
    everything = connection.table("events").pl()
    seen: list[int] = []
    for each in [days[0] - timedelta(days=1), *days]:
        of_all, of_part, read = chosen(
            connection, everything, Day.of(each, "Europe/Stockholm", now=now), plan_of("UTC", unit)
        )
        assert of_all == of_part
        assert column_type in ("VARCHAR", "DECIMAL(38,20)") or read < len(values)
        seen += of_all
    assert sorted(seen) == [-1, *range(len(values))]  # the one of 1970 has no day here


def test_a06_rows_without_a_usable_time_and_future_ones_are_read_with_the_open_day() -> None:
    rows = pl.DataFrame({"n": range(5), "moment": [None, "?", "2026-11-21T23:30:00Z", "2027-01-01", "2026-11-20"]})
    plan = plan_of("Europe/Stockholm")
    opened, closed = (Day.of(date(2026, 11, day), "Europe/Stockholm", now=NOW) for day in (22, 21))
    assert (opened.is_open, closed.is_open) == (True, False)
    assert rows_of(opened, rows, plan)["n"].to_list() == [0, 1, 2, 3]
    assert rows_of(closed, rows, plan)["n"].to_list() == []
    counted = rows.with_columns(pl.lit(1769171696).alias("moment"))
    assert rows_of(opened, counted, plan).height == 5
    assert rows_of(closed, counted, plan).height == 0


def test_the_range_of_a_day_is_that_day_alone() -> None:
    zone = "Europe/Stockholm"
    day = Day.of(date(2026, 11, 20), zone, now=NOW)
    naive = range_of(day, plan_of(zone), pa.timestamp("us"))
    assert naive is not None
    assert (naive.at_least, naive.below) == (datetime(2026, 11, 20), datetime(2026, 11, 21))  # noqa: DTZ001
    assert not naive.or_missing
    dates = range_of(day, plan_of(zone), pa.date32())
    assert dates is not None
    assert (dates.at_least, dates.below) == (date(2026, 11, 20), date(2026, 11, 21))
    opened = range_of(Day.of(date(2026, 11, 22), zone, now=NOW), plan_of(zone), pa.timestamp("us", "UTC"))
    assert opened is not None
    assert (opened.at_least, opened.below) == (datetime(2026, 11, 21, 23, tzinfo=UTC), None)
    assert opened.or_missing


@pytest.mark.parametrize(
    "column_type",
    [
        *(pa.string(), pa.int64(), pa.time64("us"), pa.bool_(), pa.float32()),
        *(pa.month_day_nano_interval(), pa.dictionary(pa.int32(), pa.string())),
    ],
)
def test_what_has_no_order_in_time_is_read_whole(column_type: pa.DataType) -> None:
    assert range_of(Day.of(date(2026, 11, 20), "UTC", now=NOW), plan_of("UTC"), column_type) is None


def test_a_missing_column_of_times_is_named() -> None:
    with pytest.raises(EventsError, match="no column 'moment'"):
        rows_of(Day.of(date(2026, 11, 20), "UTC", now=NOW), pl.DataFrame({"n": [1]}), plan_of("UTC"))
