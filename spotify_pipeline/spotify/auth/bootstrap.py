"""The bootstrap token: ``SPOTIFY_REFRESH_TOKEN``, taken over into the token store once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Protocol

from spotify_pipeline.spotify.auth.authorization import Authorization, AuthorizationKey
from spotify_pipeline.spotify.settings import SpotifySettings


def key_of(settings: SpotifySettings) -> AuthorizationKey:
    """Which authorization ``settings`` use."""
    return AuthorizationKey(settings.accounts_url, settings.client_id, settings.authorization)


def bootstrap_sha256(settings: SpotifySettings) -> str | None:
    """SHA-256 of the bootstrap token, by which it is recognised; None without one."""
    bootstrap_token = settings.refresh_token
    return None if bootstrap_token is None else hashlib.sha256(bootstrap_token.reveal().encode()).hexdigest()


class KnowsUsedTokens(Protocol):
    """The token store, locked or not."""

    def bootstrap_token_is_used(self, key: AuthorizationKey, fingerprint: str) -> bool: ...


def bootstrap_token_is_new(settings: SpotifySettings, store: KnowsUsedTokens) -> bool:
    """Whether a bootstrap token is set that no authorization of this client id, whatever its label, has used.

    A token that rotates may be used in one place only: under two labels each renewal would end the other's.
    """
    fingerprint = bootstrap_sha256(settings)
    return fingerprint is not None and not store.bootstrap_token_is_used(key_of(settings), fingerprint)


def from_bootstrap_token(settings: SpotifySettings, stored: Authorization | None, *, seen_at: float) -> Authorization:
    """The bootstrap token of ``settings`` as an authorization that replaces ``stored``."""
    assert settings.refresh_token is not None  # noqa: S101  (the caller has looked)
    fresh = Authorization(
        **key_of(settings)._asdict(),
        refresh_token=settings.refresh_token,
        bootstrapped_at=seen_at,
        bootstrap_sha256=bootstrap_sha256(settings),
    )
    if stored is None:
        return fresh
    return replace(fresh, business_id=stored.business_id, previous_refresh_token=stored.refresh_token)
