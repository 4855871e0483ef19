"""What the sandbox remembers, one frozen record per thing.

Secrets that others hold (codes, tokens, session URIs) are kept as SHA-256 digests: the record's ``id`` is
:func:`secret_digest` of the secret.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spotify_pipeline.sandbox.config import DEFAULTS, ListFormat


def secret_digest(secret: str) -> str:
    """The id under which a secret is remembered."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A single remembered value, such as the clock's offset."""

    id: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Business:
    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class AdAccount:
    """An ad account and the role of the sandbox's one user in it."""

    id: str
    business_id: str
    name: str
    role: str
    country_code: str
    currency_code: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set of a business: what its pixel and its CAPI connection send comes together there."""

    id: str
    name: str
    business_id: str = DEFAULTS.business_id
    events: tuple[str, ...] = ()
    """Events that it is said to hold from the start, as audiences spell them; those that arrive come on top."""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A user's consent for a client; every token belongs to one."""

    id: str
    client_id: str
    user_id: str
    authorized_at: datetime
    public_client: bool
    """Given with PKCE: refreshing needs the client's id only, not its secret."""
    revoked: bool = False


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    id: str
    client_id: str
    redirect_uri: str
    code_challenge: str | None
    expires_at: datetime
    used: bool = False


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    id: str
    grant_id: str
    replaced: bool = False


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    id: str
    grant_id: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A signed URL that was handed out. Its id is the object's name in the store."""

    id: str
    ad_account_id: str
    audience_id: str
    replacement: bool


class SessionState(StrEnum):
    OPEN = "open"
    CANCELLED = "cancelled"
    COMPLETE = "complete"


@dataclass(frozen=True, kw_only=True)
class UploadSession:
    """A resumable upload under way. Its bytes are a file of their own."""

    id: str
    upload_id: str
    """The :class:`Upload` it belongs to (not Google's ``upload_id``, which is this record's secret)."""
    created_at: datetime
    state: SessionState = SessionState.OPEN
    received_list_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One kind of fault in a list, how often, and where first. Never a cell's content."""

    kind: str
    count: int
    first_line: int | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the sandbox made of a list. ``refusal`` is None for a list that is used."""

    list_format: str
    layout: str
    rows: int
    usable_rows: int
    matched_rows: int
    digests: dict[str, int]
    problems: tuple[Problem, ...]
    refusal: str | None


@dataclass(frozen=True, kw_only=True)
class ReceivedList:
    """A customer list that arrived completely."""

    id: str
    upload_id: str
    audience_id: str
    replacement: bool
    completed_at: datetime
    size: int
    crc32c: str
    md5: str
    sha256: str
    list_format: ListFormat = ListFormat.STRICT
    """The one in force when the list arrived; it is read by this one, whenever that happens."""
    judgement: Judgement | None = None


@dataclass(frozen=True, kw_only=True)
class Audience:
    id: str
    ad_account_id: str
    type: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    subtype: str | None = None
    forced_status: str | None = None
    """Set by a test; None lets the clock decide."""
    seed_audience_id: str | None = None
    dataset_ids: tuple[str, ...] = ()
    included_events: tuple[str, ...] = ()
    excluded_events: tuple[str, ...] = ()
    lookback_days: int | None = None
    campaign_ids: tuple[str, ...] = ()
    ad_set_ids: tuple[str, ...] = ()
    exposure_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Share:
    """An ad account may use a data set."""

    id: str
    dataset_id: str
    ad_account_id: str

    @staticmethod
    def name_of(dataset_id: str, ad_account_id: str) -> str:
        """The id of the share of these two."""
        return f"{dataset_id} {ad_account_id}"

    @classmethod
    def of(cls, dataset_id: str, ad_account_id: str) -> Share:
        """The share of these two."""
        return cls(id=cls.name_of(dataset_id, ad_account_id), dataset_id=dataset_id, ad_account_id=ad_account_id)


@dataclass(frozen=True, kw_only=True)
class CapiConnection:
    """A Conversions API integration. Its events go to the data set it belongs to."""

    id: str
    integration_id: str
    business_id: str
    dataset_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Pixel:
    """A pixel. It never sends anything here, and is there for what joining a data set with it does."""

    id: str
    integration_id: str
    business_id: str
    dataset_id: str
    name: str
    domain: str
    created_at: datetime
    joined_late: bool = False
    """It shows no data set, and what is sent to its data set is accepted and goes nowhere."""


@dataclass(frozen=True, kw_only=True)
class CapiToken:
    """A token of a connection. Its id is the digest of the secret, which the Ads API shows in its lists."""

    id: str
    token_id: str
    connection_id: str
    secret: str
    created_at: datetime
    deleted: bool = False
