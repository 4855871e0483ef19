"""How often a feed is read and sent: what its YAML may contain."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from spotify_pipeline.components.cadence import clock_time
from spotify_pipeline.components.yaml import StrictModel

ON_UPDATE = "on_update"
BY_HAND = "by_hand"
MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""What divides an hour, so that runs are evenly far apart."""
_MINUTES = re.compile(r"(\d{1,2}) minutes?")


def _known_pace(value: str) -> str:
    found = _MINUTES.fullmatch(value)
    if value not in ("hour", "day", ON_UPDATE, BY_HAND) and not (found and int(found[1]) in MINUTES):
        raise ValueError(
            f"specify every: hour, every: day, every: N minutes (N of {', '.join(map(str, MINUTES))}), on_update or "
            "by_hand"
        )
    return value


class FeedScheduleConfig(StrictModel):
    """How often the feed is read and sent."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    every: Annotated[str, AfterValidator(_known_pace)]
    """`hour`, `day`, or such as `15 minutes`. In place of the mapping: `on_update`, whenever the events' asset was
    materialized; or `by_hand`."""
    at: Annotated[
        str | None,
        Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"),
        BeforeValidator(clock_time),
        WithJsonSchema({"type": ["string", "integer"]}),
    ] = None
    """With `day`: the time of day in the feed's time zone, such as "06:00", which is the default."""

    @model_validator(mode="after")
    def _time_of_day(self) -> FeedScheduleConfig:
        if self.at is not None and self.every != "day":
            raise ValueError("at goes with every: day")
        return self

    def cron(self) -> str | None:
        """The schedule as a cron string; None where the clock has no part in it."""
        if self.every in (ON_UPDATE, BY_HAND):
            return None
        if self.every == "day":
            hour, _, minute = (self.at or "06:00").partition(":")
            return f"{int(minute)} {int(hour)} * * *"
        return "0 * * * *" if self.every == "hour" else f"*/{self.every.split()[0]} * * * *"

    @property
    def follows_the_asset(self) -> bool:
        """Whether a run is due when the events' asset was materialized."""
        return self.every == ON_UPDATE

    def in_words(self) -> str:
        """Such as `every hour`, for descriptions."""
        match self.every:
            case "by_hand":
                return "by hand"
            case "on_update":
                return "whenever the events' asset was materialized"
            case "day":
                return f"every day at {self.at or '06:00'}"
            case pace:
                return f"every {pace}"


def _shorthand(value: object) -> object:
    return {"every": value} if isinstance(value, str) else value


FeedSchedule = Annotated[FeedScheduleConfig, BeforeValidator(_shorthand)]
