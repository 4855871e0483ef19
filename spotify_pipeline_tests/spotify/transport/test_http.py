from __future__ import annotations

import gzip
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from spotify_pipeline.spotify import CallRecord, SpotifyError, SpotifyUnavailable, UnexpectedResponse
from spotify_pipeline.spotify.transport import ADS_API, STORAGE, HttpClient
from spotify_pipeline_tests.spotify.scripted import SESSION, SIGNED, TRACE, Seen, loopback_server

URL = "https://api-partner.spotify.com/ads/v3/businesses?secret=CANARYQUERY"
OK = (200, {"Content-Type": "application/json"}, b'{"a": 1}')


def client_answering(reply: Callable[[httpx.Request], httpx.Response], **given: object) -> HttpClient:
    return HttpClient(ADS_API, transport=httpx.MockTransport(reply), **given)  # type: ignore[arg-type]


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def reply(request: httpx.Request) -> httpx.Response:
        raise error

    return reply


@contextmanager
def raw_server(reply: bytes) -> Iterator[str]:
    """Answers one connection with ``reply`` as it stands, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            with suppress(ConnectionError):  # the client may have had enough
                connection.sendall(reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/CANARYPATH"
    finally:
        listener.close()
        thread.join(5)


def test_answer_has_status_headers_in_lower_case_and_body():
    with (
        loopback_server(lambda seen: (207, {"X-One": "1"}, seen.method.encode())) as url,
        HttpClient(ADS_API) as client,
    ):
        answer = client.send("PATCH", url, route="/x")
    assert (answer.status, answer.headers["x-one"], answer.body) == (207, "1", b"PATCH")


@pytest.mark.parametrize(
    ("error", "words", "may_have_happened"),
    [
        (httpx.ConnectError(f"no {URL}"), "could not be reached", False),
        (httpx.ConnectTimeout(URL), "could not be reached", False),
        (httpx.PoolTimeout(URL), "could not be reached", False),
        (httpx.ReadTimeout(URL), "did not respond in time", True),
        (httpx.WriteTimeout(URL), "did not respond in time", True),
        (httpx.ReadError(URL), "broke", True),
        (httpx.WriteError(URL), "broke", True),
        (httpx.RemoteProtocolError(URL), "broke", True),
    ],
)
def test_network_failure_is_a_typed_error_without_the_address(error: Exception, words: str, may_have_happened: bool):
    with client_answering(raising(error)) as client, pytest.raises(SpotifyUnavailable, match=words) as caught:
        client.send("POST", URL, route="/businesses")
    assert "Spotify's Ads API" in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.may_have_happened is may_have_happened
    assert caught.value.__context__ is None  # httpx's error, and with it the request, does not travel along
    assert caught.value.__cause__ is None


def test_nobody_listening_and_unknown_names_are_told_plainly():
    with HttpClient(ADS_API) as client:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/", "http://nowhere.invalid/"):
            with pytest.raises(SpotifyUnavailable, match="could not be reached") as caught:
                client.send("GET", url, route="/")
            assert not caught.value.may_have_happened


@pytest.mark.parametrize("url", ["https://example.com:port", "nothing://example.com", "/relative"])
def test_address_that_is_none_is_told_plainly(url: str):
    with HttpClient(ADS_API) as client, pytest.raises(UnexpectedResponse, match="its address is not valid"):
        client.send("GET", url, route="/")


def test_answer_cut_in_the_middle_is_no_answer():
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    broke = pytest.raises(SpotifyUnavailable, match="broke before the response was complete")
    with raw_server(reply) as url, HttpClient(ADS_API) as client, broke:
        client.send("GET", url, route="/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_an_answer_and_never_followed(status: int):
    elsewhere: list[Seen] = []
    with (
        loopback_server(lambda seen: (elsewhere.append(seen), OK)[1]) as other,
        loopback_server(lambda _: (status, {"Location": other + "/x"}, b"")) as url,
        HttpClient(STORAGE) as client,
    ):
        assert (
            client.send("PUT", url, route="/", content=iter([b"list"]), headers={"Content-Length": "4"}).status
            == status
        )
    assert elsewhere == []


def test_cookies_are_not_kept():
    seen: list[Seen] = []

    def respond(request: Seen) -> tuple[int, dict[str, str], bytes]:
        seen.append(request)
        return 200, {"Set-Cookie": "session=1; Path=/"}, b""

    with loopback_server(respond) as url, HttpClient(ADS_API) as client:
        client.send("GET", url, route="/")
        client.send("GET", url, route="/")
    assert ["cookie" in each.headers for each in seen] == [False, False]


def test_s07_proxies_netrc_and_certificates_of_the_environment_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password hunter2\n")
    netrc.chmod(0o600)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    seen: list[Seen] = []
    with loopback_server(lambda request: (seen.append(request), OK)[1]) as url, HttpClient(ADS_API) as client:
        assert client.send("GET", url, route="/").status == 200
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize("status", [200, 500])
def test_r10_large_body_is_read_no_further_than_the_cap(status: int):
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    with client_answering(lambda _: httpx.Response(status, content=endless())) as client:
        if status == 200:
            with pytest.raises(UnexpectedResponse, match="larger than 5 MB"):
                client.send("GET", URL, route="/")
        else:  # a refusal is told by its status; its body is not worth a failure of its own
            assert client.send("GET", URL, route="/").status == 500
    assert sent <= 5 * 1024 * 1024 + 2 * 65_536


def test_r10_compressed_bomb_is_not_unpacked():
    bomb = gzip.compress(b"\0" * 50_000_000)
    statuses = iter((200, 503))
    reply = lambda _: (next(statuses), {"Content-Encoding": "gzip"}, bomb)  # noqa: E731
    with loopback_server(reply) as url, HttpClient(ADS_API) as client:
        with pytest.raises(UnexpectedResponse, match="compressed"):
            client.send("GET", url, route="/")
        answer = client.send("GET", url, route="/")
    assert (answer.status, answer.body) == (503, b"")


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 " + b"2" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-Trailer: 1\r\n" * 100_000 + b"\r\n",
    ],
    ids=["one long", "many", "status line", "trailers"],
)
def test_r10_headers_of_a_megabyte_are_not_read_to_their_end(reply: bytes):
    with (
        raw_server(reply) as url,
        HttpClient(ADS_API) as client,
        pytest.raises(UnexpectedResponse, match="headers of more than 100 KB") as caught,
    ):
        client.send("POST", url, route="/")
    assert caught.value.may_have_happened


@pytest.mark.parametrize(
    "reply", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", b"\0" * 100, b""]
)
def test_answer_that_is_no_http_is_no_answer(reply: bytes):
    broke = pytest.raises(SpotifyUnavailable, match="broke before the response was complete")
    with raw_server(reply) as url, HttpClient(ADS_API) as client, broke as caught:
        client.send("POST", url, route="/")
    assert caught.value.may_have_happened


def test_refusal_whose_body_breaks_off_is_told_by_its_status():
    reply = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\nhalf"
    with raw_server(reply) as url, HttpClient(ADS_API) as client:
        answer = client.send("GET", url, route="/")
    assert (answer.status, answer.body) == (403, b"half")


def test_observer_sees_each_call_without_its_address():
    records: list[CallRecord] = []
    body = f'{{"sp_trace_id": "{TRACE}"}}'.encode()
    with client_answering(lambda _: httpx.Response(403, content=body), observer=records.append) as client:
        client.send("GET", URL, route="/businesses", attempt=3)
    broken = client_answering(raising(httpx.ReadError(URL)), observer=records.append)
    with broken as client, pytest.raises(SpotifyUnavailable):
        client.send("POST", URL, route="/businesses")
    first, second = records
    assert (first.service, first.method, first.route, first.status) == ("ads-api", "GET", "/businesses", 403)
    assert (first.attempt, first.trace_id) == (3, TRACE)
    assert first.seconds >= 0
    assert (second.status, second.trace_id) == (None, None)
    assert "CANARY" not in repr(records) + str(first) + str(second)
    assert "no response" in str(second)


def test_p05_nothing_of_a_call_is_logged_even_at_debug(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    query = SIGNED.partition("?")[2]
    with loopback_server(lambda _: (201, {"Location": SESSION}, b"")) as url, HttpClient(STORAGE) as client:
        client.send("POST", f"{url}/o?{query}", route="/", headers={"Authorization": "Bearer CANARY"})
    assert caplog.records == []


def test_p05_other_codes_use_of_httpx_is_logged_as_before(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with loopback_server(lambda _: OK) as url, httpx.Client(trust_env=False) as others:
        others.get(url)
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}


def test_error_raised_by_the_content_itself_passes_through_and_cuts_the_connection():
    class OurOwn(SpotifyError):
        pass

    def content() -> Iterator[bytes]:
        yield b"half"
        raise OurOwn("stop")

    finished = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    received = bytearray()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while block := connection.recv(65_536):
                received.extend(block)
        finished.set()

    threading.Thread(target=serve, daemon=True).start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with listener:
        with HttpClient(STORAGE) as client, pytest.raises(OurOwn):
            client.send("PUT", url, route="/", content=content(), headers={"Content-Length": "8"})
        assert finished.wait(5)
    assert received.endswith(b"half")
