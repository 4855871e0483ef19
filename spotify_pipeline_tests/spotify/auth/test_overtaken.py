"""A process that was stopped while it renewed, and whose turn another took meanwhile, on this machine or elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import Secret, SignInRequired, TokenStore
from spotify_pipeline.spotify.auth.token_provider import TokenProvider
from spotify_pipeline.spotify.auth.token_store import LEASE, OpenTokens
from spotify_pipeline.state import StateOvertaken
from spotify_pipeline.state.lease import take
from spotify_pipeline_tests.spotify.authorizations import INVALID_GRANT, from_transport, provider, put, stored
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings, token_answer

UNSEEDED = settings(refresh_token=None)


def overtake(store: TokenStore, **changes: Any) -> None:
    """As a process does that gets the lock because the server has ended the session of who held it."""
    with store.state.begin() as transaction:
        fence = take(transaction, LEASE, holder="another", since="now")
    OpenTokens(store.state, fence).save(replace(stored(store), refresh_started_at=None, **changes))


def overtaken(
    store: TokenStore, clock: Clock, answer: httpx.Response, meanwhile: Callable[[], None], asked: list[str]
) -> TokenProvider:
    """It renews, and ``meanwhile`` happens before the first ``answer`` reaches it."""

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(request.content.decode().rpartition("=")[2])
        if len(asked) == 1:
            meanwhile()
            return answer
        return token_answer(f"a{len(asked)}", refresh_token=f"rotated-{len(asked)}")

    return from_transport(store, httpx.MockTransport(reply), clock, UNSEEDED)


def test_o01_nothing_is_saved_over_the_newer_tokens_of_who_overtook(
    store: TokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, clock)
    newer = {"refresh_token": Secret("theirs"), "access_token": Secret("a-theirs"), "renew_at": clock.now + 9000}
    late = token_answer("a1", refresh_token="late")
    tokens = overtaken(store, clock, late, lambda: overtake(store, **newer), asked := [])
    assert tokens.access_token().reveal() == "a1"  # which Spotify has just given
    assert "could not be stored: Another run has taken the sign-ins over" in caplog.text
    assert stored(store).refresh_token == Secret("theirs")
    clock.now += 3600
    assert tokens.access_token().reveal() == "a-theirs"
    tokens.close()
    assert stored(store).refresh_token == Secret("theirs")
    assert asked == ["stored"]


def test_o01_the_only_tokens_left_are_saved_in_a_turn_of_their_own(store: TokenStore, clock: Clock) -> None:
    """Who overtook found the mark, tried the stored token, which this process had just spent, and was refused."""
    put(store, clock)
    late = token_answer("a1", refresh_token="late")
    tokens = overtaken(store, clock, late, lambda: overtake(store, needs_sign_in=True), asked := [])
    assert tokens.access_token().reveal() == "a1"
    assert stored(store).needs_sign_in
    tokens.close()
    assert stored(store).refresh_token == Secret("late")
    assert not stored(store).needs_sign_in
    assert asked == ["stored"]


def test_o01_a_token_of_who_overtook_is_not_spent_out_of_turn(store: TokenStore, clock: Clock) -> None:
    put(store, clock)
    refused = httpx.Response(400, json=INVALID_GRANT)
    tokens = overtaken(store, clock, refused, lambda: overtake(store, refresh_token=Secret("theirs")), asked := [])
    with pytest.raises(StateOvertaken):
        tokens.access_token()
    assert asked == ["stored"]
    assert tokens.access_token().reveal() == "a2"  # its own turn
    assert asked == ["stored", "theirs"]


def test_o06_a_refusal_of_who_was_overtaken_does_not_stop_the_others(
    store: TokenStore, spotify: Spotify, clock: Clock
) -> None:
    put(store, clock)
    newer = {"refresh_token": Secret("theirs"), "needs_sign_in": True}
    refused = httpx.Response(400, json=INVALID_GRANT)
    tokens = overtaken(store, clock, refused, lambda: overtake(store, **newer), [])
    with pytest.raises(SignInRequired):
        tokens.access_token()
    put(store, clock, refresh_token=Secret("after-login"))
    tokens.close()
    assert provider(store, spotify, clock, UNSEEDED).access_token()
    assert spotify.token_calls[0]["refresh_token"] == ["after-login"]
