"""A proxy on a real socket, with a stand-in for all of Spotify behind it: what the proxy sees, and what it does not."""

from __future__ import annotations

import ssl
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SHUT_WR, create_connection, socket
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from spotify_pipeline.spotify import (
    Secret,
    SettingsInvalid,
    SignInFailed,
    SpotifyAdsClient,
    SpotifyError,
    SpotifyUnavailable,
    TokenStore,
    UntrustedServer,
    sign_in,
)
from spotify_pipeline.spotify.transport import ADS_API, HttpClient
from spotify_pipeline_tests.spotify.certificates import (
    SPOTIFYS,
    Listener,
    authority,
    issue,
    listening,
    read_head,
    tls_server,
)
from spotify_pipeline_tests.spotify.scripted import loopback_server, settings, token_answer
from spotify_pipeline_tests.spotify.uploads import TICKET, crc32c_of, customer_list

CREDENTIALS = b64encode(b"Jo\xc3\xab:p@ss 7CANARYPROXY").decode()
WITH_CREDENTIALS = "Jo%C3%AB:p%40ss%207CANARYPROXY@"


@contextmanager
def proxy(to: Listener, *, tls: ssl.SSLContext | None = None, refuse: int | None = None) -> Iterator[Listener]:
    """Leads every CONNECT to the server ``to``, whatever name it is for, or refuses each with a status."""

    def handle(connection: socket, seen: Listener) -> None:
        near = connection if tls is None else tls.wrap_socket(connection, server_side=True)
        seen.requests.append(read_head(near))
        if refuse is not None:
            near.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % refuse)
            return
        near.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with create_connection(("127.0.0.1", to.port)) as far:
            back = threading.Thread(target=carry, args=(far, near), daemon=True)
            back.start()
            carry(near, far)
            back.join(10)

    with listening(handle) as listener:
        yield listener


def carry(source: socket, sink: socket) -> None:
    try:
        while block := source.recv(65_536):
            sink.sendall(block)
        sink.shutdown(SHUT_WR)
    except OSError:
        return


def spotify_and_storage(head: bytes) -> bytes:
    if b"/api/token" in head:
        return token_answer().content
    if b"/ads/v3/businesses" in head:
        return b'{"businesses": []}'
    return b""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "network-authority.pem"
    path.write_bytes(authority().pem)
    return path


@pytest.fixture
def spotify_behind(tmp_path: Path) -> Iterator[Listener]:
    context = issue(*SPOTIFYS, by=authority()).server_context(tmp_path)
    with tls_server(context, spotify_and_storage) as server:
        yield server


def chosen(port: int, bundle: Path, user: str = "", scheme: str = "http") -> Any:
    return settings(proxy_url=Secret(f"{scheme}://{user}127.0.0.1:{port}"), ca_bundle=bundle)


def test_s07_stated_proxy_is_used_for_api_accounts_and_storage_and_sees_names_only(
    store: TokenStore, tmp_path: Path, bundle: Path, spotify_behind: Listener
):
    file = customer_list(tmp_path, 1_000)
    with (
        proxy(spotify_behind) as seen,
        SpotifyAdsClient.open(chosen(seen.port, bundle, WITH_CREDENTIALS), store) as client,
    ):
        assert client.businesses() == []
        with pytest.raises(SpotifyError, match="session"):  # the stand-in opens none
            client.upload(TICKET, file, size=file.stat().st_size, crc32c=crc32c_of(file))
    assert [request.split(b"\r\n")[0] for request in seen.requests] == [
        b"CONNECT accounts.spotify.com:443 HTTP/1.1",
        b"CONNECT api-partner.spotify.com:443 HTTP/1.1",
        b"CONNECT storage.googleapis.com:443 HTTP/1.1",
    ]
    assert all(f"Proxy-Authorization: Basic {CREDENTIALS}".encode() in request for request in seen.requests)
    assert not [request for request in seen.requests if b"Bearer" in request or b"CANARY" in request]
    assert len(spotify_behind.requests) == 3
    assert not [request for request in spotify_behind.requests if b"proxy" in request.lower()]


def test_s07_proxy_may_itself_be_spoken_to_in_tls(
    store: TokenStore, tmp_path: Path, bundle: Path, spotify_behind: Listener
):
    tls = issue("127.0.0.1", by=authority()).server_context(tmp_path)
    with (
        proxy(spotify_behind, tls=tls) as seen,
        SpotifyAdsClient.open(chosen(seen.port, bundle, scheme="https"), store) as client,
    ):
        assert client.businesses() == []
    assert len(seen.requests) == 2


def test_s07_this_machine_s_own_addresses_need_no_proxy(bundle: Path, spotify_behind: Listener):
    with (
        proxy(spotify_behind) as seen,
        loopback_server(lambda _: (200, {}, b"{}")) as sandbox,
        HttpClient(ADS_API, proxy_url=Secret(f"http://127.0.0.1:{seen.port}")) as client,
    ):
        for host in ("127.0.0.1", "localhost"):
            address = sandbox.replace("127.0.0.1", host)
            assert client.send("GET", address, route="/").status == 200
    assert seen.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.2", "127.255.255.254", "[::1]", "LOCALHOST"])
def test_s07_no_address_of_this_machine_goes_to_the_proxy(spotify_behind: Listener, host: str):
    with (
        proxy(spotify_behind) as seen,
        HttpClient(ADS_API, proxy_url=Secret(f"http://127.0.0.1:{seen.port}")) as client,
        pytest.raises(SpotifyUnavailable, match="no connection"),
    ):
        client.send("GET", f"http://{host}:9/", route="/")
    assert seen.connections == 0


def test_s07_sign_in_goes_through_the_stated_proxy(store: TokenStore, bundle: Path, spotify_behind: Listener):
    def open_browser(url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        back = f"{query['redirect_uri'][0]}?code=abc&state={query['state'][0]}"
        threading.Thread(target=lambda: urllib.request.urlopen(back).read(), daemon=True).start()  # noqa: S310

    with proxy(spotify_behind) as seen, pytest.raises(SignInFailed, match="gave no refresh token"):
        sign_in(chosen(seen.port, bundle), store, open_browser=open_browser, port=0)
    assert [request.split()[1] for request in seen.requests] == [b"accounts.spotify.com:443"]


def test_s06_proxy_that_opens_tls_is_found_out_unless_its_authority_is_named(
    store: TokenStore, bundle: Path, spotify_behind: Listener
):
    with proxy(spotify_behind) as seen:
        unaware = settings(proxy_url=Secret(f"http://127.0.0.1:{seen.port}"))
        with SpotifyAdsClient.open(unaware, store) as client, pytest.raises(UntrustedServer) as caught:
            client.businesses()
    assert "If your network has a proxy that opens TLS connections, name its" in str(caught.value)
    assert spotify_behind.requests == []


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (407, SettingsInvalid, "the proxy rejects the user name and password"),
        (403, SpotifyUnavailable, r"could not be reached: the proxy rejects the connection \(status 403\)"),
        (503, SpotifyUnavailable, r"could not be reached: the proxy rejects the connection \(status 503\)"),
    ],
)
def test_refusal_of_the_proxy_itself_is_told_as_such_and_without_its_password(
    spotify_behind: Listener, status: int, kind: type[Exception], words: str
):
    with proxy(spotify_behind, refuse=status) as seen:
        given = Secret(f"http://{WITH_CREDENTIALS}127.0.0.1:{seen.port}")
        with HttpClient(ADS_API, proxy_url=given) as client, pytest.raises(kind, match=words) as caught:
            client.send("POST", "https://api-partner.spotify.com/", route="/")
    assert "CANARY" not in str(caught.value) + repr(vars(caught.value))
    assert not caught.value.may_have_happened  # type: ignore[attr-defined]


def test_proxy_that_is_not_there_is_named_as_the_reason():
    with listening(lambda *_: None) as gone:
        given = Secret(f"http://127.0.0.1:{gone.port}")
    unreached = "could not be reached through the proxy of SPOTIFY_PROXY_URL: no connection"
    with HttpClient(ADS_API, proxy_url=given) as client, pytest.raises(SpotifyUnavailable, match=unreached):
        client.send("GET", "https://api-partner.spotify.com/", route="/")
