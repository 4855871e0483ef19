"""The mark that a renewal has begun, and how long one may take: O03."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import httpx
import pytest

from spotify_pipeline.retries import TOKEN_RENEWAL
from spotify_pipeline.spotify import Secret, SettingsInvalid, SignInKind, SignInRequired, SpotifyError, TokenStore
from spotify_pipeline.spotify.auth.expiry import sign_in_state
from spotify_pipeline.spotify.auth.token_provider import LONGEST_RENEWAL
from spotify_pipeline_tests.spotify.authorizations import (
    INVALID_GRANT,
    change_behind,
    from_transport,
    provider,
    put,
    stored,
)
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings, token_answer

UNSEEDED = settings(refresh_token=None)


def refused() -> httpx.Response:
    return httpx.Response(400, json=INVALID_GRANT)


def sent(spotify: Spotify) -> list[str]:
    return [call["refresh_token"][0] for call in spotify.token_calls]


def test_o03_mark_is_stored_before_the_call_and_gone_with_the_answer(store: TokenStore, clock: Clock):
    put(store, clock)
    seen: list[object] = []

    def look(request: httpx.Request) -> httpx.Response:
        del request
        seen.append((stored(store).refresh_started_at, stored(store).refresh_token))
        return token_answer(refresh_token="rotated")

    from_transport(store, httpx.MockTransport(look), clock).access_token()
    assert seen == [(clock.now, Secret("stored"))]
    assert stored(store).refresh_started_at is None


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), httpx.ConnectError(""), httpx.Response(429)], ids=["503", "no connection", "429"]
)
def test_o03_call_that_surely_changed_nothing_leaves_no_mark(
    store: TokenStore, spotify: Spotify, clock: Clock, answer: httpx.Response | Exception
):
    put(store, clock)
    before = stored(store)
    spotify.tokens = [answer] * 3
    with pytest.raises(SpotifyError):
        provider(store, spotify, clock).access_token()
    assert stored(store) == before


def test_o03_refused_client_id_leaves_no_mark(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    spotify.tokens = [httpx.Response(400, json={"error": "invalid_client"})]
    with pytest.raises(SettingsInvalid):
        provider(store, spotify, clock).access_token()
    assert stored(store).refresh_started_at is None


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadTimeout(""),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b" " * 5_300_000),
        httpx.Response(204),
        httpx.Response(502),
        httpx.Response(504),
        token_answer(refresh_token="x" * 9000),
        token_answer(refresh_token=["new"]),
    ],
    ids=["timeout", "HTML", "too large", "nothing", "502", "504", "unusable text", "no text"],
)
def test_o03_lost_answer_leaves_the_mark_and_the_next_start_tries_stored_then_previous_once_each(
    store: TokenStore,
    spotify: Spotify,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    lost: httpx.Response | Exception,
):
    put(store, clock, previous_refresh_token=Secret("previous"))
    spotify.tokens = [lost, refused(), refused(), refused()]
    with pytest.raises(SpotifyError):
        provider(store, spotify, clock, UNSEEDED).access_token()
    assert stored(store).refresh_started_at == clock.now
    begun = datetime.fromtimestamp(clock.now, UTC)
    clock.now += 86_400
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(SignInRequired, match=f"interrupted on {begun:%Y-%m-%d at %H:%M} UTC.*Run `spotify-pip"):
                provider(store, spotify, clock, UNSEEDED).access_token()
    assert sent(spotify) == ["stored", "stored", "previous"]
    assert "was interrupted; the stored tokens are tried" in caplog.text
    state = sign_in_state(UNSEEDED, store, begun)
    assert state.kind is SignInKind.ENDED
    assert "interrupted" in state.sentence


def test_o03_lost_answer_after_which_the_token_still_works_is_forgotten(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    put(store, clock)
    spotify.tokens = [httpx.ReadTimeout(""), token_answer("good")]
    tokens = provider(store, spotify, clock)
    with pytest.raises(SpotifyError):
        tokens.access_token()
    assert tokens.access_token().reveal() == "good"
    assert stored(store).refresh_started_at is None


def test_o03_token_that_somebody_else_has_stored_meanwhile_ends_the_mark(store: TokenStore, clock: Clock):
    put(store, clock)

    def stored_meanwhile(request: httpx.Request) -> httpx.Response:
        del request
        newer = {"refresh_token": Secret("restored"), "access_token": Secret("good"), "renew_at": clock.now + 60}
        change_behind(store, **newer)
        return refused()

    assert from_transport(store, httpx.MockTransport(stored_meanwhile), clock).access_token().reveal() == "good"
    assert stored(store).refresh_token == Secret("restored")
    assert stored(store).refresh_started_at is None


def test_o03_plain_refusal_is_not_told_as_a_renewal_cut_short(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock)
    spotify.tokens = [refused()]
    for _ in range(2):
        with pytest.raises(SignInRequired, match="revoked, replaced, or is over six months old"):
            provider(store, spotify, clock, UNSEEDED).access_token()
    assert stored(store).refresh_started_at is None


@pytest.mark.parametrize("slow", [0.0, 5.0, TOKEN_RENEWAL.one_try])
@pytest.mark.parametrize("asked", ["1", "60", None])
def test_renewal_that_is_made_to_wait_ends_before_those_who_wait_for_it_give_up(
    store: TokenStore, clock: Clock, slow: float, asked: str | None
):
    put(store, clock, previous_refresh_token=Secret("previous"))
    begun = clock.now
    calls: list[float] = []

    def busy_then_refused(request: httpx.Request) -> httpx.Response:
        del request
        calls.append(clock.now)
        clock.now += slow
        if len(calls) % 3:
            return httpx.Response(429, headers={} if asked is None else {"Retry-After": asked})
        return refused()

    with pytest.raises(SpotifyError):
        from_transport(store, httpx.MockTransport(busy_then_refused), clock).access_token()
    assert clock.now - begun <= LONGEST_RENEWAL
    assert len(calls) > 1 or slow + 60 > 90
