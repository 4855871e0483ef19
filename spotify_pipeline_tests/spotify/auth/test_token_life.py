from __future__ import annotations

from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    TokenStore,
)
from spotify_pipeline_tests.spotify.authorizations import provider, put, stored
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, token_answer


@pytest.mark.parametrize("life", [None, 0, -5, "", "soon", True, [], "NaN", "Infinity", "1e400", -0.0])
def test_o11_nonsense_life_is_taken_for_the_documented_hour(
    store: TokenStore, spotify: Spotify, clock: Clock, life: Any
):
    spotify.tokens = [token_answer(expires_in=life)]
    tokens = provider(store, spotify, clock)
    for _ in range(5):
        tokens.access_token()
    assert len(spotify.token_calls) == 1
    assert stored(store).renew_at == clock.now + 3300


def test_o11_missing_life_text_life_and_endless_life(store: TokenStore, spotify: Spotify, clock: Clock):
    for answer, expected in [
        (httpx.Response(200, json={"access_token": "a"}), 3300),
        (token_answer(expires_in="1800"), 1500),
        (token_answer(expires_in=10**12), 24 * 3600 - 300),
    ]:
        put(store, clock)
        spotify.tokens = [answer]
        provider(store, spotify, clock).access_token()
        assert stored(store).renew_at == clock.now + expected


def test_o11_short_life_makes_no_hot_loop(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.tokens = [token_answer(expires_in=60) for _ in range(2)]
    tokens = provider(store, spotify, clock)
    for _ in range(29):
        tokens.access_token()
        clock.now += 1
    assert len(spotify.token_calls) == 1
    clock.now += 2
    tokens.access_token()
    assert len(spotify.token_calls) == 2


@pytest.mark.parametrize("step", [-86_400, -600, 600, 86_400])
def test_o11_clock_that_is_set_costs_one_renewal_at_most(
    store: TokenStore, spotify: Spotify, clock: Clock, step: float
):
    tokens = provider(store, spotify, clock)
    first = tokens.access_token()
    clock.now += step
    spotify.tokens = [token_answer("second", refresh_token="rotated")]
    for _ in range(5):
        tokens.access_token()
    if step < 0:  # it looks good for longer than it is, until the API refuses it
        assert len(spotify.token_calls) == 1
        assert tokens.replace_rejected(first).reveal() == "second"
    for _ in range(5):
        assert provider(store, spotify, clock).access_token() == tokens.access_token()
    assert len(spotify.token_calls) == (2 if step < 0 or step > 3300 else 1)


def test_o11_answer_is_dated_by_our_clock_whatever_the_services_says(store: TokenStore, spotify: Spotify, clock: Clock):
    answer = token_answer()
    answer.headers["Date"] = "Thu, 01 Jan 1970 00:00:00 GMT"
    spotify.tokens = [answer]
    provider(store, spotify, clock).access_token()
    assert stored(store).renew_at == clock.now + 3300
