"""What a feed's YAML may contain for one parameter of its events: a column, one value for all, or a mapping."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from spotify_pipeline.components.sources import SettingPath
from spotify_pipeline.components.yaml import ColumnName, ColumnNames, StrictModel
from spotify_pipeline.conversions import (
    CURRENCIES,
    Column,
    Constant,
    EventIdSource,
    OptOutPolicy,
    Source,
    TimeUnit,
)
from spotify_pipeline.spotify import CAPI_EVENT_NAMES, sent_event_name

IGNORE = "ignore"
"""Written in the place of Spotify's name: events of that name are not sent, on purpose."""
ACTION_SOURCES = ("WEB", "APP", "OFFLINE")


def column_shorthand(value: object) -> object:
    """A bare text is the column's name."""
    return {"column": value} if isinstance(value, str) else value


def spotifys_name(stated: str) -> str:
    """Spotify's name of an event, of which an older or another spelling may be stated.

    Raises:
        ValueError: Spotify has no such event.
    """
    name = sent_event_name(stated)
    if name is None:
        raise ValueError(f"{stated} is not one of Spotify's events, which are {', '.join(CAPI_EVENT_NAMES)}")
    return name


class ColumnOrValue(StrictModel):
    """A column of the events, or one value for all of them."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    column: ColumnName | None = None
    """The column. Exactly one of `column` and `value` is given."""
    value: str | None = Field(default=None, min_length=1)
    """The value of every event."""

    @model_validator(mode="after")
    def _one_of_both(self) -> ColumnOrValue:
        if (self.column is None) == (self.value is None):
            raise ValueError("specify a column, or one value for all events as {value: ...}")
        return self

    @property
    def source(self) -> Source:
        """Where the value comes from."""
        return Column(self.column) if self.column is not None else Constant(str(self.value))


class EventNameConfig(ColumnOrValue):
    """The events' name: a column, or one of Spotify's for all of them."""

    names: dict[str, str] = Field(default={})
    """With `column`: what the warehouse calls an event, and what Spotify does, such as `{order_completed: PURCHASE}`.
    `ignore` leaves events of that name out. A name that is not listed is taken for Spotify's own."""

    @model_validator(mode="after")
    def _names_of_spotify(self) -> EventNameConfig:
        if self.names and self.column is None:
            raise ValueError("names goes with column: they say what the names in it mean")
        for stated in (*self.names.values(), *([self.value] if self.value is not None else [])):
            if stated != IGNORE or self.value is not None:
                spotifys_name(stated)
        meanings: dict[str, str] = {}
        for ours, theirs in self.names.items():
            meant = IGNORE if theirs == IGNORE else spotifys_name(theirs)
            if meanings.setdefault(ours.strip().casefold(), meant) != meant:
                raise ValueError(
                    f"names gives {ours.strip()} two meanings: upper and lower case are not told apart, nor blanks "
                    "around a name. Leave one of them out"
                )
        return self

    @property
    def source(self) -> Source:
        """Where the name comes from; one for all is in Spotify's spelling."""
        return Constant(spotifys_name(self.value)) if self.value is not None else super().source

    @property
    def mapping(self) -> dict[str, str | None]:
        """The warehouse's names to Spotify's; None is a name that is left out."""
        return {ours: None if theirs == IGNORE else spotifys_name(theirs) for ours, theirs in self.names.items()}


class EventIdConfig(StrictModel):
    """What identifies an event forever: sent again, it is counted once."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    columns: ColumnNames
    """One column whose values never change for an event, or several that do not together."""
    hashed: bool | None = None
    """Whether a SHA-256 of the values is sent in their place. Several columns always are hashed; one is sent as it
    stands by default, so that a pixel that sends the same id is counted once with it."""

    @model_validator(mode="after")
    def _several_are_hashed(self) -> EventIdConfig:
        if self.hashed is False and len(self.columns) > 1:
            raise ValueError("several columns make an id only as a hash; leave hashed out")
        return self

    @property
    def source(self) -> EventIdSource:
        """The id as the feed's plan knows it."""
        return EventIdSource(columns=tuple(self.columns), hashed=bool(self.hashed) or len(self.columns) > 1)


class EventTimeConfig(StrictModel):
    """When an event happened."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    column: ColumnName
    """A column of times, of texts (ISO 8601), or of numbers."""
    unit: TimeUnit | None = None
    """With numbers: what they count since 1970-01-01 UTC: `s`, `ms` or `us`."""
    missing: Literal["refuse", "now"] = "refuse"
    """An event without a time: `refuse` makes it a dead letter; `now` takes the time at which it is read."""


class OptOutConfig(StrictModel):
    """Who opted out of targeting, and what happens to their events."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    column: ColumnName
    """A column in which anything but a plain no (false, no, 0) means that the person opted out, such as the time when
    they did. Empty is no."""
    policy: OptOutPolicy = OptOutPolicy.FLAG
    """`flag`: sent with `opt_out_targeting`, counted but never used for targeting. `drop`: not sent."""


def _columns_shorthand(value: object) -> object:
    return {"columns": value} if isinstance(value, str) else value


def _known_action_source(value: ColumnOrValue) -> ColumnOrValue:
    if value.value is not None and value.value.strip().upper() not in ACTION_SOURCES:
        raise ValueError(f"one value for all events is one of {', '.join(ACTION_SOURCES)}")
    return value


def _known_currency(value: ColumnOrValue) -> ColumnOrValue:
    if value.value is not None and (not value.value.isascii() or value.value.strip().upper() not in CURRENCIES):
        raise ValueError("one value for all events is a code of ISO 4217 that is in use, such as SEK or EUR")
    return value


EventName = Annotated[EventNameConfig, BeforeValidator(column_shorthand)]
EventId = Annotated[EventIdConfig, BeforeValidator(_columns_shorthand)]
EventTime = Annotated[EventTimeConfig, BeforeValidator(column_shorthand)]
OptOut = Annotated[OptOutConfig, BeforeValidator(column_shorthand)]
Currency = Annotated[ColumnOrValue, AfterValidator(_known_currency), BeforeValidator(column_shorthand)]
ActionSource = Annotated[ColumnOrValue, AfterValidator(_known_action_source), BeforeValidator(column_shorthand)]
PurchaseWithoutAmount = Literal["refuse", "allow"]


def columns_of(path: SettingPath, setting: StrictModel | None) -> list[tuple[SettingPath, str]]:
    """The columns that a setting of this module names, each with the path of what names it."""
    if isinstance(setting, EventIdConfig):
        return [((*path, "columns", place), column) for place, column in enumerate(setting.columns)]
    if isinstance(setting, ColumnOrValue | EventTimeConfig | OptOutConfig) and setting.column is not None:
        return [((*path, "column"), setting.column)]
    return []
