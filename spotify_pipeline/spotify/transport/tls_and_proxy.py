"""Makes connections: directly or through the proxy of the settings, with verified TLS 1.2 or newer.

The environment's ``HTTPS_PROXY``, ``SSL_CERT_FILE`` and ``SSLKEYLOGFILE`` are ignored: they are set for other
programs, and could send customer lists through somebody else's proxy.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import httpcore
import httpx

from spotify_pipeline.spotify.errors import SettingsInvalid
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport.connections import PooledTransport
from spotify_pipeline.spotify.transport.deadlines import DeadlineBackend
from spotify_pipeline.spotify.upload_hosts import is_loopback

_MOST_CONNECTIONS = 10
_KEPT_SECONDS = 5.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NOT_YET, _EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 9, 10, 62, 64  # OpenSSL, x509_vfy.h
_NO_ISSUER = (18, 19, 20, 21)
_BAD_FORM = range(79, 95)
_NO_COMMON_TLS = ("UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER", "TLSV1_ALERT_PROTOCOL_VERSION", "HTTP_REQUEST")


def network_transport(proxy_url: Secret | None, ca_bundle: Path | None) -> httpx.BaseTransport:
    """A transport whose connections keep the deadline of a call, through the proxy if there is one.

    Raises:
        SettingsInvalid: the CA bundle cannot be used.
    """
    tls = _default_tls() if ca_bundle is None else verified_tls(httpx.create_ssl_context(trust_env=False), ca_bundle)
    direct = PooledTransport(_connection_pool(tls, None))
    return direct if proxy_url is None else _ProxyTransport(direct, PooledTransport(_connection_pool(tls, proxy_url)))


@cache
def _default_tls() -> ssl.SSLContext:
    return verified_tls(httpx.create_ssl_context(trust_env=False), None)  # reading 140 authorities takes a while


class _ProxyTransport(httpx.BaseTransport):
    """Through the proxy, but directly to this machine's own addresses."""

    def __init__(self, direct: PooledTransport, proxied: PooledTransport) -> None:
        self._direct, self._proxied = direct, proxied

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        chosen = self._direct if is_loopback(request.url.host) else self._proxied
        return chosen.handle_request(request)

    def close(self) -> None:
        self._direct.close()
        self._proxied.close()


def verified_tls(context: ssl.SSLContext, ca_bundle: Path | None) -> ssl.SSLContext:
    """``context`` limited to TLS 1.2 or newer, trusting the authorities in ``ca_bundle`` too.

    With a bundle, certificates need not follow every rule of RFC 5280; all else is verified as without.

    Raises:
        SettingsInvalid: the bundle cannot be read or holds no certificate.
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.keylog_filename = None  # type: ignore[assignment]  # set from SSLKEYLOGFILE
    if ca_bundle is not None:
        # Set by default since Python 3.13; the authorities of company networks often do not pass it.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        try:
            context.load_verify_locations(cafile=ca_bundle)
        except (OSError, ValueError):  # SSLError is an OSError
            raise SettingsInvalid(
                f"SPOTIFY_CA_BUNDLE names {ca_bundle}, which cannot be read as certificates.",
                next_step="Set it to a PEM file of your network's certificate authority, or leave it unset.",
            ) from None
    return context


def _connection_pool(tls: ssl.SSLContext, proxy_url: Secret | None) -> httpcore.ConnectionPool:
    """Connections that keep the deadline of a call."""
    return httpcore.ConnectionPool(
        ssl_context=tls,
        proxy=None if proxy_url is None else _proxy(proxy_url.reveal(), tls),
        max_connections=_MOST_CONNECTIONS,
        keepalive_expiry=_KEPT_SECONDS,
        network_backend=DeadlineBackend(),
    )


def _proxy(url: str, tls: ssl.SSLContext) -> httpcore.Proxy:
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    user, password = (unquote_to_bytes(part or "") for part in (parts.username, parts.password))
    return httpcore.Proxy(
        httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=port, target="/"),
        auth=(user, password) if user else None,
        ssl_context=tls if parts.scheme == "https" else None,
    )


def tls_fault(error: Exception) -> str | None:
    """Why the server's TLS cannot be trusted, for a sentence; None where a later try may succeed."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its TLS certificate is not valid ({_certificate_fault(cause.verify_code)})"
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_COMMON_TLS:
            return "it does not speak TLS 1.2 or newer"
    return None


def _certificate_fault(code: int) -> str:
    if code == _NOT_YET:
        return "it is not valid yet; check this machine's clock"
    if code == _EXPIRED:
        return "it has expired; check this machine's clock"
    if code in (_OTHER_NAME, _OTHER_ADDRESS):
        return "it is for another name"
    if code in _NO_ISSUER:
        return "no authority that this machine trusts has signed it"
    if code in _BAD_FORM:
        return f"it does not follow RFC 5280, OpenSSL's code {code}"
    return f"OpenSSL's code {code}"


def why_no_connection(error: Exception) -> str:
    """Why there is no connection, for a sentence."""
    unknown = any(isinstance(cause, socket.gaierror) for cause in _causes(error))
    return "its name could not be looked up" if unknown else "no connection"


def headers_too_large(error: Exception) -> bool:
    """Whether the response's headers were larger than 100 KB: h11 then hints at status 431."""
    return any(getattr(cause, "error_status_hint", None) == 431 for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
