"""A06: every way in which a warehouse states a time is read as one moment in UTC, or refused before it is sent."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.conversions.model.plan import TimeSource, TimeUnit
from spotify_pipeline.conversions.validation.event_times import event_times
from spotify_pipeline_tests.conversions.slow_reference import MISSING, UNREADABLE, reference_time
from spotify_pipeline_tests.conversions.validating import NOW, body, outcome, plan_with, rows_with, verdict, verdicts

STOCKHOLM = "Europe/Stockholm"
NOON = datetime(2026, 1, 23, 12, 34, 56, tzinfo=UTC)


def read(values: pl.Series, zone: str = STOCKHOLM, unit: TimeUnit | None = None) -> list[datetime | str]:
    found = event_times(values, TimeSource(column="t", zone=zone, unit=unit))
    assert (found["at"].is_null() != found["time_fault"].is_null()).all()
    return [at or fault for at, fault in found.select("at", "time_fault").iter_rows()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-23T12:34:56Z", NOON),
        ("2026-01-23T12:34:56z", NOON),
        ("2026-01-23t12:34:56 UTC", NOON),
        ("2026-01-23 13:34:56+01", NOON),
        ("2026-01-23 13:34:56+01:00", NOON),
        ("2026-01-23T07:04:56-0530", NOON),
        ("2026-01-23T13:34:56", NOON),
        (" 2026-01-23 13:34:56\n", NOON),
        ("2026-01-23T12:34:56.7Z", NOON + timedelta(milliseconds=700)),
        ("2026-01-23T12:34:56,123456789Z", NOON + timedelta(microseconds=123456)),
        ("2026-01-23T12:34Z", NOON.replace(second=0)),
        ("2026-01-23", datetime(2026, 1, 22, 23, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.5Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-01T00:59:60+01:00", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-03-29T02:30:00", UNREADABLE),
        ("2026-02-29", UNREADABLE),
        ("2026-01-23T24:00:00Z", UNREADABLE),
        ("2026-01-23T12:60:00Z", UNREADABLE),
        ("2026-01-23T12:34:61Z", UNREADABLE),
        ("2026-01-23T12:34:56+24:00", UNREADABLE),
        ("2026-01-23T12:34:56.1234567891Z", UNREADABLE),
        ("2026-01-23T12:34:56 Europe/Stockholm", UNREADABLE),
        ("23.01.2026 12:34", UNREADABLE),
        ("01/23/2026", UNREADABLE),
        ("20260123T123456Z", UNREADABLE),
        ("0000-01-01T00:00:00Z", UNREADABLE),
        ("1769171696", UNREADABLE),
        ("yesterday", UNREADABLE),
        ("٢٠٢٦-01-23", UNREADABLE),
        ("", MISSING),
        (" \t", MISSING),
        (None, MISSING),
    ],
)
def test_a06_texts(text: str | None, expected: datetime | str) -> None:
    assert read(pl.Series([text], dtype=pl.String)) == [expected]
    assert reference_time(text, STOCKHOLM, None) == (UNREADABLE if text and text.startswith("0000") else expected)


@pytest.mark.parametrize(
    ("value", "dtype", "unit", "expected"),
    [
        (1769171696, pl.Int64, "s", NOON),
        (1769171696, pl.Int32, "s", NOON),
        (1769171696000, pl.UInt64, "ms", NOON),
        (1769171696000000, pl.Int128, "us", NOON),
        (1769171696.0, pl.Float64, "s", NOON),
        (1769171696000.5, pl.Float64, "ms", NOON + timedelta(microseconds=500)),
        (Decimal("1769171696.250"), pl.Decimal(18, 3), "s", NOON + timedelta(milliseconds=250)),
        ("1769171696000", pl.String, "ms", NOON),
        ("1769171696.25", pl.String, "s", NOON + timedelta(milliseconds=250)),
        ("2026-01-23T12:34:56Z", pl.String, "ms", NOON),
        (1769171696, pl.Int64, None, UNREADABLE),
        ("1.769e9", pl.String, "s", UNREADABLE),
        (2**63 - 1, pl.Int64, "us", UNREADABLE),
        (-(2**63), pl.Int64, "s", UNREADABLE),
        (float("nan"), pl.Float64, "s", UNREADABLE),
        (float("inf"), pl.Float64, "s", UNREADABLE),
        (1769171696.0, pl.Float32, "s", UNREADABLE),
        (True, pl.Boolean, "s", UNREADABLE),
        (timedelta(days=20000), pl.Duration, "us", UNREADABLE),
        (None, pl.Int64, "ms", MISSING),
        (None, pl.Null, None, MISSING),
    ],
)
def test_a06_numbers_with_a_unit(value: Any, dtype: Any, unit: str | None, expected: datetime | str) -> None:
    assert read(pl.Series([value], dtype=dtype), unit=TimeUnit(unit) if unit else None) == [expected]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a06_dates_with_times_of_every_precision(unit: Any) -> None:
    local = datetime(2026, 1, 23, 13, 34, 56)  # noqa: DTZ001
    assert read(pl.Series([local], dtype=pl.Datetime(unit))) == [NOON]
    assert read(pl.Series([NOON], dtype=pl.Datetime(unit, "UTC")).dt.convert_time_zone("Asia/Tokyo")) == [NOON]
    twice, never = datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001
    found = read(pl.Series([twice, never, None], dtype=pl.Datetime(unit)))
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), UNREADABLE, MISSING]


def test_a06_infinity_is_no_time() -> None:
    for dtype in (pl.Datetime("us"), pl.Datetime("us", "UTC"), pl.Datetime("ms")):
        endless = pl.Series([2**63 - 1, -(2**63 - 1)], dtype=pl.Int64).cast(dtype)
        assert read(endless) == [UNREADABLE, UNREADABLE]
    assert read(pl.Series([2**31 - 1, -(2**31 - 1)], dtype=pl.Int32).cast(pl.Date)) == [UNREADABLE, UNREADABLE]


def test_a06_a_date_whose_midnight_was_left_out_begins_when_it_began() -> None:
    began = datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert read(pl.Series([date(2018, 11, 4)]), zone="America/Sao_Paulo") == [began]
    assert read(pl.Series(["2018-11-04"]), zone="America/Sao_Paulo") == [began]


@pytest.mark.parametrize("zone", ["UTC", STOCKHOLM, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_a06_as_a_slow_reading_by_the_clock(zone: str) -> None:
    rnd = random.Random(zone)
    naive = [_random_clock(rnd, zone) for _ in range(1_500)]
    assert read(pl.Series(naive, dtype=pl.Datetime("us")), zone) == [reference_time(v, zone, None) for v in naive]
    dates = [value.date() for value in naive]
    assert read(pl.Series(dates), zone) == [reference_time(value, zone, None) for value in dates]


@pytest.mark.parametrize("unit", [None, "s", "ms", "us"])
def test_a06_as_a_slow_reading_of_texts_and_numbers(unit: str | None) -> None:
    rnd = random.Random(f"{unit}")
    texts = [_random_text(rnd) for _ in range(3_000)]
    chosen = TimeUnit(unit) if unit else None
    expected = [reference_time(value, STOCKHOLM, unit) for value in texts]
    found = read(pl.Series(texts, dtype=pl.String), unit=chosen)
    assert [pair for pair in zip(texts, found, expected, strict=True) if pair[1] != pair[2]] == []
    numbers = [rnd.choice([1, 1e3, 1e6]) * rnd.uniform(-1e8, 2e9) for _ in range(1_000)]
    assert read(pl.Series(numbers), unit=chosen) == [reference_time(value, STOCKHOLM, unit) for value in numbers]


def test_a06_the_future_is_refused_and_what_is_nearly_now_is_sent_as_now() -> None:
    ahead = {minutes: (NOW + timedelta(minutes=minutes)).isoformat() for minutes in (4, 5, 6)}
    assert outcome(happened_at=ahead[6]) == ("dead", "time_in_future", "event_time")
    for minutes in (4, 5):
        assert body(happened_at=ahead[minutes])["event_time"] == "2026-11-22T12:00:00.000Z"
        assert verdict(happened_at=ahead[minutes])["event_time"] == NOW + timedelta(minutes=minutes)


def test_a06_the_old_are_filtered_by_age() -> None:
    oldest = NOW - timedelta(days=30)
    assert outcome(happened_at=oldest.isoformat()) == ("pending", None, None)
    assert outcome(happened_at=(oldest - timedelta(seconds=1)).isoformat()) == ("filtered", "too_old", None)
    assert outcome(plan_with(max_age=timedelta(days=1)), happened_at="2026-11-21") == ("filtered", "too_old", None)


def test_a06_what_is_sent_is_utc_with_milliseconds() -> None:
    rows = rows_with({"happened_at": "2026-11-22T11:00:00.123987"})
    assert '"event_time":"2026-11-22T10:00:00.123Z"' in verdicts(rows)[0]["body"]
    assert outcome(happened_at=None) == ("dead", "no_time", "event_time")
    assert outcome(happened_at="soon") == ("dead", "time_unreadable", "event_time")


def _random_clock(rnd: random.Random, zone: str) -> datetime:
    edges = [datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 4, 5), datetime(2026, 10, 4)]  # noqa: DTZ001
    edges += [datetime(2026, 10, 25), datetime(2026, 11, 1)]  # noqa: DTZ001
    if rnd.random() < 0.7:
        return rnd.choice(edges) + timedelta(minutes=rnd.randrange(6 * 60))
    return datetime(1971, 1, 1) + timedelta(microseconds=rnd.randrange(60 * 365 * 86_400 * 10**6))  # noqa: DTZ001


def _random_text(rnd: random.Random) -> str | None:
    when = _random_clock(rnd, STOCKHOLM)
    fraction = rnd.choice(["", "", f"{rnd.choice('.,')}{rnd.randrange(10**9):09d}"[: rnd.randrange(2, 12)]])
    seconds = rnd.choice([f":{when:%S}", f":{when:%S}", ":60", ":61", ""])
    offset = rnd.choice(["", "", "Z", "z", " UTC", "+01", "-0530", "+05:45", " +00:00", "+24:00", "+01:60", "CET"])
    text = f"{when:%Y-%m-%d}{rnd.choice('Tt ')}{when:%H:%M}{seconds}{fraction if seconds else ''}{offset}"
    kind = rnd.random()
    if kind < 0.1:
        position = rnd.randrange(4, len(text))  # zone databases end before the year 9999
        return text[:position] + rnd.choice("0159-:TZ+. x") + text[position + 1 :]
    odd = [
        None,
        "",
        " ",
        text[:10],
        str(rnd.randrange(10**10)),
        f"-{rnd.randrange(10**12)}",
        "1.5",
        "+1769171696.1234567",
    ]
    return rnd.choice(odd) if kind < 0.25 else text


@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a26_an_event_without_a_time_has_that_of_its_reading_where_the_feed_says_so(missing: str | None) -> None:
    plan = plan_with(event_time=TimeSource(column="happened_at", missing_is_now=True))
    found = verdict(plan, happened_at=missing)
    assert (found["state"], found["event_time"]) == ("pending", NOW)
    assert body(plan, happened_at=missing)["event_time"] == "2026-11-22T12:00:00.000Z"
    assert outcome(plan, happened_at="some day") == ("dead", "time_unreadable", "event_time")
    assert outcome(happened_at=missing) == ("dead", "no_time", "event_time")
