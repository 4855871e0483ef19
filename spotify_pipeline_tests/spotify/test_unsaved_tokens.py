"""A renewed authorization that cannot be stored."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs

import httpx
import pytest

from spotify_pipeline.spotify import (
    Secret,
    SignInRequired,
    TokenStore,
)
from spotify_pipeline.spotify.http import ACCOUNTS, HttpClient
from spotify_pipeline.spotify.oauth import AccountsService
from spotify_pipeline.spotify.tokens import TokenProvider
from spotify_pipeline_tests.spotify.authorizations import INVALID_GRANT, provider, put, stored
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, full_disk, settings, token_answer


def test_o10_full_disk_keeps_the_new_token_in_memory_and_says_so(
    store: TokenStore, spotify: Spotify, clock: Clock, caplog: pytest.LogCaptureFixture
):
    put(store, clock)
    before = store.path.read_bytes()
    spotify.tokens = [token_answer("a1", refresh_token="rotated"), token_answer("a2", refresh_token="rotated-again")]
    tokens = provider(store, spotify, clock)
    with caplog.at_level(logging.WARNING), full_disk():
        assert tokens.access_token().reveal() == "a1"
    assert store.path.read_bytes() == before
    assert "could not be stored" in caplog.text
    assert "rotated" not in caplog.text
    clock.now += 3600
    assert tokens.access_token().reveal() == "a2"  # the token in memory went on, not the dead one on disk
    assert spotify.token_calls[1]["refresh_token"] == ["rotated"]
    assert stored(store).refresh_token == Secret("rotated-again")


@pytest.mark.parametrize("fault", ["damaged", "open to others"])
def test_o10_store_spoilt_during_the_call_keeps_the_new_token_in_memory_and_says_so(
    store: TokenStore, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str
):
    put(store, clock)
    asked: list[str] = []

    def spoil_and_answer(request: httpx.Request) -> httpx.Response:
        asked.append(parse_qs(request.content.decode())["refresh_token"][0])
        if len(asked) == 1 and fault == "damaged":
            store.path.write_text("{")
        elif len(asked) == 1:
            store.path.chmod(0o644)
        return token_answer(f"a{len(asked)}", refresh_token=f"rotated-{len(asked)}")

    transport = httpx.MockTransport(spoil_and_answer)
    accounts = AccountsService(settings(), HttpClient(ACCOUNTS, transport=transport), clock=clock)
    tokens = TokenProvider(settings(), store, accounts, clock=clock, sleep=clock.sleep, random=lambda: 0.5)
    assert tokens.access_token().reveal() == "a1"
    assert "could not be stored" in caplog.text
    assert "rotated" not in caplog.text
    clock.now += 3600
    assert tokens.access_token().reveal() == "a2"
    assert asked == ["stored", "rotated-1"]  # never the dead one again


def test_o10_refusal_that_could_not_be_stored_does_not_hide_a_later_sign_in(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock)
    spotify.tokens = [httpx.Response(400, json=INVALID_GRANT)]
    tokens = provider(store, spotify, clock, settings(refresh_token=None))
    for _ in range(2):
        with pytest.raises(SignInRequired), full_disk():
            tokens.access_token()
    assert len(spotify.token_calls) == 1  # the refusal is remembered all the same
    put(store, clock, refresh_token=Secret("new"), access_token=Secret("after-login"), renew_at=clock.now + 60)
    assert tokens.access_token().reveal() == "after-login"
