"""A renewed authorization that cannot be stored."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from spotify_pipeline.spotify import Secret, SignInRequired, TokenStore, sign_out
from spotify_pipeline.spotify.auth.token_provider import TokenProvider
from spotify_pipeline.state import StateError
from spotify_pipeline_tests.spotify.authorizations import (
    INVALID_GRANT,
    from_transport,
    provider,
    put,
    stored,
    unwritable,
)
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings, token_answer


def test_o10_full_disk_costs_no_token_because_none_is_asked_for(store: TokenStore, spotify: Spotify, clock: Clock):
    """An answer that cannot be stored is a rotated token that dies with the process: better no answer."""
    put(store, clock)
    before = stored(store)
    tokens = provider(store, spotify, clock)
    with unwritable(store), pytest.raises(StateError):
        tokens.access_token()
    assert spotify.asked == []
    assert stored(store) == before
    spotify.tokens = [token_answer("a1", refresh_token="rotated")]
    assert tokens.access_token().reveal() == "a1"
    assert stored(store).refresh_token == Secret("rotated")


def answering(store: TokenStore, *answers: httpx.Response, disk: ExitStack, asked: list[str]) -> httpx.MockTransport:
    """Gives the answers in turn; while the first is on its way the disk fills, until ``disk`` is closed."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(parse_qs(request.content.decode())["refresh_token"][0])
        if len(asked) == 1:
            disk.enter_context(unwritable(store))
        return answers[len(asked) - 1]

    return httpx.MockTransport(answer)


def test_o10_disk_that_fills_during_the_call_keeps_the_new_token_in_memory_and_says_so(
    store: TokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
):
    put(store, clock)
    before = stored(store)
    asked: list[str] = []
    with ExitStack() as disk:
        answers = [token_answer(f"a{number}", refresh_token=f"rotated-{number}") for number in (1, 2, 3)]
        tokens = from_transport(store, answering(store, *answers, disk=disk, asked=asked), clock)
        assert tokens.access_token().reveal() == "a1"
        clock.now += 3600
        assert tokens.access_token().reveal() == "a2"  # the token in memory went on, not the dead one on disk
        clock.now += 3600
        assert "could not be stored" in caplog.text
        assert "rotated" not in caplog.text
    assert stored(store).refresh_token == before.refresh_token
    assert tokens.access_token().reveal() == "a3"
    assert asked == ["stored", "rotated-1", "rotated-2"]
    assert stored(store).refresh_token == Secret("rotated-3")
    assert stored(store).refresh_started_at is None


def test_o10_refusal_that_could_not_be_stored_does_not_hide_a_later_sign_in(store: TokenStore, clock: Clock):
    put(store, clock)
    asked: list[str] = []
    with ExitStack() as disk:
        transport = answering(store, httpx.Response(400, json=INVALID_GRANT), disk=disk, asked=asked)
        tokens = from_transport(store, transport, clock, settings(refresh_token=None))
        for _ in range(2):
            with pytest.raises(SignInRequired):
                tokens.access_token()
    assert len(asked) == 1  # the refusal is remembered all the same
    put(store, clock, refresh_token=Secret("new"), access_token=Secret("after-login"), renew_at=clock.now + 60)
    assert tokens.access_token().reveal() == "after-login"


UNSEEDED = settings(refresh_token=None)


def with_an_unsaved_token(store: TokenStore, clock: Clock, asked: list[str]) -> TokenProvider:
    """It holds `rotated-1`, which the disk had no room for; now there is room again."""
    put(store, clock, authorized_at=5.0)
    with ExitStack() as disk:
        answers = [token_answer(f"a{number}", refresh_token=f"rotated-{number}") for number in (1, 2)]
        tokens = from_transport(store, answering(store, *answers, disk=disk, asked=asked), clock, UNSEEDED)
        assert tokens.access_token().reveal() == "a1"
    assert stored(store).refresh_token == Secret("stored")
    return tokens


@pytest.mark.parametrize("after", [60.0, 3600.0], ids=["token still good", "token ended"])
@pytest.mark.parametrize("newer", [{"refresh_token": Secret("new")}, {"authorized_at": 9.0}], ids=["token", "age"])
def test_o10_unsaved_token_does_not_overwrite_a_later_sign_in(
    store: TokenStore, clock: Clock, after: float, newer: dict[str, Any]
):
    tokens = with_an_unsaved_token(store, clock, asked := [])
    clock.now += after
    signed_in = {"access_token": Secret("after-login"), "renew_at": clock.now + 3300, "business_id": "b"}
    put(store, clock, **{"authorized_at": 5.0, **newer, **signed_in})
    before = stored(store)
    assert tokens.access_token().reveal() == "after-login"
    tokens.close()
    assert stored(store) == before
    assert asked == ["stored"]


@pytest.mark.parametrize("after", [60.0, 3600.0], ids=["token still good", "token ended"])
def test_o10_unsaved_token_does_not_undo_a_sign_out(store: TokenStore, clock: Clock, after: float):
    tokens = with_an_unsaved_token(store, clock, asked := [])
    sign_out(UNSEEDED, store)
    clock.now += after
    with pytest.raises(SignInRequired, match="Nobody has signed in"):
        tokens.access_token()
    tokens.close()
    assert store.all() == []
    assert asked == ["stored"]


@pytest.mark.parametrize("then", ["use", "close"])
def test_o10_unsaved_token_is_stored_as_soon_as_the_disk_has_room(store: TokenStore, clock: Clock, then: str):
    tokens = with_an_unsaved_token(store, clock, asked := [])
    if then == "use":
        clock.now += 60
        assert tokens.access_token().reveal() == "a1"
    else:
        tokens.close()
    assert stored(store).refresh_token == Secret("rotated-1")
    assert stored(store).refresh_started_at is None
    assert asked == ["stored"]


def test_o10_client_that_is_closed_stores_what_it_could_not(store: TokenStore, clock: Clock):
    put(store, clock)
    full = ExitStack()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "accounts.spotify.com":
            full.enter_context(unwritable(store))
            return token_answer(refresh_token="rotated-1")
        full.close()
        return httpx.Response(200, json={"businesses": []})

    class Filling(Spotify):
        def transport(self) -> httpx.MockTransport:
            return httpx.MockTransport(answer)

    with full, Filling().open(store, clock) as client:
        assert client.businesses() == []
        assert stored(store).refresh_token == Secret("stored")
    assert stored(store).refresh_token == Secret("rotated-1")


def test_o10_disk_that_stays_full_fails_no_call_and_is_told_once(
    store: TokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
):
    tokens = with_an_unsaved_token(store, clock, [])
    with unwritable(store):
        for _ in range(10):
            clock.now += 60
            assert tokens.access_token().reveal() == "a1"
    assert stored(store).refresh_token == Secret("stored")
    assert caplog.text.count("could not be stored") == 1
    tokens.close()
    assert "is stored now" in caplog.text
