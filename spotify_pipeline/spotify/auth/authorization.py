"""One user's consent as it is stored: the tokens, whose they are, how old they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import ConfigDict, PlainSerializer, PlainValidator

from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import DEFAULT_LABEL
from spotify_pipeline.state import Document


def _secret(value: Any) -> Secret:  # noqa: ANN401 - whatever the JSON holds
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - which pydantic collects
    return Secret(value)


_Sealed = Annotated[Secret, PlainValidator(_secret), PlainSerializer(Secret.reveal)]
"""A secret in the clear: what it is in must be encrypted."""


class AuthorizationKey(NamedTuple):
    """Identifies an authorization: the accounts service, the client id, and the user's own label."""

    issuer: str
    client_id: str
    label: str = DEFAULT_LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One user's consent, as tokens. All times are seconds since the epoch by this machine's clock.

    Attributes:
        issuer: address of the accounts service that issued the tokens.
        label: the user's name for it, ``[a-z0-9][a-z0-9_-]{0,39}``.
        business_id: the only business that it may be used for; None for any.
        refresh_token: the newest; previous_refresh_token: the one before, tried once when the newest is rejected.
        authorized_at: when the user signed in; None where unknown (a bootstrap token). Six months later Spotify ends
            it.
        bootstrapped_at: when a bootstrap token was first seen here, so that its latest possible end is known.
        access_token: the newest, shared by all processes; renew_at: when to request the next.
        scopes: granted, as the newest response stated them; None where none has.
        needs_sign_in: Spotify has rejected the refresh token; only a sign-in or a new bootstrap token helps.
        refresh_started_at: when a renewal began whose outcome is unknown: it is running, or was interrupted.
        bootstrap_sha256: of the last ``SPOTIFY_REFRESH_TOKEN`` taken over, so that it is not taken over twice.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    issuer: str
    client_id: str
    label: str = DEFAULT_LABEL
    business_id: str | None = None
    refresh_token: _Sealed
    previous_refresh_token: _Sealed | None = None
    authorized_at: float | None = None
    bootstrapped_at: float | None = None
    access_token: _Sealed | None = None
    renew_at: float = 0.0
    scopes: frozenset[str] | None = None
    needs_sign_in: bool = False
    refresh_started_at: float | None = None
    bootstrap_sha256: str | None = None

    @property
    def key(self) -> AuthorizationKey:
        return AuthorizationKey(self.issuer, self.client_id, self.label)


AUTHORIZATION = Document(Authorization, version=1, called="a sign-in")
"""How one is stored, with its tokens in the clear: encrypted."""


def login_command(label: str) -> str:
    """What to type to sign in as ``label``."""
    return "spotify-pipeline login" if label == DEFAULT_LABEL else f"spotify-pipeline login --label {label}"
