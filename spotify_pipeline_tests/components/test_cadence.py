"""The cadence is the partition: which windows there are, and which one a moment belongs to."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from spotify_pipeline.components.cadence import WEEKDAYS, Cadence, CadenceConfig, NoWindowOpen

STOCKHOLM = ZoneInfo("Europe/Stockholm")
parse = TypeAdapter(Cadence).validate_python


def stockholm(*when: int) -> datetime:
    return datetime(*when, tzinfo=STOCKHOLM)


@pytest.mark.parametrize(
    ("stated", "cron", "words"),
    [
        (
            {"every": "week", "on": "monday", "at": "06:00", "timezone": "Europe/Stockholm"},
            "0 6 * * 1",
            "every Monday at 06:00 (Europe/Stockholm)",
        ),
        ({"every": "day", "at": "05:30"}, "30 5 * * *", "every day at 05:30 (UTC)"),
        ({"every": "month", "on": 15, "at": "23:05"}, "5 23 15 * *", "on day 15 of every month at 23:05 (UTC)"),
        ({"every": "week", "on": "sunday"}, "0 6 * * 0", "every Sunday at 06:00 (UTC)"),
        ("once", None, "once, by hand"),
    ],
)
def test_cron_and_words(stated: object, cron: str | None, words: str) -> None:
    cadence = parse(stated)
    assert cadence.cron() == cron
    assert cadence.in_words() == words


def test_a_window_opens_at_its_tick_and_not_a_minute_before() -> None:
    weekly = parse({"every": "week", "on": "monday", "at": "06:00", "timezone": "Europe/Stockholm"})
    assert weekly.newest_partition(stockholm(2026, 11, 16, 5, 59)) == "2026-11-09"
    assert weekly.newest_partition(stockholm(2026, 11, 16, 6, 0)) == "2026-11-16"
    assert weekly.newest_partition(stockholm(2026, 11, 22, 23, 0)) == "2026-11-16"


@pytest.mark.parametrize("day", [datetime(2026, 3, 28, tzinfo=STOCKHOLM), datetime(2026, 10, 24, tzinfo=STOCKHOLM)])
def test_each_day_has_one_window_where_clocks_change(day: datetime) -> None:
    daily = parse({"every": "day", "at": "02:30", "timezone": "Europe/Stockholm"})
    noons = [stockholm(2026, day.month, day.day + offset, 12) for offset in range(3)]
    assert [daily.newest_partition(noon) for noon in noons] == [noon.strftime("%Y-%m-%d") for noon in noons]


def test_once_is_one_partition_that_is_always_open() -> None:
    once = parse("once")
    assert once.partitions().get_partition_keys() == ["once"]
    assert once.newest_partition(datetime(2031, 1, 1, tzinfo=UTC)) == "once"


def test_a_cadence_that_starts_later_has_no_window_yet() -> None:
    later = parse({"every": "week", "start": "2027-01-01"})
    with pytest.raises(NoWindowOpen, match="No window has opened yet: the cadence starts on 2027-01-01, every Monday"):
        later.newest_partition(datetime(2026, 11, 22, tzinfo=UTC))
    assert later.newest_partition(datetime(2027, 1, 1, tzinfo=UTC)) == "2026-12-28"
    assert later.newest_partition(datetime(2027, 1, 6, tzinfo=UTC)) == "2027-01-04"


cadences = st.one_of(
    st.builds(
        lambda hour, minute: CadenceConfig(every="day", at=f"{hour:02d}:{minute:02d}", timezone="America/New_York"),
        st.integers(0, 23),
        st.integers(0, 59),
    ),
    st.builds(
        lambda day, hour: CadenceConfig(every="week", on=day, at=f"{hour:02d}:15", timezone="Europe/Stockholm"),
        st.sampled_from(WEEKDAYS),
        st.integers(0, 23),
    ),
    st.builds(
        lambda day, hour: CadenceConfig(every="month", on=day, at=f"{hour:02d}:45", timezone="Asia/Tokyo"),
        st.integers(1, 28),
        st.integers(0, 23),
    ),
)


@given(cadences, st.integers(0, 700 * 24 * 60))
def test_the_newest_window_has_begun_and_the_next_has_not(cadence: CadenceConfig, minutes: int) -> None:
    now = datetime(2026, 2, 15, tzinfo=UTC) + timedelta(minutes=minutes)
    partitions = cadence.partitions()
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    window = partitions.time_window_for_partition_key(cadence.newest_partition(now))
    assert window.start <= now < window.end
    local = window.start.astimezone(ZoneInfo(cadence.timezone))
    # In the night clocks are put forward a time may not exist; the window then begins when the hour has passed.
    assert abs((local.hour * 60 + local.minute) - (cadence.hour * 60 + cadence.minute)) <= 60


@given(cadences, st.dates(date(2026, 3, 1), date(2027, 12, 31)), st.integers(0, 24 * 60 - 1))
def test_an_audience_can_be_built_at_any_time_of_the_day_it_is_added(
    cadence: CadenceConfig, day: date, minute: int
) -> None:
    added = cadence.model_copy(update={"start": day})
    midnight = datetime.combine(day, time(), ZoneInfo(cadence.timezone)).astimezone(UTC)
    window = added.partitions().time_window_for_partition_key(  # type: ignore[attr-defined]
        added.newest_partition(midnight + timedelta(minutes=minute))
    )
    assert window.start <= midnight + timedelta(minutes=minute) < window.end
    assert len(added.partitions().get_partition_keys(current_time=midnight)) <= 2


def test_an_unquoted_time_that_yaml_reads_as_a_number_means_what_was_written() -> None:
    assert parse({"every": "day", "at": 16 * 60 + 30}).at == "16:30"


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ({"every": "fortnight"}, "Input should be 'day', 'week', 'month' or 'once'"),
        ({"every": "week", "on": "mon"}, "on must be a day of the week: sunday, monday"),
        ({"every": "month", "on": 31}, "on must be a day that every month has: 1 to 28"),
        ({"every": "month", "on": "monday"}, "on must be a day that every month has: 1 to 28"),
        ({"every": "day", "on": "monday"}, "on goes with every: week and every: month"),
        ({"every": "day", "at": "6:00"}, "String should match pattern"),
        ({"every": "day", "at": 6}, "valid string"),
        ({"every": "day", "at": "24:00"}, "String should match pattern"),
        ({"every": "day", "timezone": "Europe/Stokholm"}, "Did you mean Europe/Stockholm"),
        ({"every": "once", "at": "06:00"}, "an audience that is built once has no day, time, time zone or start"),
        ({"every": "day", "hour": 6}, "no such field. Allowed: every, on, at, timezone, start"),
        ("weekly", "valid dictionary or instance"),
    ],
)
def test_a_wrong_cadence_is_refused_with_what_is_allowed(stated: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse(stated)
    assert sentence in str(refused.value)
