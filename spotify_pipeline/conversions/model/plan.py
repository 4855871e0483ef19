"""How the rows of an events relation become conversion events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from spotify_pipeline.conversions.model.errors import EventsError
from spotify_pipeline.rows import IdentifierPlan
from spotify_pipeline.spotify_limits import OLDEST_EVENT

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock that wrote an event may be ahead of this machine's. Spotify: `event_time` must be in the past."""


@dataclass(frozen=True)
class Column:
    """A value in a column of the relation."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A value that is the same for every event of the feed."""

    value: str


Source: TypeAlias = Column | Constant


class TimeUnit(StrEnum):
    """What a number in a column of times counts, since 1970-01-01 UTC."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"


class OptOutPolicy(StrEnum):
    """What happens to the event of somebody who opted out of targeting (A11)."""

    FLAG = "flag"
    """It is sent with `opt_out_targeting`: counted for attribution, never used for retargeting."""
    DROP = "drop"
    """It is not sent."""


@dataclass(frozen=True, kw_only=True)
class EventIdSource:
    """What identifies an event permanently.

    Attributes:
        columns: at least one.
        hashed: the id is a SHA-256 of the columns' values; needed for several columns. A single column that is not
            hashed is the id as it stands, so that a Pixel that sends the same id is deduplicated by Spotify.
    """

    columns: tuple[str, ...]
    hashed: bool = False

    def __post_init__(self) -> None:
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise EventsError("An event id needs at least one column, and each column once. Correct the feed's YAML.")
        if len(self.columns) > 1 and not self.hashed:
            raise EventsError("An event id of several columns must be hashed. Correct the feed's YAML.")


@dataclass(frozen=True, kw_only=True)
class TimeSource:
    """When an event happened.

    Attributes:
        column: dates with times, texts (ISO 8601, RFC 3339), or numbers.
        zone: IANA name; in it times are read that state no zone of their own.
        unit: what a number counts; None if the column holds no numbers.
        missing_is_now: an event without a time has that of its reading; else it is a dead letter.
    """

    column: str
    zone: str = "UTC"
    unit: TimeUnit | None = None
    missing_is_now: bool = False


@dataclass(frozen=True, kw_only=True)
class FeedPlan:
    """Which column holds which parameter of an event, and what is done with events that are not sent.

    Attributes:
        event_name: where the event's name stands.
        names: the warehouse's names to Spotify's; None is a name that is not sent, on purpose. A name that is not in it
            is read as Spotify's own or as another spelling of it.
        event_id, event_time: see there.
        identifiers: of the person; None where only an IP address is known.
        ip_address, amount, content_name, content_category, event_source_url: columns, or None.
        currency, action_source: a column, or one value for all.
        consent_column: only events that say yes in it are sent; None where no consent is asked. The one that
            ``identifiers`` names is asked, too.
        opt_out_column: who says anything in it but a plain no opted out of targeting, such as the time when they did;
            null is no. Where there is one, every event says whether its person opted out.
        opt_out_policy: what happens to their events.
        purchase_needs_amount: a PURCHASE without amount and currency is refused (it would count without revenue).
        max_age: older events are not sent. Spotify attributes within 30 days.
        allowed_skew: an event that lies further ahead than this is refused; one that lies less far ahead is sent as
            of now.
    """

    event_name: Source
    event_id: EventIdSource
    event_time: TimeSource
    names: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    identifiers: IdentifierPlan | None = None
    ip_address: str | None = None
    amount: str | None = None
    currency: Source | None = None
    content_name: str | None = None
    content_category: str | None = None
    event_source_url: str | None = None
    action_source: Source | None = None
    consent_column: str | None = None
    opt_out_column: str | None = None
    opt_out_policy: OptOutPolicy = OptOutPolicy.FLAG
    purchase_needs_amount: bool = True
    max_age: timedelta = OLDEST_EVENT
    allowed_skew: timedelta = CLOCK_SKEW

    @property
    def identifier_columns(self) -> tuple[str, ...]:
        """The columns that identify the person."""
        return self.identifiers.columns if self.identifiers is not None else ()

    @property
    def consent_columns(self) -> tuple[str, ...]:
        """The columns that say whether the person agreed: none, one or two, and all must say yes."""
        of_identifiers = self.identifiers.consent_columns if self.identifiers is not None else ()
        return (*((self.consent_column,) if self.consent_column is not None else ()), *of_identifiers)

    @property
    def columns(self) -> list[str]:
        """Every column that is read, each once."""
        named = [*self.event_id.columns, self.event_time.column]
        for source in (self.event_name, self.currency, self.action_source):
            named += [source.name] if isinstance(source, Column) else []
        named += self.identifiers.columns_read if self.identifiers is not None else ()
        named += [
            column
            for column in (
                self.ip_address,
                self.amount,
                self.content_name,
                self.content_category,
                self.event_source_url,
                *self.consent_columns,
                self.opt_out_column,
            )
            if column is not None
        ]
        return list(dict.fromkeys(named))
