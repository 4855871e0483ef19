from __future__ import annotations

import base64
import hashlib
import http.client
import re
import socket
import threading
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from spotify_pipeline.spotify import (
    Authorization,
    Secret,
    SettingsInvalid,
    SignInFailed,
    SpotifyUnavailable,
    TokenStore,
    TokenStoreUnusable,
    sign_in,
)
from spotify_pipeline_tests.spotify.scripted import Clock, Spotify, settings, token_answer

ISSUER = "https://accounts.spotify.com"


class Browser:
    """Does in a thread what the user's browser would do with the address it is given."""

    def __init__(self, visit: Callable[[Browser], None]) -> None:
        self._visit = visit
        self.answers: list[tuple[int, str]] = []
        self.failure: BaseException | None = None

    def __call__(self, url: str) -> None:
        self.url = url
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.back = urlsplit(self.query["redirect_uri"])
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._visit(self)
        except BaseException as failure:  # noqa: BLE001  (shown by the test)
            self.failure = failure

    def get(self, target: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.back.port or 0, timeout=5)
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        self.answers.append((response.status, response.read().decode()))
        connection.close()
        return self.answers[-1]

    def come_back(self, **query: str) -> tuple[int, str]:
        return self.get(f"{self.back.path}?{urlencode({'state': self.query['state'], **query})}")


def agree(browser: Browser) -> None:
    browser.come_back(code="the-code")


def run(
    store: TokenStore, spotify: Spotify, visit: Callable[[Browser], None], **given: object
) -> tuple[Browser, object]:
    browser = Browser(visit)
    if not spotify.tokens:
        spotify.tokens = [token_answer("a1", refresh_token="refresh-7CANARYREFRESH")]
    given.setdefault("timeout", 20.0)  # only a test that fails waits so long
    given.setdefault("port", 0)
    chosen = given.pop("settings", None) or settings(refresh_token=None)
    outcome: object
    try:
        outcome = sign_in(  # type: ignore[arg-type]
            chosen,
            store,
            open_browser=browser,
            now=lambda: 1_800_000_000.0,
            transport=spotify.transport(),
            **given,
        )
    except Exception as failure:  # noqa: BLE001  (the outcome under test)
        outcome = failure
    if hasattr(browser, "thread"):
        browser.thread.join(5)
    assert browser.failure is None
    return browser, outcome


def test_sign_in_stores_the_tokens_and_when_the_user_agreed(store: TokenStore, spotify: Spotify):
    browser, outcome = run(store, spotify, agree)
    assert browser.answers[0][0] == 200
    assert isinstance(outcome, Authorization)
    found = store.find(ISSUER, "client-1")
    assert found == outcome
    assert found.refresh_token == Secret("refresh-7CANARYREFRESH")
    assert found.access_token == Secret("a1")
    assert found.authorized_at == 1_800_000_000.0
    assert found.renew_at == 1_800_003_300.0


def test_o13_pkce_s256_state_and_the_registered_address_are_used(store: TokenStore, spotify: Spotify):
    browser, _ = run(store, spotify, agree)
    assert browser.url.startswith("https://accounts.spotify.com/authorize?")
    assert browser.query["client_id"] == "client-1"
    assert browser.query["response_type"] == "code"
    assert browser.query["code_challenge_method"] == "S256"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", browser.query["redirect_uri"])
    assert "scope" not in browser.query
    sent = spotify.token_calls[0]
    challenge = (
        base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"][0].encode()).digest()).rstrip(b"=").decode()
    )
    assert challenge == browser.query["code_challenge"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", sent["code_verifier"][0])  # RFC 7636 section 4.1
    assert sent["grant_type"] == ["authorization_code"]
    assert sent["code"] == ["the-code"]
    assert sent["redirect_uri"] == [browser.query["redirect_uri"]]


def test_each_sign_in_has_its_own_state_and_verifier(store: TokenStore, spotify: Spotify):
    queries = [run(store, spotify, agree)[0].query for _ in range(2)]
    assert len({query["state"] for query in queries}) == 2
    assert len({query["code_challenge"] for query in queries}) == 2


def test_app_without_a_secret_signs_in_by_pkce_alone(store: TokenStore, spotify: Spotify):
    run(store, spotify, agree, settings=settings(client_secret=None, refresh_token=None))
    assert spotify.token_calls[0]["client_id"] == ["client-1"]
    assert "authorization" not in spotify.asked[0].headers


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
        for address in ("127.0.0.2", socket.gethostbyname(socket.gethostname())):
            try:
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


def test_user_who_refuses_is_told_how_to_go_on(store: TokenStore, spotify: Spotify):
    _, outcome = run(store, spotify, lambda it: it.come_back(error="access_denied") and None)
    assert isinstance(outcome, SignInFailed)
    assert "refused in the browser. Run it again and choose Agree." in str(outcome)
    assert store.find(ISSUER, "client-1") is None
    assert spotify.token_calls == []


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), SignInFailed, "does not accept the sign-in"),
        (httpx.Response(400, json={"error": "invalid_client"}), SettingsInvalid, "SPOTIFY_CLIENT_ID"),
        (httpx.Response(503), SpotifyUnavailable, "status 503"),
        (httpx.Response(200, text="<html>"), SpotifyUnavailable, "without a token"),
        (token_answer("a"), SignInFailed, "no refresh token"),
    ],
)
def test_failed_exchange_is_told_and_leaves_the_store_as_it_was(
    store: TokenStore, spotify: Spotify, answer: httpx.Response, kind: type[Exception], words: str
):
    run(store, spotify, agree)
    before = store.path.read_bytes()
    spotify.tokens = [answer]
    _, outcome = run(store, spotify, agree)
    assert type(outcome) is kind
    assert words in str(outcome)
    assert "the-code" not in str(outcome)
    assert store.path.read_bytes() == before


def test_seed_of_the_environment_does_not_undo_a_later_sign_in(store: TokenStore, spotify: Spotify, clock: Clock):
    run(store, spotify, agree, settings=settings())
    clock.now = 1_800_000_000.0 + 3600
    spotify.api = [httpx.Response(200, json={"businesses": []})]
    with spotify.open(store, clock) as client:
        client.businesses()
    assert spotify.token_calls[-1]["refresh_token"] == ["refresh-7CANARYREFRESH"]


def test_sign_in_ends_the_stop_after_a_revoked_authorization(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.tokens = [httpx.Response(400, json={"error": "invalid_grant"})]
    with spotify.open(store, clock) as client, pytest.raises(Exception, match="login"):
        client.businesses()
    run(store, spotify, agree, settings=settings())
    clock.now = 1_800_000_001.0
    spotify.api = [httpx.Response(200, json={"businesses": []})]
    with spotify.open(store, clock) as client:
        assert client.businesses() == []


def test_taken_port_is_said_plainly(store: TokenStore, spotify: Spotify):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SignInFailed, match=rf"Port {port} of this machine is in use.*choose another port"):
            sign_in(settings(), store, open_browser=lambda _: None, port=port, transport=spotify.transport())


def test_port_that_is_none_is_said_plainly(store: TokenStore, spotify: Spotify):
    with pytest.raises(SignInFailed, match="Port 70000 of this machine cannot be used"):
        sign_in(settings(), store, open_browser=lambda _: None, port=70_000, transport=spotify.transport())


def test_unusable_store_is_told_before_the_browser_opens(store: TokenStore, spotify: Spotify):
    run(store, spotify, agree)
    store.path.chmod(0o644)
    opened: list[str] = []
    with pytest.raises(TokenStoreUnusable):
        sign_in(settings(), store, open_browser=opened.append, port=0, transport=spotify.transport())
    assert opened == []


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
