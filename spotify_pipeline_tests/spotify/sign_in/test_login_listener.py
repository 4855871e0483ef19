"""The address that the browser comes back to: O13, O14."""

from __future__ import annotations

import http.client
import socket

import pytest

from spotify_pipeline.spotify import Authorization, SignInFailed, TokenStore, sign_in
from spotify_pipeline_tests.spotify.logins import Browser, agree, run
from spotify_pipeline_tests.spotify.scripted import Spotify, settings


def test_o13_everything_but_the_one_callback_is_rejected_and_changes_nothing(store: TokenStore, spotify: Spotify):
    def stray(browser: Browser) -> None:
        state = browser.query["state"]
        for target in (
            f"/?code=evil&state={state}",
            f"/callback/?code=evil&state={state}",
            f"/other?code=evil&state={state}",
            "/favicon.ico",
            "/callback",
            "/callback?code=evil",
            "/callback?code=evil&state=",
            "/callback?code=evil&state=wrong",
            f"/callback?code=evil&state={state[:-1]}",
            f"/callback?code=evil&state={state}&state={state}",
            f"/callback?code=evil&code=evil&state={state}",
            f"/callback?state={state}",
            f"/callback?code=&state={state}",
            f"/callback?code=evil&error=access_denied&state={state}",
            "/callback?code=evil&state=%ff%fe",
            "//[/callback?code=evil",
            "/callback?" + "&".join(f"a{number}=1" for number in range(50)),
        ):
            assert browser.get(target)[0] in (400, 404), target
        status, _ = browser.get(f"/callback?code=evil&state={state}", Host="attacker.example.com")
        assert status == 400
        agree(browser)

    browser, outcome = run(store, spotify, stray)
    assert isinstance(outcome, Authorization)
    assert browser.answers[-1][0] == 200
    assert [call["code"] for call in spotify.token_calls] == [["the-code"]]


def test_o13_second_callback_finds_nobody_or_is_rejected(store: TokenStore, spotify: Spotify):
    def twice(browser: Browser) -> None:
        agree(browser)
        try:
            status, _ = browser.come_back(code="second")
        except (OSError, http.client.HTTPException):
            return  # the listener is gone
        assert status == 400

    run(store, spotify, twice)
    assert [call["code"] for call in spotify.token_calls] == [["the-code"]]


def test_o13_other_methods_are_rejected(store: TokenStore, spotify: Spotify):
    def post(browser: Browser) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", browser.back.port or 0, timeout=5)
        connection.request("POST", f"/callback?code=evil&state={browser.query['state']}")
        assert connection.getresponse().status == 501
        agree(browser)

    assert isinstance(run(store, spotify, post)[1], Authorization)
    assert [call["code"] for call in spotify.token_calls] == [["the-code"]]


def test_o13_listens_on_the_loopback_address_only(store: TokenStore, spotify: Spotify):
    reachable: list[str] = []

    def knock(browser: Browser) -> None:
        for name in ("127.0.0.2", socket.gethostname()):
            try:
                address = socket.gethostbyname(name)
                socket.create_connection((address, browser.back.port or 0), timeout=1).close()
            except OSError:
                continue
            reachable.append(address)
        agree(browser)

    run(store, spotify, knock)
    assert [address for address in reachable if address != "127.0.0.1"] == []


def test_o13_page_escapes_what_it_is_given_and_runs_no_script(store: TokenStore, spotify: Spotify):
    browser, outcome = run(store, spotify, lambda it: it.come_back(error="<script>alert(1)</script>") and None)
    status, page = browser.answers[0]
    assert status == 200
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert isinstance(outcome, SignInFailed)
    assert "<script" not in str(outcome)


def test_o13_nobody_comes_back_within_the_time(store: TokenStore, spotify: Spotify):
    ticks = iter(range(0, 10_000, 60))
    browser, outcome = run(store, spotify, lambda _: None, timeout=86_400.0, clock=lambda: float(next(ticks)))
    assert isinstance(outcome, SignInFailed)
    assert "within 300 seconds" in str(outcome)
    assert next(ticks) <= 600
    with pytest.raises(OSError, match=r"[Rr]efused"):
        socket.create_connection(("127.0.0.1", browser.back.port or 0), timeout=1)


def test_connection_that_says_nothing_does_not_keep_the_browser_waiting(store: TokenStore, spotify: Spotify):
    def preconnect(browser: Browser) -> None:
        with socket.create_connection(("127.0.0.1", browser.back.port or 0), timeout=5):
            agree(browser)

    assert isinstance(run(store, spotify, preconnect)[1], Authorization)


def test_taken_port_is_said_plainly(store: TokenStore, spotify: Spotify):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SignInFailed, match=rf"Port {port} of this machine is in use.*choose another port"):
            sign_in(settings(), store, open_browser=lambda _: None, port=port, transport=spotify.transport())


def test_port_that_is_none_is_said_plainly(store: TokenStore, spotify: Spotify):
    with pytest.raises(SignInFailed, match="Port 70000 of this machine cannot be used"):
        sign_in(settings(), store, open_browser=lambda _: None, port=70_000, transport=spotify.transport())


def test_nothing_of_the_callback_is_printed(store: TokenStore, spotify: Spotify, capfd: pytest.CaptureFixture[str]):
    run(store, spotify, agree)
    assert capfd.readouterr() == ("", "")


def test_o14_address_to_come_back_to_is_the_number_never_the_name_localhost(store: TokenStore, spotify: Spotify):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    browser, outcome = run(store, spotify, agree, port=port)
    assert isinstance(outcome, Authorization)
    assert browser.query["redirect_uri"] == f"http://127.0.0.1:{port}/callback"
    assert spotify.token_calls[0]["redirect_uri"] == [f"http://127.0.0.1:{port}/callback"]
