from __future__ import annotations

from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    NotFound,
    RateLimited,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    TokenStore,
    UnexpectedResponse,
)
from spotify_pipeline_tests.spotify.client_calls import READS, WRITES, carry_out, ok
from spotify_pipeline_tests.spotify.scripted import (
    AUDIENCE,
    SIGNED,
    TRACE,
    Clock,
    Spotify,
    audience_json,
    error_body,
    token_answer,
)

FAILURES = {
    "429": lambda: ok(status=429),
    "500": lambda: ok(status=500),
    "502": lambda: httpx.Response(502, text="<html>"),
    "503": lambda: ok(status=503),
    "504": lambda: ok(status=504),
    "reset": lambda: httpx.ReadError(SIGNED),
    "no connection": lambda: httpx.ConnectError(SIGNED),
    "timeout": lambda: httpx.ReadTimeout(SIGNED),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", READS)
def test_r05_read_is_tried_four_times_and_no_more(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, failure: str
):
    spotify.api = [FAILURES[failure]() for _ in range(9)]
    with pytest.raises((SpotifyUnavailable, RateLimited)) as caught:
        carry_out(READS[name], store, spotify, clock)
    assert len(spotify.api_calls) == 4
    assert len(clock.slept) == 3
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", WRITES)
def test_r05_write_is_never_repeated_blindly(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, failure: str
):
    spotify.api = [FAILURES[failure]() for _ in range(9)]
    with pytest.raises((SpotifyUnavailable, RateLimited)) as caught:
        carry_out(WRITES[name], store, spotify, clock)
    assert len(spotify.api_calls) == 1
    assert clock.slept == []
    assert caught.value.may_have_happened is (failure not in ("429", "no connection"))


def test_read_goes_on_when_the_failure_has_passed(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.ReadError(""), ok(status=503), ok({"businesses": []})]
    assert carry_out(READS["businesses"], store, spotify, clock) == []
    assert clock.slept == [0.5, 1.0]


def test_r02_limited_read_waits_as_long_as_the_server_says(store: TokenStore, spotify: Spotify, clock: Clock):
    limited = {"X-RateLimit-Reset": "12", "X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "1500"}
    spotify.api = [ok(None, 429, **limited), ok({"businesses": []})]
    carry_out(READS["businesses"], store, spotify, clock)
    assert clock.slept == [12.5]


@pytest.mark.parametrize("name", ["businesses", "create"])
@pytest.mark.parametrize("first", [[], [httpx.Response(401)]], ids=["before the call", "after a 401"])
@pytest.mark.parametrize(
    "failure",
    [httpx.ReadTimeout(""), httpx.Response(200, text="<html>"), httpx.Response(503), httpx.Response(302),
     httpx.Response(200, content=b" " * 5_300_000)],
    ids=["timeout", "HTML", "503", "redirect", "too large"],
)  # fmt: skip
def test_call_that_gets_no_token_surely_did_not_happen(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, first: list[httpx.Response], failure: Any
):
    spotify.api = [*first]
    spotify.tokens = [*(token_answer() for _ in first), failure, failure, failure]
    with pytest.raises((SpotifyUnavailable, UnexpectedResponse)) as caught:
        carry_out({**READS, **WRITES}[name], store, spotify, clock)
    assert len(spotify.api_calls) == len(first)
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 422])
@pytest.mark.parametrize("name", READS)
def test_final_refusal_is_not_repeated(store: TokenStore, spotify: Spotify, clock: Clock, name: str, status: int):
    spotify.api = [ok(error_body("no"), status)]
    with pytest.raises(SpotifyError) as caught:
        carry_out(READS[name], store, spotify, clock)
    assert (caught.value.status, caught.value.trace_id) == (status, TRACE)
    assert clock.slept == []


def test_deleted_audience_is_not_found(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(error_body("gone"), 404)]
    with pytest.raises(NotFound, match="did not show the audience: status 404"):
        carry_out(READS["audience"], store, spotify, clock)


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_o12_refused_token_is_replaced_once_and_the_call_replayed_once(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str
):
    spotify.tokens = [token_answer("a1"), token_answer("a2")]
    spotify.api = [httpx.Response(401), httpx.Response(401)]
    with pytest.raises(SignInRequired, match=r"rejects even a new access token.*login"):
        carry_out({**READS, **WRITES}[name], store, spotify, clock)
    assert [call.headers["authorization"] for call in spotify.api_calls] == ["Bearer a1", "Bearer a2"]
    assert spotify.api_calls[0].content == spotify.api_calls[1].content
    assert len(spotify.token_calls) == 2
    assert clock.slept == []


def test_o12_replayed_write_is_done(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.Response(401), ok(audience_json(), 201)]
    assert carry_out(WRITES["create"], store, spotify, clock).id == AUDIENCE


# -- success by status, nonsense by body


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"id": ', b"{}"])
def test_c04_create_with_a_broken_body_says_that_it_may_have_happened(
    store: TokenStore, spotify: Spotify, clock: Clock, content: bytes
):
    spotify.api = [httpx.Response(201, content=content)]
    with pytest.raises(UnexpectedResponse) as caught:
        carry_out(WRITES["create"], store, spotify, clock)
    assert caught.value.may_have_happened


@pytest.mark.parametrize("status", [202, 206, 301, 307, 308])
@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_status_that_is_no_documented_success_is_none(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, status: int
):
    spotify.api = [httpx.Response(status, json=audience_json(), headers={"Location": SIGNED})]
    with pytest.raises(UnexpectedResponse) as caught:
        carry_out({**READS, **WRITES}[name], store, spotify, clock)
    assert caught.value.status == status
    assert len(spotify.api_calls) == 1
