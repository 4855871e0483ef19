"""Spotify's objects as far as this project reads them: ad accounts, audiences, data sets, connections, tokens.

Spotify counts new fields and new enum values as compatible changes, so kinds and statuses are plain texts here and
unknown fields are ignored. Only a missing id is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from spotify_pipeline.spotify.errors import UnexpectedResponse
from spotify_pipeline.spotify.event_names import capi_event_name, signal_event_name
from spotify_pipeline.spotify.lenient_json import (
    JsonObject,
    as_object,
    id_in,
    objects_in,
    one_line,
    text,
    texts,
    timestamp,
    whole_number,
)
from spotify_pipeline.spotify.secret import Secret

_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138; as milliseconds, 1973


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """``BusinessResponse`` of the OpenAPI document."""

    id: str
    name: str
    type: str | None = None
    status: str | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(
            id=_id(source, "business"),
            name=text(source, "name") or "",
            type=one_line(source, "type"),
            status=one_line(source, "status"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccount:
    """``AdAccountResponse``. ``role`` is the signed-in user's: AD_ACCOUNT_ADMIN, _CONTRIBUTOR or _VIEWER."""

    id: str
    name: str
    business_id: str | None = None
    status: str | None = None
    status_reason: str | None = None
    role: str | None = None
    country_code: str | None = None
    currency_code: str | None = None
    test_account_type: str | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(
            id=_id(source, "ad account"),
            name=text(source, "name") or "",
            business_id=id_in(source, "business_id"),
            status=one_line(source, "status"),
            status_reason=one_line(source, "status_reason"),
            role=one_line(source, "ad_account_role"),
            country_code=one_line(source, "country_code"),
            currency_code=one_line(source, "currency_code"),
            test_account_type=one_line(source, "test_account_type"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """``AudienceResponse``.

    Attributes:
        type: CUSTOM or LOOKALIKE so far.
        subtype: CUSTOMER_LIST, WEB_EVENT, AD_ENGAGEMENT or LIVERAMP so far; None for a lookalike.
        status: PROCESSING (the document's default), LEARNING, BOOKABLE, LIVE, EMPTY or ARCHIVED so far.
        seed_audience_id: of a lookalike, the audience that it resembles.
        size_min, size_max: Spotify's approximate range of people, None when it states none.
        dataset_ids: of a web event audience, the data sets whose events count.
        included_events, excluded_events: of a web event audience, as audiences spell them (``ADDTOCART``).
        lookback_days: how long ago the events or ad contacts may be; None when Spotify does not state it.
        campaign_ids, ad_set_ids: of an ad engagement audience, whose ads count.
        exposure_type: of an ad engagement audience, IMPRESSIONS or CLICKS so far.
    """

    id: str
    name: str
    description: str | None = None
    type: str = "CUSTOM"
    subtype: str | None = None
    status: str = "PROCESSING"
    seed_audience_id: str | None = None
    size_min: int | None = None
    size_max: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    dataset_ids: tuple[str, ...] = ()
    included_events: tuple[str, ...] = ()
    excluded_events: tuple[str, ...] = ()
    lookback_days: int | None = None
    campaign_ids: tuple[str, ...] = ()
    ad_set_ids: tuple[str, ...] = ()
    exposure_type: str | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        size = as_object(source.get("size")) or {}
        return cls(
            id=_id(source, "audience"),
            name=text(source, "name") or "",
            description=text(source, "description"),
            type=one_line(source, "type") or "CUSTOM",
            subtype=one_line(source, "subtype"),
            status=one_line(source, "status") or "PROCESSING",
            seed_audience_id=id_in(source, "seed_audience_id"),
            size_min=whole_number(size, "min"),
            size_max=whole_number(size, "max"),
            created_at=timestamp(source, "created_at"),
            updated_at=timestamp(source, "updated_at"),
            dataset_ids=tuple(one for each in objects_in(source, "datasets") if (one := id_in(each, "id"))),
            included_events=_signals(source, "included_events"),
            excluded_events=_signals(source, "excluded_events"),
            lookback_days=whole_number(source, "lookback_days"),
            campaign_ids=texts(source, "campaign_ids"),
            ad_set_ids=texts(source, "ad_set_ids"),
            exposure_type=one_line(source, "exposure_type"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceDataset:
    """``DatasetEvents``: a data set that a web event audience of the ad account may be made of.

    Attributes:
        events: that it has received, as audiences spell them (``ADDTOCART``).
    """

    id: str
    name: str
    events: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(
            id=_id(source, "data set"),
            name=text(source, "name") or "",
            events=_signals(source, "events"),
        )


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
            id=_id(source, "connection", "capi_connection_id"),
            name=text(source, "name") or "",
            integration_id=id_in(source, "integration_id"),
            dataset_id=id_in(source, "dataset_id"),
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
        """Whether an existing pixel was joined to it and does not name it: the pixel's events are then lost."""
        return self.has_pixel and self.pixel_dataset_id != self.id

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        connection = as_object(source.get("capi_integration")) or {}
        pixel = as_object(source.get("pixel")) or {}
        shared = (id_in(each, "id") for each in objects_in(source, "shared_ad_accounts"))
        return cls(
            id=_id(source, "data set"),
            name=text(source, "name") or "",
            capi_connection=CapiConnection.from_json(connection) if text(connection, "capi_connection_id") else None,
            has_pixel=bool(pixel),
            pixel_dataset_id=id_in(pixel, "dataset_id"),
            is_archived=source.get("is_archived") is True,
            is_receiving_events=source.get("is_receiving_events") is True,
            shared_ad_account_ids=tuple(each for each in shared if each),
            ad_set_count=whole_number(source, "ad_set_count") or 0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CapiToken:
    """A token of a connection, without its secret, which Spotify lists too and which is not kept."""

    id: str
    created_at: datetime | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        return cls(id=_id(source, "token", "capi_auth_token_id"), created_at=timestamp(source, "created_at"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCapiToken:
    """A new token. It never expires; only deleting it ends it."""

    id: str
    token: Secret
    created_at: datetime | None = None

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        token = text(source, "capi_auth_token")
        if token is None:
            raise UnexpectedResponse("Spotify's response holds a token without its secret.")
        return cls(
            id=_id(source, "token", "capi_auth_token_id"),
            token=Secret(token),
            created_at=timestamp(source, "created_at"),
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


def received_events(response: JsonObject) -> Iterator[ReceivedEvents]:
    """What a ``DiagnosticsResponse`` counts, in its order.

    Raises:
        UnexpectedResponse: a count has no time, no name or no number: it which must not look like nothing received.
    """
    for source in objects_in(response, "datasources"):
        for period in objects_in(source, "timeseries"):
            for counted in objects_in(period, "event_counts"):
                name, events = one_line(counted, "name"), _number(counted, "event_count")
                stamp = _number(period, "timestamp")
                if name is None or events is None or stamp is None:
                    raise UnexpectedResponse("Spotify's diagnostics hold a count without a time, a name or a number.")
                yield ReceivedEvents(
                    datasource_type=one_line(source, "datasource_type") or "",
                    datasource_id=one_line(source, "datasource_id"),
                    hour=_time(stamp),
                    event_name=capi_event_name(name),
                    events=events,
                    granularity=one_line(source, "granularity") or "HOURLY",
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
        raise UnexpectedResponse("Spotify's diagnostics hold an invalid time.") from None


def _signals(source: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(signal_event_name(name) for name in texts(source, key))


def _id(source: JsonObject, what: str, key: str = "id") -> str:
    found = id_in(source, key)
    if found is None:
        raise UnexpectedResponse(f"Spotify's response holds a {what} without an id.")
    return found
