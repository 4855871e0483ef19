"""Spotify's objects as far as this project reads them.

Spotify counts new fields and new enum values as compatible changes, so kinds and statuses are plain texts here and
unknown fields are passed over. Only an object without an id is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from spotify_pipeline.spotify.errors import UnexpectedAnswer
from spotify_pipeline.spotify.event_names import signal_event_name
from spotify_pipeline.spotify.ids import identity
from spotify_pipeline.spotify.lenient_json import (
    JsonObject,
    as_object,
    moment,
    objects_in,
    text,
    texts,
    whole_number,
    word,
)
from spotify_pipeline.spotify.secret import Secret


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
            type=word(source, "type"),
            status=word(source, "status"),
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
            business_id=identity(source, "business_id"),
            status=word(source, "status"),
            status_reason=word(source, "status_reason"),
            role=word(source, "ad_account_role"),
            country_code=word(source, "country_code"),
            currency_code=word(source, "currency_code"),
            test_account_type=word(source, "test_account_type"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """``AudienceResponse``.

    Attributes:
        type: CUSTOM or LOOKALIKE so far.
        subtype: CUSTOMER_LIST, WEB_EVENT, AD_ENGAGEMENT or LIVERAMP so far; None for a lookalike.
        status: PROCESSING (the document's default), LEARNING, BOOKABLE, LIVE, EMPTY or ARCHIVED so far.
        seed_audience_id: of a lookalike, the audience that it is like.
        size_min, size_max: Spotify's approximate range of people, None when it states none.
        dataset_ids: of a web event audience, the data sets whose events count.
        included_events, excluded_events: of a web event audience, as audiences spell them (``ADDTOCART``).
        lookback_days: how long ago the events, or the ads heard or clicked, may be; None when Spotify states it not.
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
            type=word(source, "type") or "CUSTOM",
            subtype=word(source, "subtype"),
            status=word(source, "status") or "PROCESSING",
            seed_audience_id=identity(source, "seed_audience_id"),
            size_min=whole_number(size, "min"),
            size_max=whole_number(size, "max"),
            created_at=moment(source, "created_at"),
            updated_at=moment(source, "updated_at"),
            dataset_ids=tuple(one for each in objects_in(source, "datasets") if (one := identity(each, "id"))),
            included_events=_signals(source, "included_events"),
            excluded_events=_signals(source, "excluded_events"),
            lookback_days=whole_number(source, "lookback_days"),
            campaign_ids=texts(source, "campaign_ids"),
            ad_set_ids=texts(source, "ad_set_ids"),
            exposure_type=word(source, "exposure_type"),
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
class UploadTicket:
    """``CreateUploadUrlResponse``: leave to upload one customer list.

    Attributes:
        audience_id: the audience that the list will be, or is, the members of. For a new audience this is the id to
            create it with, and so the handle by which a repeated run finds it.
        url: the signed URL; whoever holds it may write.
    """

    audience_id: str
    url: Secret

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        url = text(source, "upload_url")
        if url is None:
            raise UnexpectedAnswer("Spotify's answer holds no upload_url.")
        return cls(audience_id=_id(source, "upload"), url=Secret(url))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """An upload session that has been opened, as a later run needs it to go on.

    Attributes:
        audience_id: of the ticket that opened it.
        uri: the session; whoever holds it may write.
        opened_at: seconds since the epoch.
        size, crc32c: of the customer list that the session is for.
    """

    audience_id: str
    uri: Secret
    opened_at: float
    size: int
    crc32c: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgress:
    """How far an upload is.

    Attributes:
        stored: bytes of the file that the storage has acknowledged, or that are on their way to it. May go back.
        size: bytes of the file.
        seconds: since this upload began, pauses included.
        rate: bytes per second over that time, those sent twice included.
        remaining: seconds at this rate; None while nothing was sent.
    """

    stored: int
    size: int
    seconds: float
    rate: float
    remaining: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProof:
    """What is known of a finished upload.

    Attributes:
        audience_id: of the ticket that the list was uploaded with in the end. An upload that had to begin again for a
            new audience has got a new one.
        bytes: of the object, and equal to the size that the storage states where it states one.
        crc32c: of what was sent, base64 big-endian; equal to that of the file when it was built.
        md5: base64; None when the storage stated no MD5, or it could not be compared.
        verified: the storage stated a CRC32C or an MD5, and it is ours. False: it stated the right length only.
        etag: of the stored object.
        bytes_sent: bytes of the file that were put on the wire, those sent twice included.
    """

    audience_id: str
    bytes: int
    crc32c: str
    md5: str | None
    verified: bool
    etag: str | None
    bytes_sent: int


def _signals(source: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(signal_event_name(name) for name in texts(source, key))


def _id(source: JsonObject, what: str) -> str:
    found = identity(source, "id")
    if found is None:
        raise UnexpectedAnswer(f"Spotify's answer holds a {what} without an id.")
    return found
