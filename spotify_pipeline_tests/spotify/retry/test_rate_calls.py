"""The rate limiter as callers meet it: pauses, patience, an outage, and clocks that jump."""

from __future__ import annotations

from email.utils import formatdate

import httpx
import pytest

from spotify_pipeline.spotify import (
    CallLog,
    RateLimited,
    RateLimiter,
    SpotifyAdsClient,
    SpotifyError,
    SpotifyUnavailable,
    TokenStore,
)
from spotify_pipeline_tests.spotify.client_calls import READS, WRITES, carry_out, ok
from spotify_pipeline_tests.spotify.scripted import TRACE, Clock, Spotify, error_body, settings

NOTHING = {"businesses": []}


def limited(reset: str) -> httpx.Response:
    return ok(error_body("slow down"), 429, **{"X-RateLimit-Reset": reset, "X-RateLimit-Remaining": "0"})


@pytest.mark.parametrize("name", ["businesses", "create"])
def test_r02_one_client_s_429_makes_every_client_of_the_key_wait(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str
):
    spotify.api = [limited("12"), *(ok(NOTHING) for _ in range(3))]
    first, second = spotify.open(store, clock), spotify.open(store, clock)
    limited_at = clock.now
    if name == "businesses":
        first.businesses()
        assert clock.now - limited_at == pytest.approx(12.5)
    else:  # a write is told at once, and not repeated
        with pytest.raises(RateLimited) as caught:
            WRITES[name](first)
        assert (caught.value.retry_after, clock.now) == (12, limited_at)
    second.businesses()
    assert clock.now - limited_at >= 12.5  # 12 s, and half a second by the dice


def test_r02_clients_come_back_at_different_times(store: TokenStore, spotify: Spotify):
    came_back: list[float] = []
    for number, dice in enumerate((0.0, 0.3, 0.9)):
        clock = Clock()
        rate_limiter = RateLimiter.of_file(
            store.state.home.with_name(f"machine-{number}"), monotonic=clock, sleep=clock.sleep
        )
        spotify.api = [limited("12"), ok(NOTHING)]
        with spotify.open(store, clock, rate_limiter=rate_limiter, random=lambda dice=dice: dice) as client:
            client.businesses()
        came_back.append(clock.slept[0])
    assert came_back == [pytest.approx(12.0), pytest.approx(12.3), pytest.approx(12.9)]


@pytest.mark.parametrize(("reset", "pause"), [("0", 1), ("-1", 1), ("1000000000", 60), ("abc", 30), ("", 30)])
def test_r03_absurd_reset_of_a_429_pauses_between_a_second_and_a_minute(
    store: TokenStore, spotify: Spotify, clock: Clock, reset: str, pause: float
):
    spotify.api = [limited(reset), ok(NOTHING)]
    carry_out(READS["businesses"], store, spotify, clock)
    assert clock.slept == [pause + 0.5]


@pytest.mark.parametrize(("ahead", "pause"), [(40, 40), (-3_600, 1), (3_600, 60)])
def test_r04_retry_after_as_a_date_pauses_the_key(
    store: TokenStore, spotify: Spotify, clock: Clock, ahead: float, pause: float
):
    spotify.api = [ok(None, 429, **{"Retry-After": formatdate(clock.now + ahead, usegmt=True)}), ok(NOTHING)]
    carry_out(READS["businesses"], store, spotify, clock)
    assert clock.slept == [pause + 0.5]


def test_another_machine_s_use_of_the_key_slows_this_one_down(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [*(ok(NOTHING, 200, **{"X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "21"}) for _ in range(5))]
    with spotify.open(store, clock) as client:
        for _ in range(5):
            client.businesses()
    assert clock.slept == [pytest.approx(1 / 48, abs=1e-6), *[pytest.approx(2.0)] * 3]  # ten calls in 20 to 21 seconds


def test_plenty_left_is_no_leave_to_go_faster(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [
        *(ok(NOTHING, 200, **{"X-RateLimit-Remaining": "9999999", "X-RateLimit-Reset": "1"}) for _ in range(108))
    ]
    began = clock.now
    with spotify.open(store, clock) as client:
        for _ in range(108):
            client.businesses()
    assert clock.now - began == pytest.approx(2.0, abs=0.05)  # 12 at once, then 48 a second


def test_r06_outage_of_half_an_hour_is_met_with_at_most_a_tenth_more_calls(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    clients = [spotify.open(store, clock) for _ in range(4)]
    spotify.api = [ok(status=503) for _ in range(9_000)]
    ended, calls = clock.now + 1_800, 0
    while clock.now < ended:
        with pytest.raises(SpotifyUnavailable):
            clients[calls % 4].businesses()
        calls += 1
        clock.now += 2
    assert calls > 800
    assert calls < len(spotify.api_calls) <= 1.1 * calls
    spotify.api = [ok(NOTHING) for _ in range(100)]
    for _ in range(100):
        clients[1].businesses()
    spotify.api = [*(ok(status=503) for _ in range(3)), ok(NOTHING)]
    clients[2].businesses()  # the outage is over, and a failure is repeated again
    assert spotify.api == []


@pytest.mark.parametrize("jump", [3_600, -3_600])
def test_r07_wall_clock_that_jumps_while_the_key_is_paused_changes_no_wait(
    store: TokenStore, spotify: Spotify, clock: Clock, jump: float
):
    wall = Clock()
    rate_limiter = RateLimiter.of_file(store.state.home.with_name("rate_limiter"), monotonic=clock, sleep=clock.sleep)
    spotify.api = [limited("12"), ok(NOTHING)]
    with spotify.open(store, wall, rate_limiter=rate_limiter, sleep=clock.sleep) as client:
        with pytest.raises(RateLimited):
            WRITES["create"](client)
        wall.now += jump
        client.businesses()
    assert clock.slept == [12.5]


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_r09_call_whose_wait_is_beyond_the_patience_fails_at_once_and_is_not_made(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str
):
    spotify.api = [limited("45")]
    with spotify.open(store, clock, max_wait=10.0) as client:
        with pytest.raises(RateLimited):
            WRITES["create"](client)
        with pytest.raises(RateLimited, match=r"Rate limited: .* have to wait 46 s; it may wait 10 s\.") as caught:
            {**READS, **WRITES}[name](client)
    assert not caught.value.may_have_happened
    assert len(spotify.api_calls) == 1
    assert clock.slept == []


def test_r09_patience_is_for_all_tries_of_a_call_together(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [limited("50") for _ in range(4)]
    with spotify.open(store, clock, max_wait=120.0) as client, pytest.raises(RateLimited, match="it may wait 19 s"):
        client.businesses()
    assert clock.slept == [50.5, 50.5]
    assert len(spotify.api_calls) == 3


def test_r09_pause_that_a_failing_server_asks_for_is_not_begun_beyond_the_patience(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    spotify.api = [ok(error_body("busy"), 503, **{"Retry-After": "50"})]
    with spotify.open(store, clock, max_wait=10.0) as client, pytest.raises(SpotifyUnavailable) as caught:
        client.businesses()
    assert (caught.value.status, caught.value.trace_id, clock.slept) == (503, TRACE, [])


def test_record_tells_how_long_a_call_waited(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(status=503), limited("12"), ok(NOTHING)]
    log = CallLog()
    carry_out(READS["businesses"], store, spotify, clock, observer=log)
    assert [record.waited for record in log.records] == [0, 0, 0.5, 12.5]  # the first is of the token
    assert [str(record).partition(" s, ")[2] for record in log.records[2:]] == ["try 2, waited 0.500 s, trace " + TRACE,
                                                                               "try 3, waited 12.500 s"]  # fmt: skip
    assert (log.totals.calls, log.totals.repeated, log.totals.refused, log.totals.waited) == (4, 2, 2, 13.0)


def test_token_calls_and_401_cost_no_repetitions(store: TokenStore, spotify: Spotify, clock: Clock):
    for _ in range(30):
        spotify.api = [httpx.Response(401), ok(NOTHING)]
        carry_out(READS["businesses"], store, spotify, clock)
    spotify.api = [ok(status=503), ok(status=503), ok(status=503), ok(NOTHING)]
    carry_out(READS["businesses"], store, spotify, clock)


def test_budget_of_a_client_is_beside_its_tokens_and_made_by_its_first_call(store: TokenStore, spotify: Spotify):
    spotify.api = [ok(NOTHING)]
    rate = store.state.home / "rate"
    with SpotifyAdsClient.open(settings(), store, transport=spotify.transport()) as client:
        assert not rate.exists()
        client.businesses()
    assert len(list(rate.iterdir())) == 1


def test_write_that_was_carried_out_is_not_lost_to_a_budget_that_cannot_be_written(
    store: TokenStore, spotify: Spotify, clock: Clock, caplog: pytest.LogCaptureFixture
):
    class Breaking(Spotify):
        """The budget's file turns into a directory while the call is under way."""

        def _answer(self, request: httpx.Request) -> httpx.Response:
            answer = super()._answer(request)
            if request.url.host == "api-partner.spotify.com":
                path.unlink()
                path.mkdir()
            return answer

    path = store.state.home.with_name("rate_limiter")
    rate_limiter = RateLimiter.of_file(path, monotonic=clock, sleep=clock.sleep)
    breaking = Breaking(api=[ok(status=204)])
    with breaking.open(store, clock, rate_limiter=rate_limiter) as client:
        WRITES["delete"](client)
    assert "Could not update the rate limiter" in caplog.text


def test_read_that_failed_is_told_as_it_did_where_the_budget_cannot_be_asked_for_another_try(
    store: TokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
):
    class Breaking(Spotify):
        """The budget's file turns into a directory while the call is under way."""

        def _answer(self, request: httpx.Request) -> httpx.Response:
            answer = super()._answer(request)
            if request.url.host == "api-partner.spotify.com":
                path.unlink()
                path.mkdir()
            return answer

    path = store.state.home.with_name("rate_limiter")
    rate_limiter = RateLimiter.of_file(path, monotonic=clock, sleep=clock.sleep)
    breaking = Breaking(api=[ok(error_body("busy"), 503)])
    with breaking.open(store, clock, rate_limiter=rate_limiter) as client, pytest.raises(SpotifyUnavailable) as caught:
        client.businesses()
    assert (caught.value.status, caught.value.trace_id) == (503, TRACE)
    assert "Not retried" in caplog.text


def test_unsent_call_is_told_as_such_whatever_stops_it(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [limited("30")]
    with spotify.open(store, clock, max_wait=1.0) as client:
        for name in ("create", "create", "delete", "new_upload"):
            with pytest.raises(SpotifyError) as caught:
                WRITES[name](client)
            assert not caught.value.may_have_happened
