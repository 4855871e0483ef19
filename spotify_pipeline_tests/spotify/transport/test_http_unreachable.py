"""No connection, over real sockets and a real look-up of a name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from spotify_pipeline.spotify import CallLog, SpotifyAdsClient, SpotifyUnavailable, TokenStore
from spotify_pipeline_tests.spotify.certificates import listening
from spotify_pipeline_tests.spotify.client_calls import WRITES
from spotify_pipeline_tests.spotify.scripted import loopback_server, settings, token_answer


@pytest.fixture
def accounts() -> Iterator[str]:
    with loopback_server(lambda _: (200, {}, token_answer().content)) as url:
        yield url


def free_port() -> int:
    with listening(lambda *_: None) as gone:
        return gone.port


class NoBusinesses(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "18")
        self.end_headers()
        self.wfile.write(b'{"businesses": []}')

    def log_message(self, *args: object) -> None: ...


def test_f31_read_is_tried_again_until_somebody_listens(store: TokenStore, accounts: str):
    port, pauses, log = free_port(), list[float](), CallLog()
    with ExitStack() as running:

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                server = HTTPServer(("127.0.0.1", port), NoBusinesses)
                running.callback(server.server_close)
                threading.Thread(target=server.handle_request, daemon=True).start()

        chosen = settings(ads_api_url=f"http://127.0.0.1:{port}/ads/v3", accounts_url=accounts)
        with SpotifyAdsClient.open(chosen, store, sleep=sleep, random=lambda: 0.5, observer=log) as client:
            assert client.businesses() == []
    assert pauses == [0.5, 1.0]
    assert [(record.status, record.attempt) for record in log.records[1:]] == [(None, 1), (None, 2), (200, 3)]


def test_f31_name_that_cannot_be_looked_up_is_tried_again_and_then_told(store: TokenStore, accounts: str):
    pauses: list[float] = []
    chosen = settings(ads_api_url="https://nowhere.invalid/ads/v3", accounts_url=accounts)
    unknown = pytest.raises(SpotifyUnavailable, match="could not be reached: its name could not be looked up")
    with SpotifyAdsClient.open(chosen, store, sleep=pauses.append, random=lambda: 0.5) as client, unknown as caught:
        client.businesses()
    assert pauses == [0.5, 1.0, 2.0]
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("name", WRITES)
def test_f31_write_that_found_no_connection_was_not_carried_out_and_is_not_repeated(
    store: TokenStore, accounts: str, name: str
):
    pauses: list[float] = []
    chosen = settings(ads_api_url=f"http://127.0.0.1:{free_port()}/ads/v3", accounts_url=accounts)
    refused = pytest.raises(SpotifyUnavailable, match="could not be reached: no connection")
    with SpotifyAdsClient.open(chosen, store, sleep=pauses.append) as client, refused as caught:
        WRITES[name](client)
    assert not caught.value.may_have_happened
    assert pauses == []
