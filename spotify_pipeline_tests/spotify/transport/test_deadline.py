from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpcore
import httpx
import pytest

from spotify_pipeline.spotify import CallRecord, SpotifyUnavailable
from spotify_pipeline.spotify.transport import ACCOUNTS, ADS_API, STORAGE, HttpClient, Service
from spotify_pipeline.spotify.transport.deadlines import DeadlineBackend, deadline
from spotify_pipeline_tests.spotify.certificates import Listener, listening, read_head
from spotify_pipeline_tests.spotify.scripted import loopback_server

URL = "https://api-partner.spotify.com/ads/v3/businesses"


@pytest.mark.parametrize("service", [ADS_API, ACCOUNTS], ids=lambda service: service.key)
def test_f25_answer_that_drips_is_no_answer_after_two_minutes(service: Service):
    now = 0.0

    def dripping() -> Iterator[bytes]:
        nonlocal now
        yield b"{"
        for _ in range(300):
            now += 1
            yield b" "

    records: list[CallRecord] = []
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=dripping()))
    client = HttpClient(service, transport=transport, observer=records.append, clock=lambda: now)
    with client, pytest.raises(SpotifyUnavailable, match="did not respond in time") as caught:
        client.send("POST", URL, route="/")
    assert caught.value.may_have_happened
    assert now == 120
    assert records[0].status is None


def test_f25_refusal_that_drips_is_told_by_its_status():
    now = 0.0

    def dripping() -> Iterator[bytes]:
        nonlocal now
        for _ in range(300):
            now += 1
            yield b" "

    transport = httpx.MockTransport(lambda _: httpx.Response(403, content=dripping()))
    with HttpClient(ADS_API, transport=transport, clock=lambda: now) as client:
        assert client.send("GET", URL, route="/").status == 403
    assert now == 120


@pytest.mark.parametrize(("hours", "given"), [(0.15, {}), (9.0, {"total_seconds": 10 * 3600.0})])
def test_f25_request_with_a_body_may_take_what_the_body_needs_or_what_the_caller_says(
    hours: float, given: dict[str, Any]
):
    assert sent_in(hours * 3600, **given) == b"stored"


@pytest.mark.parametrize(("hours", "given"), [(0.16, {}), (11.0, {"total_seconds": 10 * 3600.0})])
def test_f25_upload_that_is_slower_than_that_is_given_up(hours: float, given: dict[str, Any]):
    with pytest.raises(SpotifyUnavailable, match="The upload storage did not respond in time"):
        sent_in(hours * 3600, **given)


def sent_in(seconds: float, **given: Any) -> bytes:
    """Send a chunk of 8 MiB, which takes so many seconds."""
    now = 0.0

    def content() -> Iterator[bytes]:
        nonlocal now
        now += seconds
        yield b"row"

    def reply(request: httpx.Request) -> httpx.Response:
        request.read()
        return httpx.Response(200, content=b"stored")

    with HttpClient(STORAGE, transport=httpx.MockTransport(reply), clock=lambda: now) as client:
        headers = {"Content-Length": str(8 * 1024 * 1024)}
        return client.send("PUT", URL, route="/", headers=headers, content=content(), **given).body


def test_f25_addresses_of_a_name_are_tried_one_after_the_other_within_one_deadline():
    now = 0.0
    tried: list[float] = []

    class Unreachable(httpcore.NetworkBackend):
        def connect_tcp(self, host: str, port: int, timeout: float | None = None, *_: Any) -> Any:  # noqa: ARG002
            nonlocal now
            assert timeout is not None
            tried.append(timeout)
            now += timeout
            raise httpcore.ConnectTimeout

    backend = DeadlineBackend(lambda *_: [f"192.0.2.{n}" for n in range(8)], Unreachable())
    with deadline(25.0, lambda: now), pytest.raises(httpcore.ConnectTimeout):
        backend.connect_tcp("storage.example.com", 443, 10.0)
    assert tried == [10, 10, 5]


def test_f31_second_address_of_a_name_is_used_where_the_first_one_is_silent():
    with listening(lambda *_: None) as server:
        backend = DeadlineBackend(lambda *_: ["127.0.0.2", "127.0.0.1"])
        backend.connect_tcp("storage.example.com", server.port, 5.0).close()


# -- the same on real connections, where a timeout of one read or one write is never reached. The deadline is of a clock
# that the server moves with what it sends or takes, so no busy machine changes the outcome.


class SlowServer:
    """Moves the clock by a second with each byte that it sends, or each block that it takes."""

    service = Service("ads-api", "Spotify's Ads API", read_seconds=600, write_seconds=600, total_seconds=20)

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def client(self) -> HttpClient:
        return HttpClient(self.service, clock=self.clock)

    def drips(self, beginning: bytes) -> Callable[[socket.socket, Listener], None]:
        def handle(connection: socket.socket, _: Listener) -> None:
            read_head(connection)
            connection.sendall(beginning)
            while True:  # until the client has gone
                time.sleep(0.002)
                self.now += 1
                connection.sendall(b"x")

        return handle

    def sips(self, connection: socket.socket, _: Listener) -> None:
        while connection.recv(262_144):
            self.now += 1


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"],
    ids=["status line", "header", "body"],
)
def test_f25_server_that_sends_a_byte_at_a_time_is_waited_for_no_longer_than_the_deadline(beginning: bytes):
    slow = SlowServer()
    with listening(slow.drips(beginning)) as server, slow.client() as client:
        with pytest.raises(SpotifyUnavailable, match="did not respond in time") as caught:
            client.send("POST", f"http://127.0.0.1:{server.port}/", route="/")
        assert caught.value.may_have_happened
        assert slow.now >= 20


def test_f25_refusal_that_drips_is_told_by_its_status_on_a_real_connection_too():
    slow = SlowServer()
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: 9999999\r\n\r\n"
    with listening(slow.drips(head)) as server, slow.client() as client:
        assert client.send("GET", f"http://127.0.0.1:{server.port}/", route="/").status == 503
        assert slow.now >= 20


def test_f25_server_that_takes_a_body_in_drops_is_given_up_too():
    slow = SlowServer()
    with listening(slow.sips) as server, slow.client() as client:
        content = iter([bytes(64 * 1024 * 1024)])
        with pytest.raises(SpotifyUnavailable, match="did not respond in time"):
            client.send("PUT", f"http://127.0.0.1:{server.port}/", route="/", content=content)


@pytest.mark.e2e
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_f25_server_that_says_nothing_at_all_is_given_up(scheme: str):
    """Here the time that passes is real, as nothing comes that could move another clock."""

    def silent(connection: socket.socket, _: Listener) -> None:
        while connection.recv(262_144):
            pass

    with listening(silent) as server, HttpClient(replace(SlowServer.service, total_seconds=1.0)) as client:
        with pytest.raises(SpotifyUnavailable) as caught:
            client.send("POST", f"{scheme}://127.0.0.1:{server.port}/", route="/")
        assert caught.value.may_have_happened is (scheme == "http")  # no request before the end of the handshake


def test_f25_deadline_of_one_call_is_not_that_of_the_next():
    slow = SlowServer()
    with (
        listening(slow.drips(b"HTTP/1.1 200 OK\r\nX: ")) as server,
        loopback_server(lambda _: (200, {}, b"{}")) as good,
        slow.client() as client,
    ):
        for _ in range(2):
            with pytest.raises(SpotifyUnavailable):
                client.send("GET", f"http://127.0.0.1:{server.port}/", route="/")
            assert client.send("GET", good, route="/", total_seconds=10_000).status == 200
