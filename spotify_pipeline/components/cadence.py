"""The cadence of an audience: when its snapshots are taken, which is also how its assets are partitioned."""

from __future__ import annotations

import difflib
import zoneinfo
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Literal, cast

import dagster as dg
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from spotify_pipeline.components.yaml import StrictModel
from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.mirror.receipts import LONGEST_WINDOW, SHORTEST_WINDOW

ALL_ASSETS_JOB = "__ASSET_JOB"
"""Dagster's implicit job. Unlike a defined job it may hold assets of differing partitions."""
ONCE = "once"
FIRST_WINDOW = date(2026, 1, 1)
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
LAST_DAY_OF_EVERY_MONTH = 28


class NoWindowOpen(MirrorRefused):
    """The cadence starts in the future, so there is no partition yet."""


def clock_time(value: object) -> object:
    """A time of day as it was written, where YAML read an unquoted one as a number; else the value as it is."""
    # YAML 1.1 reads an unquoted 16:30 as a number of minutes (sexagesimal); 06:30 it leaves alone.
    # Less than an hour cannot have been written so: it would begin with a zero.
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value < 24 * 60:
        return f"{value // 60:02d}:{value % 60:02d}"
    return value


def known_timezone(value: str) -> str:
    """The name of a time zone, if there is one.

    Raises:
        ValueError: there is none.
    """
    known = zoneinfo.available_timezones()
    if value not in known:
        near = difflib.get_close_matches(value, known, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"not a time zone of the IANA database, such as Europe/Stockholm or UTC.{hint}")
    return value


class CadenceConfig(StrictModel):
    """When snapshots are taken."""

    # YAML 1.1 reads the bare key `on` as True, which the JSON schema cannot name; the model itself forbids extra keys.
    short_forms: ClassVar = {"type": "string", "additionalProperties": True}

    every: Literal["day", "week", "month", "once"]
    """`day`, `week` or `month`; or `once`, for an audience that is built by hand only."""
    on: str | int | None = None
    """For `week` the day's name (default monday); for `month` the day of the month, 1 to 28 (default 1)."""
    at: Annotated[
        str,
        Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"),
        BeforeValidator(clock_time),
        WithJsonSchema({"type": ["string", "integer"]}),
    ] = "06:00"
    """The time of day, 24 hours, such as "06:00"."""
    timezone: Annotated[str, AfterValidator(known_timezone)] = "UTC"
    """The time zone of that time (IANA name, such as Europe/Stockholm)."""
    start: date = FIRST_WINDOW
    """The day the audience is added, such as 2026-11-16. The first window is the one that is open as that day begins;
    older ones could never be built, and would only stand empty in the Dagster UI."""

    @model_validator(mode="before")
    @classmethod
    def _key_that_yaml_reads_as_true(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        stated = cast("dict[object, object]", value)
        return {"on" if key is True else key: setting for key, setting in stated.items()}

    @model_validator(mode="after")
    def _day_fits(self) -> CadenceConfig:
        if self.every in ("day", ONCE) and self.on is not None:
            raise ValueError(f"on goes with every: week and every: month, not with {self.every}")
        if self.every == ONCE and self.model_fields_set - {"every"}:
            raise ValueError("an audience that is built once has no day, time, time zone or start")
        if self.every == "week" and self.on is not None and self.on not in WEEKDAYS:
            raise ValueError(f"on must be a day of the week: {', '.join(WEEKDAYS)}")
        if (
            self.every == "month"
            and self.on is not None
            and not (isinstance(self.on, int) and 1 <= self.on <= LAST_DAY_OF_EVERY_MONTH)
        ):
            raise ValueError(f"on must be a day that every month has: 1 to {LAST_DAY_OF_EVERY_MONTH}")
        return self

    @property
    def hour(self) -> int:
        """Hour of the day, 0 to 23."""
        return int(self.at[:2])

    @property
    def minute(self) -> int:
        """Minute of the hour."""
        return int(self.at[3:])

    @property
    def weekday(self) -> int:
        """Day of the week as cron counts it: Sunday is 0."""
        return WEEKDAYS.index(str(self.on or "monday"))

    @property
    def month_day(self) -> int:
        """Day of the month, 1 to 28."""
        return int(self.on or 1)

    def cron(self) -> str | None:
        """The schedule as a cron string, or None for `once`."""
        match self.every:
            case "day":
                return f"{self.minute} {self.hour} * * *"
            case "week":
                return f"{self.minute} {self.hour} * * {self.weekday}"
            case "month":
                return f"{self.minute} {self.hour} {self.month_day} * *"
            case "once":
                return None

    def _day_before_first_window(self) -> date:
        """A day such that the first window to begin on or after it is the one open at 00:00 of the start day."""
        if self.every == "month":
            return (self.start.replace(day=1) - timedelta(days=1)).replace(
                day=min(self.start.day, LAST_DAY_OF_EVERY_MONTH)
            )
        return self.start - timedelta(days=7 if self.every == "week" else 1)

    def partitions(self) -> dg.PartitionsDefinition[str]:
        """One partition per window; the window that opens at a tick can be asked for at that tick."""
        match self.every:
            case "day":
                return dg.DailyPartitionsDefinition(
                    start_date=self._day_before_first_window().isoformat(),
                    timezone=self.timezone,
                    hour_offset=self.hour,
                    minute_offset=self.minute,
                    end_offset=1,
                )
            case "week":
                return dg.WeeklyPartitionsDefinition(
                    start_date=self._day_before_first_window().isoformat(),
                    timezone=self.timezone,
                    day_offset=self.weekday,
                    hour_offset=self.hour,
                    minute_offset=self.minute,
                    end_offset=1,
                )
            case "month":
                return dg.MonthlyPartitionsDefinition(
                    start_date=self._day_before_first_window().isoformat(),
                    timezone=self.timezone,
                    day_offset=self.month_day,
                    hour_offset=self.hour,
                    minute_offset=self.minute,
                    end_offset=1,
                )
            case "once":
                return dg.StaticPartitionsDefinition([ONCE])

    def newest_partition(self, now: datetime) -> str:
        """The partition whose window is open at ``now`` (an aware time): the only one a snapshot can be taken for.

        Raises:
            NoWindowOpen: the cadence starts later.
        """
        partitions = self.partitions()
        if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
            with dg.partition_loading_context(effective_dt=now):
                newest = partitions.get_last_partition_key()
            if newest is None or partitions.time_window_for_partition_key(newest).start > now:
                raise NoWindowOpen(f"No window has opened yet: the cadence starts on {self.start}, {self.in_words()}.")
            return newest
        return ONCE

    @property
    def window(self) -> timedelta:
        """How long a list is compared with after it was replaced: a week, or four cadences where that is longer.

        What is built by hand only has no cadence; four months, as for the longest.
        """
        return {"day": SHORTEST_WINDOW, "week": timedelta(weeks=4)}.get(self.every, LONGEST_WINDOW)

    def in_words(self) -> str:
        """The cadence as a person would say it, for titles and descriptions."""
        match self.every:
            case "day":
                return f"every day at {self.at} ({self.timezone})"
            case "week":
                return f"every {WEEKDAYS[self.weekday].capitalize()} at {self.at} ({self.timezone})"
            case "month":
                return f"on day {self.month_day} of every month at {self.at} ({self.timezone})"
            case "once":
                return "once, by hand"


def _once_shorthand(value: object) -> object:
    return {"every": ONCE} if value == ONCE else value


Cadence = Annotated[CadenceConfig, BeforeValidator(_once_shorthand)]
