"""A browser whose user signs in, and a sign-in with it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from spotify_pipeline.spotify import TokenStore, sign_in
from spotify_pipeline_tests.spotify.scripted import Spotify, settings, token_answer


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


def run(store: TokenStore, spotify: Spotify, visit: Callable[[Browser], None], **given: Any) -> tuple[Browser, object]:
    browser = Browser(visit)
    if not spotify.tokens:
        spotify.tokens = [token_answer("a1", refresh_token="refresh-7CANARYREFRESH")]
    given.setdefault("timeout", 20.0)  # only a test that fails waits so long
    given.setdefault("port", 0)
    chosen = given.pop("settings", None) or settings(refresh_token=None)
    outcome: object
    try:
        outcome = sign_in(
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
