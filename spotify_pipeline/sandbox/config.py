"""What can be set about a sandbox, and the constants of its default world."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from spotify_pipeline.errors import ExpectedError

MEBIBYTE = 1024**2
GIBIBYTE = 1024**3
HOUR = 3600
DAY = 24 * HOUR


class SandboxError(ExpectedError):
    """The sandbox cannot do what was asked; the message says why and what to do."""


class ListFormat(StrEnum):
    """How tolerant the sandbox reads a customer list.

    Spotify's own page on the format is not public to us and its partners contradict one another. ``STRICT`` reads
    only the best attested layout: a column per identifier type, under a header of Spotify's tokens. ``LENIENT``
    also reads ``type,value`` rows, a column of digests without a header, and NDJSON.
    """

    STRICT = "strict"
    LENIENT = "lenient"


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """The sandbox's switches. Times are seconds on the sandbox's clock unless said otherwise.

    Raises:
        SandboxError: a value makes no sense (a share outside 0 to 1, a time or a limit below 1, no window at all).
    """

    processing_seconds: int = 6 * HOUR
    """From a complete list (or a create call) to the audience being targetable. Spotify: up to three days."""
    learning_seconds: int = 24 * HOUR
    """How long an audience without a list stays LEARNING after PROCESSING."""
    upload_timeout_seconds: int = 72 * HOUR
    """An audience whose list never arrives becomes EMPTY after this."""
    minimum_rows: int = 1_000
    """A list with fewer usable rows makes no audience, and replaces none."""
    list_format: ListFormat = ListFormat.STRICT
    email_share: float = 0.45
    """Share of e-mail digests that belong to a listener."""
    phone_share: float = 0.45
    device_id_share: float = 0.45
    listener_seed: str = "spotify-pipeline sandbox"
    """Names the listener base: the same seed matches the same digests on every machine."""
    code_seconds: int = 600
    access_token_seconds: int = HOUR
    rotate_refresh_tokens: bool = True
    """Whether every refresh answers with a new refresh token and kills the old one."""
    reuse_revokes_grant: bool = False
    """Whether a rotated refresh token that is sent again ends the whole grant, beside being refused."""
    upload_url_seconds: int = HOUR
    session_seconds: int = 7 * DAY
    maximum_object_bytes: int = GIBIBYTE
    requests_per_window: int = 1_500
    window_seconds: float = 30
    """Length of the rate limit's window, in real seconds; a test may take a fraction of one."""
    event_requests_per_window: int = 1_500
    """The rate limit of the event host, for each CAPI token, in the same window."""
    events_per_request: int = 1_000
    event_request_bytes: int = MEBIBYTE
    """The largest body that the event host takes."""
    maximum_event_age_seconds: int | None = None
    """An event older than this refuses its request; None takes events of any age."""
    errors_name_events: bool = True
    """Whether a 400 of the event host says which events are at fault and why. Whether Spotify's does is unknown."""
    diagnostics_delay_seconds: int = 1_200
    """From an event's arrival to its showing in the Ads API. Spotify: at least 20 minutes."""
    keep_event_bodies: bool = False
    """Whether events are kept as they arrived, personal values included. For tests."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names, beside loopback ones, under which clients may call (a container's name, for instance)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: object = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if field.name.endswith("_share") and not 0 <= value <= 1:
                raise SandboxError(f"{field.name} is a share between 0 and 1, not {value}.")
            if field.name == "window_seconds" and value <= 0:
                raise SandboxError(f"{field.name} must be more than 0, not {value}.")
            if not field.name.endswith(("_share", "window_seconds")) and value < 1:
                raise SandboxError(f"{field.name} must be at least 1, not {value}.")


@dataclass(frozen=True, kw_only=True)
class SandboxDefaults:
    """The world every new sandbox starts with. None of it is secret: it opens nothing but a local sandbox."""

    client_id: str
    client_secret: str
    refresh_token: str
    user_id: str
    business_id: str
    ad_account_id: str
    viewer_ad_account_id: str
    dataset_id: str
    capi_connection_id: str
    capi_integration_id: str
    capi_token_id: str
    capi_token: str
    pixel_id: str
    pixel_integration_id: str
    pixel_dataset_id: str


DEFAULTS = SandboxDefaults(
    client_id="sandbox-client",
    client_secret="sandbox-client-secret",  # noqa: S106 - public on purpose
    refresh_token="sandbox-refresh-token",  # noqa: S106 - public on purpose
    user_id="sandbox-user",
    business_id="b0000000-0000-4000-8000-000000000001",
    ad_account_id="a0000000-0000-4000-8000-000000000001",
    viewer_ad_account_id="a0000000-0000-4000-8000-000000000002",
    dataset_id="d0000000-0000-4000-8000-000000000001",
    capi_connection_id="c0000000-0000-4000-8000-000000000001",
    capi_integration_id="e0000000-0000-4000-8000-000000000001",
    capi_token_id="f0000000-0000-4000-8000-000000000001",  # noqa: S106 - the id, not the token
    capi_token="sandbox-capi-token",  # noqa: S106 - public on purpose
    pixel_id="0123456789abcdef0123456789abcdef",
    pixel_integration_id="e0000000-0000-4000-8000-000000000002",
    pixel_dataset_id="d0000000-0000-4000-8000-000000000002",
)
"""The user administers ``ad_account_id`` and may only look at ``viewer_ad_account_id``.

The CAPI connection sends to ``dataset_id``, which is shared with ``ad_account_id``. The pixel has a data set of its own
that is shared with nobody.
"""

DEFAULT_PORT = 8710
