"""One user's consent as it is stored: the tokens, whose they are, how old they are; and the file's format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, as_object, parse_object, text
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import DEFAULT_LABEL, LABEL

FORMAT_VERSION: Final = 2
_LAST_TIME = 4e9  # in the year 2096; what is later, negative or not a number is not a valid time


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

    issuer: str
    client_id: str
    label: str = DEFAULT_LABEL
    business_id: str | None = None
    refresh_token: Secret
    previous_refresh_token: Secret | None = None
    authorized_at: float | None = None
    bootstrapped_at: float | None = None
    access_token: Secret | None = None
    renew_at: float = 0.0
    scopes: frozenset[str] | None = None
    needs_sign_in: bool = False
    refresh_started_at: float | None = None
    bootstrap_sha256: str | None = None

    @property
    def key(self) -> AuthorizationKey:
        return AuthorizationKey(self.issuer, self.client_id, self.label)


@dataclass(frozen=True, slots=True)
class StoreContents:
    """Everything that a token store holds.

    ``signed_out`` has, for keys without an authorization, the digest of the bootstrap token that a sign-out has used
    up: a ``SPOTIFY_REFRESH_TOKEN`` left in the environment must not sign in again after its user has signed out.
    """

    authorizations: Mapping[AuthorizationKey, Authorization] = field(
        default_factory=dict[AuthorizationKey, Authorization]
    )
    signed_out: Mapping[AuthorizationKey, str] = field(default_factory=dict[AuthorizationKey, str])

    def bootstrap_token_is_used(self, key: AuthorizationKey, fingerprint: str) -> bool:
        """Whether a bootstrap token was taken over, or signed out, under any label of the client id."""
        taken = [(each.key, each.bootstrap_sha256) for each in self.authorizations.values()]
        return any(
            (known.issuer, known.client_id, digest) == (key.issuer, key.client_id, fingerprint)
            for known, digest in [*taken, *self.signed_out.items()]
        )

    def to_bytes(self) -> bytes:
        content = {
            "version": FORMAT_VERSION,
            "authorizations": [_to_json(each) for each in self.authorizations.values()],
            "signed_out": [{**key._asdict(), "seed_sha256": digest} for key, digest in self.signed_out.items()],
        }
        return json.dumps(content, indent=2).encode()


class AnotherVersion(ValueError):
    """The file is whole, but of another format version."""


def parse_store(content: bytes) -> StoreContents | None:
    """What a token store's file holds; None when it is damaged.

    Raises:
        AnotherVersion: it has another format version.
    """
    parsed = parse_object(content) or {}
    version = parsed.get("version")
    if isinstance(version, int) and version != FORMAT_VERSION:
        raise AnotherVersion
    entries = as_list(parsed.get("authorizations"))
    known = [_from_json(as_object(entry) or {}) for entry in entries or []]
    if entries is None or version is None:
        return None
    authorizations = {each.key: each for each in known if each is not None}
    if len(authorizations) != len(entries):
        return None
    return StoreContents(authorizations, _signed_out(parsed))


def login_command(label: str) -> str:
    """What to type to sign in as ``label``."""
    return "spotify-pipeline login" if label == DEFAULT_LABEL else f"spotify-pipeline login --label {label}"


def _to_json(authorization: Authorization) -> dict[str, object]:
    def revealed(secret: Secret | None) -> str | None:
        return None if secret is None else secret.reveal()

    return {
        **authorization.key._asdict(),
        "business_id": authorization.business_id,
        "refresh_token": authorization.refresh_token.reveal(),
        "previous_refresh_token": revealed(authorization.previous_refresh_token),
        "authorized_at": authorization.authorized_at,
        "seeded_at": authorization.bootstrapped_at,
        "access_token": revealed(authorization.access_token),
        "renew_at": authorization.renew_at,
        "scopes": None if authorization.scopes is None else sorted(authorization.scopes),
        "needs_sign_in": authorization.needs_sign_in,
        "refresh_started_at": authorization.refresh_started_at,
        "seed_sha256": authorization.bootstrap_sha256,
    }


def _from_json(entry: JsonObject) -> Authorization | None:
    key = _key(entry)
    refresh_token = text(entry, "refresh_token")
    business_id = entry.get("business_id")
    if key is None or refresh_token is None or not (business_id is None or isinstance(business_id, str)):
        return None  # a restriction that cannot be read must not become none
    return Authorization(
        **key._asdict(),
        business_id=business_id,
        refresh_token=Secret(refresh_token),
        previous_refresh_token=_secret(entry, "previous_refresh_token"),
        authorized_at=_seconds(entry, "authorized_at"),
        bootstrapped_at=_seconds(entry, "seeded_at"),
        access_token=_secret(entry, "access_token"),
        renew_at=_seconds(entry, "renew_at") or 0.0,
        scopes=_scopes(entry),
        needs_sign_in=entry.get("needs_sign_in") is True,
        refresh_started_at=_seconds(entry, "refresh_started_at"),
        bootstrap_sha256=text(entry, "seed_sha256"),
    )


def _key(entry: JsonObject) -> AuthorizationKey | None:
    issuer, client_id, label = (text(entry, name) for name in ("issuer", "client_id", "label"))
    if issuer is None or client_id is None or label is None or not LABEL.fullmatch(label):
        return None
    return AuthorizationKey(issuer, client_id, label)


def _signed_out(parsed: JsonObject) -> dict[AuthorizationKey, str]:
    entries = [as_object(entry) or {} for entry in as_list(parsed.get("signed_out")) or []]
    found = [(_key(entry), text(entry, "seed_sha256")) for entry in entries]
    return {key: digest for key, digest in found if key is not None and digest is not None}


def _secret(entry: JsonObject, name: str) -> Secret | None:
    value = text(entry, name)
    return None if value is None else Secret(value)


def _seconds(entry: JsonObject, name: str) -> float | None:
    value = entry.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= _LAST_TIME:
        return None
    return float(value)


def _scopes(entry: JsonObject) -> frozenset[str] | None:
    values = as_list(entry.get("scopes"))
    return None if values is None else frozenset(value for value in values if isinstance(value, str))
