"""One HTTP client per service, and the only module that imports httpx.

What it holds for every call: the environment's proxies, certificates and .netrc are ignored; redirects are answers,
never followed; cookies are never kept; TLS is 1.2 or newer and verified; one deadline holds from connecting to the
last byte; answers are read up to 5 MB; httpx logs nothing; and whatever fails becomes one of our errors, without its
address.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import httpcore
import httpx

from spotify_pipeline.spotify.errors import (
    SettingsInvalid,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedAnswer,
    UntrustedServer,
)
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport.deadlines import deadline, no_deadline
from spotify_pipeline.spotify.transport.log_filter import aloud, silence
from spotify_pipeline.spotify.transport.response import Answer, CallRecord, Observer
from spotify_pipeline.spotify.transport.timeouts import ACCOUNTS, ADS_API, STORAGE, Service
from spotify_pipeline.spotify.transport.tls_and_proxy import (
    connection_pool,
    is_header_flood,
    tls_fault,
    trusting_too,
    why_no_connection,
)
from spotify_pipeline.spotify.upload_hosts import is_loopback

__all__ = ["ACCOUNTS", "ADS_API", "STORAGE", "HttpClient", "Service", "Transport"]

Transport: TypeAlias = httpx.BaseTransport

MAX_ANSWER_BYTES = 5 * 1024 * 1024
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class HttpClient:
    """Sends one request at a time to one service. No authentication of its own: the caller gives each header.

    Args:
        service: whom it speaks to.
        transport: stands in for the network; for tests.
        observer: is told of each call as it ends.
        clock: monotonic seconds, for deadlines.
        proxy_url, ca_bundle: as in :class:`SpotifySettings`. This machine's own addresses need no proxy.

    Raises:
        SettingsInvalid: the CA bundle cannot be used.
    """

    def __init__(
        self,
        service: Service,
        *,
        transport: Transport | None = None,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
        proxy_url: Secret | None = None,
        ca_bundle: Path | None = None,
    ) -> None:
        self._service = service
        self._clock = clock
        self._observer = observer
        if transport is None:
            tls = _tls(ca_bundle)
            transport = straight = _Wire(connection_pool(tls, None))
            if proxy_url is not None:
                transport = _PastTheProxy(straight, _Wire(connection_pool(tls, proxy_url)))
        self._via = "" if proxy_url is None else " through the proxy of SPOTIFY_PROXY_URL"
        self._client = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(connect=10, read=service.read_seconds, write=service.write_seconds, pool=10),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "User-Agent": f"spotify-pipeline/{version('spotify-pipeline')}",
                # A compressed answer could be a thousand times larger than what the cap lets through.
                "Accept-Encoding": "identity",
            },
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with silence():
            self._client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        route: str,
        attempt: int = 1,
        waited: float = 0.0,
        total_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request and read its answer, whatever its status.

        Args:
            method, url, headers, query, json, form: of the request.
            content: the body in blocks. An exception that it raises passes through unchanged, and cuts the connection.
            route: stands for the address in records and errors.
            attempt, waited: for the record of this call.
            total_seconds: until the end of the answer; by default what the service allows a body of this length.

        Raises:
            SpotifyUnavailable: no answer; ``may_have_happened`` is False only if the request surely was not sent.
            UntrustedServer: the server's TLS or its certificate is not to be trusted.
            UnexpectedAnswer: a success that is larger than 5 MB, or compressed though we did not ask for it; or
                headers of more than 100 KB.
            SettingsInvalid: the proxy wants credentials.
        """
        started = time.perf_counter()
        answer: Answer | None = None
        failure: SpotifyError | None = None
        content = None if content is None else _made_aloud(content)
        try:
            with ExitStack() as during:
                during.enter_context(silence())
                request = self._client.build_request(
                    method, url, params=list(query) or None, headers=headers, json=json, data=form, content=content
                )
                at = self._clock() + (self._allowed_seconds(request) if total_seconds is None else total_seconds)
                during.enter_context(deadline(at, self._clock))
                response = self._client.send(request, stream=True)
                during.callback(response.close)
                answer = self._read(response, at)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = self._failure(error)
        finally:
            self._record(method, route, answer, time.perf_counter() - started, attempt, waited)
        if failure is not None:  # raised here and not in the handler, so that httpx's error is not its context
            raise failure
        assert answer is not None  # noqa: S101  (either an answer or a failure)
        return answer

    def _allowed_seconds(self, request: httpx.Request) -> float:
        length = request.headers.get("content-length", "0")
        return self._service.total_seconds + int(length) / self._service.slowest_rate

    def _read(self, response: httpx.Response, ends_at: float) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        refused = response.status_code >= 400  # a refusal is told by its status; its body may be cut or skipped
        body = b""
        fault = None
        if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            fault = "is compressed, which was not asked for"
        else:
            body = self._body(response, ends_at)
            if len(body) > MAX_ANSWER_BYTES:
                body = b""
                fault = "is larger than 5 MB"
        if fault is not None and not refused:
            message = f"The answer of {self._service.name} {fault}."
            raise UnexpectedAnswer(message, status=response.status_code, may_have_happened=True)
        return Answer(response.status_code, headers, body)

    def _body(self, response: httpx.Response, ends_at: float) -> bytes:
        """At most one byte more than the cap. Of a refusal, what there is; else the whole of it or an error."""
        body = bytearray()
        try:
            for block in response.iter_bytes():
                body += block[: MAX_ANSWER_BYTES + 1 - len(body)]
                if len(body) > MAX_ANSWER_BYTES:
                    break
                if self._clock() >= ends_at:
                    raise httpx.ReadTimeout("the deadline of the call has passed")
        except httpx.TransportError:
            if response.status_code < 400:
                raise
        return bytes(body)

    def _failure(self, error: Exception) -> SpotifyError:
        name = self._service.subject
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return UnexpectedAnswer(f"{name} cannot be reached: its address is not one.")
        if isinstance(error, _NOT_SENT):
            return self._not_sent(error)
        if isinstance(error, httpx.TimeoutException):
            return SpotifyUnavailable(f"{name} did not answer in time.", may_have_happened=True)
        if is_header_flood(error):
            return UnexpectedAnswer(
                f"The answer of {self._service.name} has headers of more than 100 KB.", may_have_happened=True
            )
        return SpotifyUnavailable(
            f"The connection to {self._service.name} broke before the answer was complete.", may_have_happened=True
        )

    def _not_sent(self, error: Exception) -> SpotifyError:
        name = self._service.subject
        if isinstance(error, httpx.ProxyError):
            status = str(error)[:3]
            if status == "407":
                return SettingsInvalid(
                    f"{name} was not spoken to: the proxy does not accept the user name and password it was given.",
                    next_step="Set SPOTIFY_PROXY_URL to http://user:password@host:port.",
                )
            return SpotifyUnavailable(f"{name} could not be reached: the proxy refuses (status {status}).")
        fault = tls_fault(error)
        if fault is not None:
            return UntrustedServer(f"{name} was not spoken to: {fault}.")
        return SpotifyUnavailable(f"{name} could not be reached{self._via}: {why_no_connection(error)}.")

    def _record(
        self, method: str, route: str, answer: Answer | None, seconds: float, attempt: int, waited: float
    ) -> None:
        if self._observer is not None:
            self._observer(
                CallRecord(
                    service=self._service.key,
                    method=method,
                    route=route,
                    status=None if answer is None else answer.status,
                    seconds=seconds,
                    attempt=attempt,
                    trace_id=None if answer is None else answer.trace_id,
                    waited=waited,
                )
            )


def _made_aloud(content: Iterable[bytes]) -> Iterator[bytes]:
    """``content``, whose maker may make calls of its own, with a log and a deadline of their own."""
    blocks = iter(content)
    while True:
        with aloud(), no_deadline():
            block = next(blocks, None)
        if block is None:
            return
        yield block


def _tls(ca_bundle: Path | None) -> ssl.SSLContext:
    if ca_bundle is None:
        return _usual_tls()
    return trusting_too(httpx.create_ssl_context(trust_env=False), ca_bundle)


@cache
def _usual_tls() -> ssl.SSLContext:
    return trusting_too(httpx.create_ssl_context(trust_env=False), None)  # reading 140 authorities takes a while


class _Wire(httpx.HTTPTransport):
    """httpx's own transport, over connections that keep a call's deadline; its own constructor cannot take them."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool


class _PastTheProxy(httpx.BaseTransport):
    """Through the proxy, but straight to this machine's own addresses."""

    def __init__(self, straight: _Wire, through: _Wire) -> None:
        self._straight, self._through = straight, through

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        wire = self._straight if is_loopback(request.url.host) else self._through
        return wire.handle_request(request)

    def close(self) -> None:
        self._straight.close()
        self._through.close()
