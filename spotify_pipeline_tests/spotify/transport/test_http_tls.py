"""TLS over real sockets: what is not trusted, what may be trusted besides, and what the environment may not decide."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from socket import create_connection

import pytest

from spotify_pipeline.spotify import (
    SettingsInvalid,
    SpotifyAdsClient,
    SpotifyUnavailable,
    TokenStore,
    UntrustedServer,
)
from spotify_pipeline.spotify.transport import ADS_API, STORAGE, HttpClient
from spotify_pipeline.spotify.transport.tls_and_proxy import tls_fault, verified_tls
from spotify_pipeline_tests.spotify.certificates import Issued, authority, issue, listening, tls_server
from spotify_pipeline_tests.spotify.scripted import settings

UNTRUSTED: dict[str, tuple[Callable[[], Issued], str]] = {
    "signed by itself": (lambda: issue("127.0.0.1"), "no authority that this machine trusts has signed it"),
    "by an authority nobody knows": (
        lambda: issue("127.0.0.1", by=issue("other.example.com", authority=True)),
        "no authority that this machine trusts has signed it",
    ),
    "expired": (lambda: issue("127.0.0.1", by=authority(), ended=True), "it has expired; check this machine's clock"),
    "not begun": (
        lambda: issue("127.0.0.1", by=authority(), begun=False),
        "it is not valid yet; check this machine's clock",
    ),
    "of another name": (lambda: issue("api-partner.spotify.com", by=authority()), "it is for another name"),
    "of another address": (lambda: issue("127.0.0.2", by=authority()), "it is for another name"),
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "network-authority.pem"
    path.write_bytes(authority().pem)
    return path


@pytest.mark.parametrize("kind", UNTRUSTED)
def test_s06_certificate_that_is_not_to_be_trusted_is_fatal_at_once(
    kind: str, tmp_path: Path, bundle: Path, store: TokenStore
):
    made, reason = UNTRUSTED[kind]
    pauses: list[float] = []
    with tls_server(made().server_context(tmp_path)) as server:
        address = f"https://127.0.0.1:{server.port}"
        chosen = settings(ads_api_url=f"{address}/ads/v3", accounts_url=address, ca_bundle=bundle)
        with (
            SpotifyAdsClient.open(chosen, store, sleep=pauses.append) as client,
            pytest.raises(UntrustedServer, match="was not called: its TLS certificate is not valid") as caught,
        ):
            client.businesses()
    assert f"({reason})" in str(caught.value)
    assert "SPOTIFY_CA_BUNDLE" in str(caught.value)
    assert not caught.value.may_have_happened
    assert (server.connections, server.requests, pauses) == (1, [], [])


@pytest.mark.parametrize("service", [ADS_API, STORAGE], ids=lambda service: service.key)
def test_s06_authority_of_the_own_network_is_trusted_where_the_settings_name_it(
    service: object, tmp_path: Path, bundle: Path
):
    with tls_server(issue("127.0.0.1", by=authority()).server_context(tmp_path)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        with HttpClient(service, ca_bundle=bundle) as client:  # type: ignore[arg-type]
            assert client.send("GET", url, route="/").status == 200
        with HttpClient(service) as client, pytest.raises(UntrustedServer):  # type: ignore[arg-type]
            client.send("GET", url, route="/")


def strict() -> ssl.SSLContext:
    """As Python makes one since 3.13."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def test_certificates_of_a_network_s_own_authority_need_not_keep_every_rule(tmp_path: Path, bundle: Path):
    lax = issue("127.0.0.1", by=authority(), signer_named=False)
    with tls_server(lax.server_context(tmp_path)) as server:
        context = verified_tls(strict(), bundle)
        with (
            create_connection(("127.0.0.1", server.port)) as connection,
            context.wrap_socket(connection, server_hostname="127.0.0.1") as spoken,
        ):
            assert spoken.version() in ("TLSv1.2", "TLSv1.3")
    assert verified_tls(strict(), None).verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_certificate_that_keeps_not_every_rule_is_told_as_such(tmp_path: Path, bundle: Path):
    lax = issue("127.0.0.1", by=authority(), signer_named=False)
    context = strict()
    context.load_verify_locations(bundle)
    with (
        tls_server(lax.server_context(tmp_path)) as server,
        create_connection(("127.0.0.1", server.port)) as connection,
        pytest.raises(ssl.SSLCertVerificationError) as caught,
    ):
        context.wrap_socket(connection, server_hostname="127.0.0.1")
    assert "not follow RFC 5280" in (tls_fault(caught.value) or "")


def old_tls(directory: Path) -> ssl.SSLContext:
    context = issue("127.0.0.1", by=authority()).server_context(directory)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_s06_tls_older_than_1_2_is_not_spoken(tmp_path: Path, bundle: Path):
    with (
        tls_server(old_tls(tmp_path)) as server,
        HttpClient(ADS_API, ca_bundle=bundle) as client,
        pytest.raises(UntrustedServer, match=r"was not called: it does not speak TLS 1\.2 or newer"),
    ):
        client.send("GET", f"https://127.0.0.1:{server.port}/", route="/")
    assert server.requests == []


def test_s06_plain_http_behind_an_https_address_is_no_server_of_ours():
    with (
        listening(lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")) as server,
        HttpClient(ADS_API) as client,
        pytest.raises(UntrustedServer, match="does not speak TLS"),
    ):
        client.send("GET", f"https://127.0.0.1:{server.port}/", route="/")


def test_f31_handshake_that_breaks_off_may_pass_another_time():
    with (
        listening(lambda *_: None) as server,
        HttpClient(ADS_API) as client,
        pytest.raises(SpotifyUnavailable, match="could not be reached: no connection") as caught,
    ):
        client.send("GET", f"https://127.0.0.1:{server.port}/", route="/")
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\x30\x82\x00"], ids=["missing", "", "text", "der"])
def test_bundle_that_holds_no_certificate_is_told_with_its_name(tmp_path: Path, content: bytes | None):
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsInvalid, match=r"SPOTIFY_CA_BUNDLE names .*bundle\.pem"):
        HttpClient(ADS_API, ca_bundle=path)


def test_s07_environment_names_neither_authorities_nor_a_file_for_tls_keys(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with tls_server(issue("127.0.0.1", by=authority()).server_context(tmp_path)) as server:
        url = f"https://127.0.0.1:{server.port}/"
        with HttpClient(ADS_API) as client, pytest.raises(UntrustedServer):
            client.send("GET", url, route="/")
        with HttpClient(ADS_API, ca_bundle=bundle) as client:
            assert client.send("GET", url, route="/").status == 200
    assert not keys.exists() or b"TRAFFIC_SECRET" not in keys.read_bytes()
