"""What httpcore raises becomes httpx's error of the same name, wherever in a call it happens."""

from __future__ import annotations

from collections.abc import Iterator

import httpcore
import httpx
import pytest
from httpx._transports import default as httpx_own

from spotify_pipeline.spotify.transport.connections import PooledTransport
from spotify_pipeline.spotify.transport.tls_and_proxy import network_transport

ERRORS = [
    each
    for name in httpcore.__all__
    if isinstance(each := getattr(httpcore, name), type) and issubclass(each, Exception)
]
OURS_TO_MAP = [each for each in ERRORS if each is not httpcore.ConnectionNotAvailable]  # never leaves its pool
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Two: a\r\nX-Two: b\r\n\r\n"


class Scripted(httpcore.NetworkBackend, httpcore.NetworkStream):
    """A network that gives these pieces of a response; an error among them is raised."""

    def __init__(self, *pieces: bytes | Exception, no_connection: Exception | None = None) -> None:
        self.pieces = list(pieces)
        self.no_connection = no_connection
        self.sent = b""
        self.closed = False

    def connect_tcp(self, *where: object, **how: object) -> httpcore.NetworkStream:  # noqa: ARG002
        if self.no_connection is not None:
            raise self.no_connection
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self.sent += buffer

    def close(self) -> None:
        self.closed = True


def client_over(network: Scripted) -> httpx.Client:
    return httpx.Client(transport=PooledTransport(httpcore.ConnectionPool(network_backend=network)), trust_env=False)


def mapped(error: type[Exception]) -> type[Exception]:
    return getattr(httpx, error.__name__)


@pytest.mark.parametrize("error", OURS_TO_MAP)
def test_an_error_of_the_connection_becomes_that_of_httpx(error: type[Exception]):
    failure = error("the sentence")
    with client_over(Scripted(no_connection=failure)) as client, pytest.raises(httpx.TransportError) as caught:
        client.get("http://example.com/")
    assert (type(caught.value), str(caught.value), caught.value.__context__) == (mapped(error), "the sentence", failure)


@pytest.mark.parametrize("error", OURS_TO_MAP)
def test_an_error_within_the_body_becomes_that_of_httpx(error: type[Exception]):
    network = Scripted(HEAD, b"12345", error("the sentence"))
    with client_over(network) as client, pytest.raises(httpx.TransportError) as caught:
        client.get("http://example.com/")
    assert (type(caught.value), str(caught.value)) == (mapped(error), "the sentence")
    assert network.closed


@pytest.mark.parametrize("error", [*OURS_TO_MAP, type("Newer", (httpcore.ReadTimeout,), {})])
def test_httpx_would_map_it_so_too(error: type[Exception]):
    with pytest.raises(httpx.TransportError) as theirs, httpx_own.map_httpcore_exceptions():
        raise error("the sentence")
    with client_over(Scripted(no_connection=error("the sentence"))) as client, pytest.raises(Exception) as ours:
        client.get("http://example.com/")
    assert (type(ours.value), str(ours.value)) == (type(theirs.value), str(theirs.value))


@pytest.mark.parametrize("error", [OSError("disk"), ZeroDivisionError(), KeyboardInterrupt()])
def test_any_other_error_passes_as_it_is(error: BaseException):
    def content() -> Iterator[bytes]:
        yield b"1"
        raise error

    network = Scripted(HEAD, b"1234567890")
    with client_over(network) as client, pytest.raises(type(error)) as caught:
        client.post("http://example.com/", content=content())
    assert caught.value is error
    assert network.closed


def test_a_request_and_its_response_pass_unchanged():
    network = Scripted(HEAD, b"12345", b"67890")
    with client_over(network) as client:
        response = client.post("http://example.com:8080/a%20b?q=%2F", content=b"body", headers={"X-One": "1"})
    assert (response.status_code, response.content) == (200, b"1234567890")
    assert response.headers.get_list("x-two") == ["a", "b"]
    assert response.http_version == "HTTP/1.1"
    assert network.sent.startswith(b"POST /a%20b?q=%2F HTTP/1.1\r\nHost: example.com:8080\r\n")
    assert b"X-One: 1\r\n" in network.sent
    assert network.sent.endswith(b"\r\n\r\nbody")


def test_an_unread_response_gives_its_connection_up():
    network = Scripted(HEAD, b"12345")
    with client_over(network) as client, client.stream("GET", "http://example.com/") as response:
        assert response.status_code == 200
        assert not network.closed
    assert network.closed


def test_a_closed_client_leaves_no_connection():
    network = Scripted(HEAD, b"1234567890")
    with client_over(network) as client:
        client.get("http://example.com/")
        assert not network.closed  # kept for the next request
    assert network.closed


def test_an_asynchronous_body_is_refused():
    class Body(httpx.AsyncByteStream):
        pass

    with network_transport(None, None) as transport, pytest.raises(TypeError, match="asynchronous"):
        transport.handle_request(httpx.Request("POST", "http://example.com/", stream=Body()))


def test_every_error_of_httpcore_is_known():
    assert [each.__name__ for each in ERRORS if not hasattr(httpx, each.__name__)] == ["ConnectionNotAvailable"]
    with httpx_own.map_httpcore_exceptions():
        pass  # newer versions load the map when it is first used
    assert set(httpx_own.HTTPCORE_EXC_MAP) == set(OURS_TO_MAP)
