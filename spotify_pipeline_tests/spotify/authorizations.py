"""A token store with something in it, and a token provider as another process would make it."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx

from spotify_pipeline.spotify import (
    Authorization,
    Secret,
    SpotifySettings,
    TokenStore,
)
from spotify_pipeline.spotify.auth.oauth import AccountsService
from spotify_pipeline.spotify.auth.token_provider import TokenProvider
from spotify_pipeline.spotify.transport import ACCOUNTS, HttpClient
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings

ISSUER = "https://accounts.spotify.com"
GIVEN = Authorization(
    issuer=ISSUER,
    client_id="client-1",
    refresh_token=Secret("refresh-7CANARYREFRESH"),
    previous_refresh_token=Secret("older"),
    authorized_at=1_800_000_000.5,
    access_token=Secret("access-7CANARYACCESS"),
    renew_at=1_800_003_300.0,
    scopes=frozenset({"a-scope"}),
    bootstrap_sha256="ab" * 32,
)
INVALID_GRANT = {"error": "invalid_grant", "error_description": "Refresh token revoked"}


def provider(store: TokenStore, spotify: Spotify, clock: Clock, chosen: SpotifySettings | None = None) -> TokenProvider:
    """As another process would make it: nothing in memory, the same store."""
    return from_transport(store, spotify.transport(), clock, chosen)


def from_transport(
    store: TokenStore,
    transport: httpx.BaseTransport,
    clock: Clock,
    chosen: SpotifySettings | None = None,
    **changes: Any,
) -> TokenProvider:
    chosen = chosen or settings()
    accounts = AccountsService(chosen, HttpClient(ACCOUNTS, transport=transport), clock=clock, **changes)
    return TokenProvider(chosen, store, accounts, clock=clock, sleep=clock.sleep, timer=clock, random=lambda: 0.5)


def save(store: TokenStore, authorization: Authorization = GIVEN) -> None:
    with store.exclusive() as tokens:
        tokens.save(authorization)


def names_beside(store: TokenStore) -> list[str]:
    return sorted(each.name for each in store.path.parent.iterdir())


def stored(store: TokenStore) -> Authorization:
    found = store.find(ISSUER, "client-1")
    assert found is not None
    return found


def put(store: TokenStore, clock: Clock, **fields: Any) -> None:
    seed = hashlib.sha256(b"seed-7CANARYSEED").hexdigest()
    given = {"issuer": ISSUER, "client_id": "client-1", "refresh_token": Secret("stored"), "bootstrap_sha256": seed}
    with store.exclusive() as tokens:
        tokens.save(Authorization(**{**given, **fields}))
