"""Spotify's objects that conversion events arrive in: data sets, connections, their tokens, and what was received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from spotify_pipeline.spotify.errors import UnexpectedAnswer
from spotify_pipeline.spotify.event_names import capi_event_name
from spotify_pipeline.spotify.ids import canonical, identity
from spotify_pipeline.spotify.lenient_json import JsonObject, as_object, moment, objects_in, text, whole_number, word
from spotify_pipeline.spotify.secret import Secret

_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138; as milliseconds, 1973


@dataclass(frozen=True, slots=True, kw_only=True)
class CapiConnection:
    """``CapiIntegration``: where events are sent, and to which data set they go.

    Attributes:
        id: ``capi_connection_id``, that events are sent with.
        integration_id: by which data sets are made.
        dataset_id: None where Spotify states none; then its events reach no data set.
    """

    id: str
    name: str
    integration_id: str | None = None
    dataset_id: str | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(
            id=_required_id(source, "capi_connection_id", "connection"),
            name=text(source, "name") or "",
            integration_id=identity(source, "integration_id"),
            dataset_id=identity(source, "dataset_id"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """``Dataset``: the events of one pixel and one connection, in which each event id counts once.

    Attributes:
        capi_connection: None where there is none.
        has_pixel: a pixel sends events to it, too.
        pixel_dataset_id: the data set that the pixel itself names. None beside a pixel: its events reach no data set.
        shared_ad_account_ids: of ad accounts that may use it.
        ad_set_count: ad sets that use it.
    """

    id: str
    name: str
    capi_connection: CapiConnection | None = None
    has_pixel: bool = False
    pixel_dataset_id: str | None = None
    is_archived: bool = False
    is_receiving_events: bool = False
    shared_ad_account_ids: tuple[str, ...] = ()
    ad_set_count: int = 0

    @property
    def pixel_joined_late(self) -> bool:
        """The trap: its pixel and its connection are of long standing both, and the pixel does not name it."""
        return self.has_pixel and self.pixel_dataset_id != self.id

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        connection = as_object(source.get("capi_integration")) or {}
        pixel = as_object(source.get("pixel")) or {}
        shared = (identity(each, "id") for each in objects_in(source, "shared_ad_accounts"))
        return cls(
            id=_required_id(source, "id", "data set"),
            name=text(source, "name") or "",
            capi_connection=CapiConnection.from_json(connection) if text(connection, "capi_connection_id") else None,
            has_pixel=bool(pixel),
            pixel_dataset_id=identity(pixel, "dataset_id"),
            is_archived=source.get("is_archived") is True,
            is_receiving_events=source.get("is_receiving_events") is True,
            shared_ad_account_ids=tuple(each for each in shared if each),
            ad_set_count=whole_number(source, "ad_set_count") or 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CapiToken:
    """A token of a connection, without the token: Spotify lists it with its secret, which is not kept."""

    id: str
    created_at: datetime | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(id=_required_id(source, "capi_auth_token_id", "token"), created_at=moment(source, "created_at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCapiToken:
    """A token that has just been made. It never expires; deleting it is what ends it."""

    id: str
    token: Secret
    created_at: datetime | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(
            id=_required_id(source, "capi_auth_token_id", "token"),
            token=Secret(_required(source, "capi_auth_token", "token", part="its secret")),
            created_at=moment(source, "created_at"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvents:
    """How many events of one name a data set received from one source in one hour, as its diagnostics say.

    Attributes:
        datasource_type: CAPI, PIXEL or MOBILE_APP so far.
        hour: its beginning, UTC; of a DAILY count, the day's.
        event_name: as the Conversions API spells it (``ADD_TO_CART``).
        events: received, and not only those that were matched to somebody.
        granularity: HOURLY or DAILY.
    """

    datasource_type: str
    datasource_id: str | None
    hour: datetime
    event_name: str
    events: int
    granularity: str = "HOURLY"


def received_events(answer: JsonObject) -> Iterator[ReceivedEvents]:
    """What a ``DiagnosticsResponse`` counts, in its order.

    Raises:
        UnexpectedAnswer: a count has no time, no name or no number: it must not look like nothing received.
    """
    for source in objects_in(answer, "datasources"):
        for period in objects_in(source, "timeseries"):
            for counted in objects_in(period, "event_counts"):
                name, events = word(counted, "name"), _number(counted, "event_count")
                stamp = _number(period, "timestamp")
                if name is None or events is None or stamp is None:
                    raise UnexpectedAnswer("Spotify's diagnostics hold a count without a time, a name or a number.")
                yield ReceivedEvents(
                    datasource_type=word(source, "datasource_type") or "",
                    datasource_id=word(source, "datasource_id"),
                    hour=_time(stamp),
                    event_name=capi_event_name(name),
                    events=events,
                    granularity=word(source, "granularity") or "HOURLY",
                )


def _number(source: JsonObject, key: str) -> int | None:
    """A whole number, which the document allows to come as 12.0 too."""
    value = source.get(key)
    return int(value) if isinstance(value, float) and value.is_integer() else whole_number(source, key)


def _time(stamp: int) -> datetime:
    # The document states no unit; its other times of the kind are milliseconds.
    try:
        return datetime.fromtimestamp(stamp / 1000 if stamp >= _MILLISECONDS_FROM else stamp, UTC)
    except (OverflowError, ValueError, OSError):
        raise UnexpectedAnswer("Spotify's diagnostics hold a time that is none.") from None


def _required_id(source: JsonObject, key: str, what: str) -> str:
    return canonical(_required(source, key, what, part="its id"))


def _required(source: JsonObject, key: str, what: str, *, part: str) -> str:
    value = text(source, key)
    if value is None:
        raise UnexpectedAnswer(f"Spotify's answer holds a {what} without {part}.")
    return value
