"""What a feed's YAML may contain, and the error for each mistake.

Values are literal; the token is named by its environment variable, for a secret has no place in a file.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from spotify_pipeline.components.cadence import FIRST_WINDOW, known_timezone
from spotify_pipeline.components.conversions.config.events import (
    ActionSource,
    Currency,
    EventId,
    EventName,
    EventTime,
    OptOut,
    PurchaseWithoutAmount,
    columns_of,
)
from spotify_pipeline.components.conversions.config.schedule import FeedSchedule, FeedScheduleConfig
from spotify_pipeline.components.sources import (
    ConsentedSourceConfig,
    IdentifiersConfig,
    SettingPath,
    Suppress,
    each_suppressed_once,
)
from spotify_pipeline.components.yaml import AssetKeyName, ColumnName, Duration, Share, SpotifyId, StrictModel, not_null
from spotify_pipeline.conversions import FeedLimits, Guarantee
from spotify_pipeline.identity import identifier_types
from spotify_pipeline.spotify import CONTRACT, AcceptedResponse
from spotify_pipeline.spotify_limits import MOST_EVENTS, OLDEST_EVENT

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_WITHHELD: dict[str, object] = {"env": None}
"""What takes the place of a token that was written out, before anything can repeat it."""


class EventsConfig(ConsentedSourceConfig):
    """Where the events are: a dbt model or a table, and how their people's consent is known."""


def _variable(value: object) -> object:
    if value is None:
        raise ValueError(
            "name the environment variable that holds the token, as {env: SPOTIFY_CAPI_TOKEN}: capital letters, digits "
            "and _. Never write the token itself into a file; if one did hold it, delete it at Spotify and make another"
        )
    return value


class TokenConfig(StrictModel):
    """Where the token of the connection is: never the token itself."""

    env: Annotated[str, BeforeValidator(_variable)]
    """The environment variable that holds it, read when a run sends."""


def _known_answers(stated: list[str]) -> list[str]:
    for each in stated:
        AcceptedResponse.parse(each)
    return stated


class DeliveryConfig(StrictModel):
    """How events are sent."""

    batch: int = Field(default=100, ge=1, le=MOST_EVENTS)
    """The most events in one request, 1 to 1000. Spotify states no limit."""
    taken_answers: Annotated[list[str], Field(min_length=1), AfterValidator(_known_answers)] = Field(default=[CONTRACT])
    """The answers that say that Spotify took all events of a request, each as its status and its JSON, in which
    `{events}` stands for their number and `{any}` for any value. After any other success the feed stops."""
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE
    """`at_least_once`: an event whose answer was lost is sent again with the same id. `at_most_once`: it is not, and a
    person decides."""


class FeedRetainConfig(StrictModel):
    """How long the outcome of each event is kept."""

    events: Duration = timedelta(days=180)
    """Older days keep their totals only, and cannot be read again."""


_DEFAULTS = FeedLimits()


class FeedGuardsConfig(StrictModel):
    """How far a day may differ from those before it, before it holds the delivery. Rises are percentage points."""

    min_events: Annotated[int, BeforeValidator(not_null)] = Field(default=_DEFAULTS.min_events, ge=1)
    """Days with fewer rows are not compared: chance alone makes them differ."""
    max_no_consent_rise: Share = _DEFAULTS.max_no_consent_rise
    """Of the share of wanted rows without consent: "30%" or 0.3."""
    max_suppressed_rise: Share = _DEFAULTS.max_suppressed_rise
    """Of the share of suppressed people among those who consented."""
    max_not_wanted_rise: Share = _DEFAULTS.max_not_wanted_rise
    """Of the share of rows whose name `event_name.names` ignores."""
    max_dead_rise: Share = _DEFAULTS.max_dead_rise
    """Of the share of dead letters among the events that are not filtered."""

    def limits(self) -> FeedLimits:
        """The limits as the guards know them."""
        return FeedLimits(**{name: getattr(self, name) for name in type(self).model_fields})


class FeedConfig(StrictModel):
    """One feed: events of the warehouse, each sent to Spotify once."""

    events: EventsConfig
    """The events: `{dbt_model|table, asset_key, consent_column|consent}`."""
    key_prefix: AssetKeyName | None = None
    """What comes before the folder's name in the keys of its assets, such as `marketing` or `marketing/ads`."""
    connection_id: SpotifyId | None = None
    """The connection (Conversions API integration) that takes them. Default: SPOTIFY_CAPI_CONNECTION_ID, read when a
    run sends."""
    # The schema allows anything: a validator that knows only the schema would repeat a token in its complaint.
    token: Annotated[TokenConfig | None, WithJsonSchema({})] = None
    """`{env: VARIABLE}`: the environment variable that holds the connection's token. Default: as the project's
    connection to Spotify says."""
    event_name: EventName
    """A column, `{value: PURCHASE}`, or `{column: event, names: {order_completed: PURCHASE, heartbeat: ignore}}`."""
    event_id: EventId
    """A column, or `{columns: [order_id, line], hashed: true}`."""
    event_time: EventTime
    """A column, or `{column: ordered_at, unit: s|ms|us}` where it holds numbers."""
    timezone: Annotated[str, AfterValidator(known_timezone)] = "UTC"
    """The time zone of the days, and of times that state none (IANA name, such as Europe/Stockholm)."""
    identifiers: IdentifiersConfig | None = None
    """Which columns identify the person. At least one of `identifiers` and `ip_address`."""
    ip_address: ColumnName | None = None
    """A column of the person's IP addresses."""
    amount: ColumnName | None = None
    """A column of the events' values in money. Goes with `currency`."""
    currency: Currency | None = None
    """A column, or `{value: SEK}` (ISO 4217)."""
    content_name: ColumnName | None = None
    """A column with a name of what it was about."""
    content_category: ColumnName | None = None
    """A column of ids of Google's product taxonomy."""
    event_source_url: ColumnName | None = None
    """A column of http(s) addresses of the pages where it happened."""
    action_source: ActionSource | None = None
    """A column, or `{value: WEB}`: WEB, APP or OFFLINE."""
    opt_out: OptOut | None = None
    """A column, or `{column: opted_out, policy: flag|drop}`."""
    purchase_without_amount: PurchaseWithoutAmount = "refuse"
    """`refuse`: a purchase without amount and currency is a dead letter, as it would count without revenue. `allow`."""
    suppress: Annotated[list[Suppress], AfterValidator(each_suppressed_once)] = Field(default=[])
    """Segments of people whose events are not sent, as in an audience's YAML."""
    max_age: Duration = OLDEST_EVENT
    """Older events are not sent: Spotify attributes within 30 days."""
    late_window: Duration = timedelta(days=3)
    """How far back a scheduled run looks for events that came late."""
    start: date = FIRST_WINDOW
    """The first day whose events are sent, such as 2026-11-01."""
    schedule: FeedSchedule = FeedScheduleConfig(every="hour")
    """`{every: hour}`, `{every: 15 minutes}`, `{every: day, at: "06:00"}`, `on_update` or `by_hand`."""
    delivery: DeliveryConfig = DeliveryConfig()
    """How events are sent."""
    guards: FeedGuardsConfig = FeedGuardsConfig()
    """How far a day may differ from those before it. A day that differs more holds the delivery."""
    retain: FeedRetainConfig = FeedRetainConfig()
    """How long the outcome of each event is kept."""

    @model_validator(mode="before")
    @classmethod
    def _no_secret_goes_on(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever stood in the file
        if value is None:
            raise ValueError("specify at least events, event_name, event_id, event_time and identifiers")
        if not isinstance(value, dict) or "token" not in value:
            return cast("object", value)
        return {**cast("dict[object, object]", value), "token": _named_only(cast("object", value["token"]))}

    @model_validator(mode="after")
    def _settings_fit(self) -> FeedConfig:
        if self.identifiers is None and self.ip_address is None:
            raise ValueError(
                f"specify identifiers ({', '.join(identifier_types())}), ip_address or both: Spotify needs one"
            )
        if (self.amount is None) != (self.currency is None):
            raise ValueError("amount and currency go together: neither says anything without the other")
        if self.late_window > self.max_age:
            raise ValueError(
                "late_window is longer than max_age: events that come so late are too old to be sent. Shorten "
                "late_window, or lengthen max_age"
            )
        if self.retain.events < max(self.max_age, self.late_window) + timedelta(days=2):
            raise ValueError(
                "retain.events must be two days longer than max_age and late_window: an event that is forgotten while "
                "its row may still be read would be sent again"
            )
        return self

    def named_columns(self) -> list[tuple[SettingPath, str]]:
        """Every column of the events that is named, with the path of the setting that names it."""
        found: list[tuple[SettingPath, str]] = []
        if self.events.consent_column is not None:
            found.append((("events", "consent_column"), self.events.consent_column))
        for name in ("event_name", "event_id", "event_time", "currency", "action_source", "opt_out"):
            found += columns_of((name,), getattr(self, name))
        if self.identifiers is not None:
            found += [(("identifiers", *path), column) for path, column in self.identifiers.named_columns()]
        plain = ("ip_address", "amount", "content_name", "content_category", "event_source_url")
        return found + [((name,), column) for name in plain if (column := getattr(self, name)) is not None]


def _named_only(token: object) -> object:
    """A token's setting if it names a variable and nothing else; what is written there otherwise might be the token."""
    if isinstance(token, dict):
        stated = cast("dict[object, object]", token)
        variable = stated.get("env")
        if list(stated) == ["env"] and isinstance(variable, str) and _VARIABLE.fullmatch(variable):
            return stated
    return _WITHHELD
