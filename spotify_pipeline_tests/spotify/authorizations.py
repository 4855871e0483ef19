"""A token store with something in it, and a token provider as another process would make it."""

from __future__ import annotations

import hashlib
from typing import Any

from spotify_pipeline.spotify import (
    Authorization,
    Secret,
    SpotifySettings,
    TokenStore,
)
from spotify_pipeline.spotify.http import ACCOUNTS, HttpClient
from spotify_pipeline.spotify.oauth import AccountsService
from spotify_pipeline.spotify.tokens import TokenProvider
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings

ISSUER = "https://accounts.spotify.com"
INVALID_GRANT = {"error": "invalid_grant", "error_description": "Refresh token revoked"}


def provider(store: TokenStore, spotify: Spotify, clock: Clock, chosen: SpotifySettings | None = None) -> TokenProvider:
    """As another process would make it: nothing in memory, the same store."""
    chosen = chosen or settings()
    accounts = AccountsService(chosen, HttpClient(ACCOUNTS, transport=spotify.transport()), clock=clock)
    return TokenProvider(chosen, store, accounts, clock=clock, sleep=clock.sleep, random=lambda: 0.5)


def stored(store: TokenStore) -> Authorization:
    found = store.find(ISSUER, "client-1")
    assert found is not None
    return found


def put(store: TokenStore, clock: Clock, **fields: Any) -> None:
    seed = hashlib.sha256(b"seed-7CANARYSEED").hexdigest()
    given = {"issuer": ISSUER, "client_id": "client-1", "refresh_token": Secret("stored"), "seed_sha256": seed}
    with store.exclusive() as tokens:
        tokens.save(Authorization(**{**given, **fields}))
