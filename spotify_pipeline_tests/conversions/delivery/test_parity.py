"""Delivered against received, by the hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from spotify_pipeline.conversions.delivery.parity import HourParity, compare

NINE = datetime(2026, 11, 3, 9, tzinfo=UTC)
TEN, ELEVEN = NINE + timedelta(hours=1), NINE + timedelta(hours=2)
LATER = NINE + timedelta(days=1)


def hours(*rows: tuple[datetime, str, int]) -> pl.DataFrame:
    schema = {"hour": pl.Datetime("us", "UTC"), "event_name": pl.String, "events": pl.Int64}
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def test_equal_counts_agree_and_are_shown_hour_by_hour() -> None:
    parity = compare(
        hours((NINE, "PURCHASE", 7), (NINE, "LEAD", 3), (TEN, "PURCHASE", 5)),
        [(TEN, "PURCHASE", 5), (NINE, "LEAD", 3), (NINE, "PURCHASE", 7)],
        now=LATER,
    )
    assert parity.agrees
    assert parity.hours == (
        HourParity(hour=NINE, delivered=10, received=10),
        HourParity(hour=TEN, delivered=5, received=5),
    )
    assert (parity.delivered, parity.received, parity.not_yet) == (15, 15, 0)


def test_what_did_not_arrive_is_named() -> None:
    parity = compare(
        hours((NINE, "PURCHASE", 7), (NINE, "LEAD", 3)), [(NINE, "PURCHASE", 5), (NINE, "LEAD", 3)], now=LATER
    )
    assert not parity.agrees
    assert parity.missing == {"PURCHASE": 2}
    assert parity.hours[0].difference == 2


def test_names_do_not_make_up_for_each_other() -> None:
    parity = compare(hours((NINE, "PURCHASE", 5)), [(NINE, "LEAD", 5)], now=LATER)
    assert parity.missing == {"LEAD": -5, "PURCHASE": 5}


def test_an_hour_is_compared_from_twenty_minutes_after_its_end() -> None:
    delivered = hours((NINE, "PURCHASE", 7))
    early = compare(delivered, [], now=TEN + timedelta(minutes=20) - timedelta(microseconds=1))
    assert early.agrees
    assert (early.hours, early.not_yet) == ((), 7)
    assert compare(delivered, [], now=TEN + timedelta(minutes=20)).missing == {"PURCHASE": 7}
    assert compare(delivered, [], now=TEN, settle=timedelta()).missing == {"PURCHASE": 7}


def test_what_spotify_counted_in_the_hour_before_is_not_missing() -> None:
    delivered = hours((NINE, "PURCHASE", 7), (TEN, "PURCHASE", 5))
    assert compare(delivered, [(NINE, "PURCHASE", 8), (TEN, "PURCHASE", 4)], now=LATER).agrees
    # The later hour is still too young: what Spotify has too many was delivered there.
    young = TEN + timedelta(minutes=30)
    assert compare(delivered, [(NINE, "PURCHASE", 8)], now=young).agrees
    assert compare(delivered, [(NINE, "PURCHASE", 13)], now=young).missing == {"PURCHASE": -1}
    assert compare(delivered, [(NINE, "PURCHASE", 6)], now=young).missing == {"PURCHASE": 1}


def test_nothing_on_either_side_agrees() -> None:
    parity = compare(hours(), [], now=LATER)
    assert parity.agrees
    assert parity.plot() == "```\nno hour to compare yet\n```"


def test_bars_show_both_and_the_difference() -> None:
    plot = compare(hours((NINE, "PURCHASE", 30), (ELEVEN, "PURCHASE", 1)), [(NINE, "PURCHASE", 15)], now=LATER).plot()
    assert plot.splitlines() == [
        "```",
        f"2026-11-03 09:00 delivered {'█' * 30} 30",
        f"                 received  {'█' * 15} 15  -15",
        "2026-11-03 11:00 delivered █ 1",
        "                 received   0  -1",
        "```",
    ]
