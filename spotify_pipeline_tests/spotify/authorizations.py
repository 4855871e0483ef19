"""A token store with something in it, and a token provider as another process would make it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from spotify_pipeline.spotify import (
    Authorization,
    Secret,
    SpotifySettings,
    TokenStore,
)
from spotify_pipeline.spotify.auth.authorization import AUTHORIZATION
from spotify_pipeline.spotify.auth.oauth import AccountsService
from spotify_pipeline.spotify.auth.token_provider import TokenProvider
from spotify_pipeline.spotify.transport import ACCOUNTS, HttpClient
from spotify_pipeline.state import place_of, tables
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, full_disk, settings

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


def stored(store: TokenStore) -> Authorization:
    found = store.find(ISSUER, "client-1")
    assert found is not None
    return found


def put(store: TokenStore, clock: Clock, **fields: Any) -> None:
    seed = hashlib.sha256(b"seed-7CANARYSEED").hexdigest()
    given = {"issuer": ISSUER, "client_id": "client-1", "refresh_token": Secret("stored"), "bootstrap_sha256": seed}
    with store.exclusive() as tokens:
        tokens.save(Authorization(**{**given, **fields}))


def change_behind(store: TokenStore, **changes: Any) -> None:
    """Change what is stored as nobody does who takes turns: without the lock, under no fence."""
    changed = replace(stored(store), **changes)
    content = store.state.seal(AUTHORIZATION.text(changed).encode(), place_of(tables.sign_in.c.content, *changed.key))
    with store.state.begin() as transaction:
        transaction.execute(tables.sign_in.update().values(content=content))


@contextmanager
def unwritable(store: TokenStore) -> Generator[None]:
    """Meanwhile what is stored can be read, and nothing be written: a full disk, and what is like it on a server."""
    if not store.state.place.is_shared:
        with full_disk():
            yield
        return
    _on_server(store, "ADD CONSTRAINT nothing_more CHECK (false) NOT VALID")
    try:
        yield
    finally:
        _on_server(store, "DROP CONSTRAINT nothing_more")


def _on_server(store: TokenStore, change: str) -> None:
    with store.state.begin() as transaction:
        for table in (tables.lease, tables.sign_in):
            transaction.exec_driver_sql(f"ALTER TABLE {table.name} {change}")
