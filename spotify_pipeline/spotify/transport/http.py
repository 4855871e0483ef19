"""One HTTP client per service.

Holds for every call: the environment's proxies, certificates and .netrc are ignored; redirects are responses, never
followed; cookies are never kept; TLS is 1.2 or newer and verified; one deadline holds from connecting to the last
byte; responses are read up to 5 MB; httpx logs nothing; and every failure becomes a typed error without its address.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import httpx

from spotify_pipeline.retries import API_CALL, UPLOAD_REQUEST
from spotify_pipeline.spotify.errors import (
    SettingsInvalid,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedResponse,
    UntrustedServer,
)
from spotify_pipeline.spotify.lenient_json import JsonObject, parse_object, text
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport.call_log import CallRecord, Observer
from spotify_pipeline.spotify.transport.deadlines import deadline, no_deadline
from spotify_pipeline.spotify.transport.log_filter import http_logs_muted, http_logs_unmuted
from spotify_pipeline.spotify.transport.tls_and_proxy import (
    headers_too_large,
    network_transport,
    tls_fault,
    why_no_connection,
)

Transport: TypeAlias = httpx.BaseTransport

MAX_RESPONSE_BYTES = 5 * 1024 * 1024
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_TRACE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Service:
    """A service that a client calls, and its timeouts.

    Attributes:
        key: as in :class:`CallRecord`.
        name: within an error's sentence; ``subject`` is the same at its beginning.
        read_seconds, write_seconds: longest silence while waiting for, or sending, the next bytes.
        total_seconds: from the start of a call to the end of its response.
        slowest_rate: bytes per second; a request may take longer by the time that its body takes at this rate.
    """

    key: str
    name: str
    read_seconds: float = 30
    write_seconds: float = 30
    total_seconds: float = API_CALL.one_try
    slowest_rate: float = math.inf

    @property
    def subject(self) -> str:
        return self.name[0].upper() + self.name[1:]


ADS_API = Service("ads-api", "Spotify's Ads API")
ACCOUNTS = Service("accounts", "Spotify's accounts service")
# A batch of events is below a megabyte; at 32 KiB/s it takes half a minute longer than a small call.
CONVERSIONS = Service("capi", "Spotify's Conversions API", slowest_rate=32_768)
# The storage may take a while to respond to the last byte of a file. At 32 KiB/s: 9 minutes for a request of 8 MiB.
STORAGE = Service(
    "storage",
    "the upload storage",
    read_seconds=120,
    write_seconds=60,
    total_seconds=UPLOAD_REQUEST.one_try,
    slowest_rate=32_768,
)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, read whole (at most 5 MB). Headers and body may hold secrets, so ``repr`` leaves them out."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in lower case; repeated headers joined by ", "
    body: bytes = field(repr=False)

    def json(self) -> JsonObject | None:
        """The JSON object in the body, or None when it is something else."""
        return parse_object(self.body)

    @property
    def trace_id(self) -> str | None:
        """``sp_trace_id`` of an error's body. Other responses have none."""
        stated = text(self.json() or {}, "sp_trace_id") if self.status >= 400 else None
        return stated if stated and _TRACE_ID.fullmatch(stated) else None


class HttpClient:
    """Sends one request at a time to one service. Adds no authentication: the caller gives each header.

    Args:
        service: that it calls.
        transport: replaces the network; for tests.
        observer: receives a record of each call as it ends.
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
            transport = network_transport(proxy_url, ca_bundle)
        self._via = "" if proxy_url is None else " through the proxy of SPOTIFY_PROXY_URL"
        self._client = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(connect=10, read=service.read_seconds, write=service.write_seconds, pool=10),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            headers={
                "User-Agent": f"spotify-pipeline/{version('spotify-pipeline')}",
                # A compressed response could be a thousand times larger than the cap.
                "Accept-Encoding": "identity",
            },
        )

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with http_logs_muted():
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
    ) -> Response:
        """Send one request and read its response, whatever its status.

        Args:
            method, url, headers, query, json, form: of the request.
            content: the body in blocks. An exception that it raises passes through unchanged and closes the connection.
            route: stands for the address in records and errors.
            attempt, waited: for the record of this call.
            total_seconds: until the end of the response; by default what the service allows for a body of this length.

        Raises:
            SpotifyUnavailable: no response; ``may_have_happened`` is False only if the request was certainly not sent.
            UntrustedServer: the server's TLS or its certificate cannot be trusted.
            UnexpectedResponse: a success larger than 5 MB, or compressed though that was not requested; or headers
                larger than 100 KB.
            SettingsInvalid: the proxy requires credentials.
        """
        started = time.perf_counter()
        response: Response | None = None
        failure: SpotifyError | None = None
        content = None if content is None else _outside_the_call(content)
        try:
            with ExitStack() as during:
                during.enter_context(http_logs_muted())
                request = self._client.build_request(
                    method, url, params=list(query) or None, headers=headers, json=json, data=form, content=content
                )
                at = self._clock() + (self._allowed_seconds(request) if total_seconds is None else total_seconds)
                during.enter_context(deadline(at, self._clock))
                http_response = self._client.send(request, stream=True)
                during.callback(http_response.close)
                response = self._read(http_response, at)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = self._failure(error)
        finally:
            self._record(method, route, response, time.perf_counter() - started, attempt, waited)
        if failure is not None:  # raised here and not in the handler, so that httpx's error is not its context
            raise failure
        assert response is not None  # noqa: S101  (either a response or a failure)
        return response

    def _allowed_seconds(self, request: httpx.Request) -> float:
        length = request.headers.get("content-length", "0")
        return self._service.total_seconds + int(length) / self._service.slowest_rate

    def _read(self, http_response: httpx.Response, ends_at: float) -> Response:
        headers = {name.lower(): value for name, value in http_response.headers.items()}
        refused = http_response.status_code >= 400  # the status of an error is enough; its body may be cut or skipped
        body = b""
        fault = None
        if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            fault = "is compressed, which was not requested"
        else:
            body = self._body(http_response, ends_at)
            if len(body) > MAX_RESPONSE_BYTES:
                body = b""
                fault = "is larger than 5 MB"
        if fault is not None and not refused:
            message = f"The response of {self._service.name} {fault}."
            raise UnexpectedResponse(message, status=http_response.status_code, may_have_happened=True)
        return Response(http_response.status_code, headers, body)

    def _body(self, http_response: httpx.Response, ends_at: float) -> bytes:
        """At most one byte more than the cap. Of an error response, as much as arrived."""
        body = bytearray()
        try:
            for block in http_response.iter_bytes():
                body += block[: MAX_RESPONSE_BYTES + 1 - len(body)]
                if len(body) > MAX_RESPONSE_BYTES:
                    break
                if self._clock() >= ends_at:
                    raise httpx.ReadTimeout("the deadline of the call has passed")
        except httpx.TransportError:
            if http_response.status_code < 400:
                raise
        return bytes(body)

    def _failure(self, error: Exception) -> SpotifyError:
        name = self._service.subject
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return UnexpectedResponse(f"{name} cannot be reached: its address is not valid.")
        if isinstance(error, _NOT_SENT):
            return self._not_sent(error)
        if isinstance(error, httpx.TimeoutException):
            return SpotifyUnavailable(f"{name} did not respond in time.", may_have_happened=True)
        if headers_too_large(error):
            return UnexpectedResponse(
                f"The response of {self._service.name} has headers of more than 100 KB.", may_have_happened=True
            )
        return SpotifyUnavailable(
            f"The connection to {self._service.name} broke before the response was complete.", may_have_happened=True
        )

    def _not_sent(self, error: Exception) -> SpotifyError:
        name = self._service.subject
        if isinstance(error, httpx.ProxyError):
            status = str(error)[:3]
            if status == "407":
                return SettingsInvalid(
                    f"{name} was not called: the proxy rejects the user name and password.",
                    next_step="Set SPOTIFY_PROXY_URL to http://user:password@host:port.",
                )
            return SpotifyUnavailable(
                f"{name} could not be reached: the proxy rejects the connection (status {status})."
            )
        fault = tls_fault(error)
        if fault is not None:
            return UntrustedServer(f"{name} was not called: {fault}.")
        return SpotifyUnavailable(f"{name} could not be reached{self._via}: {why_no_connection(error)}.")

    def _record(
        self, method: str, route: str, response: Response | None, seconds: float, attempt: int, waited: float
    ) -> None:
        if self._observer is not None:
            self._observer(
                CallRecord(
                    service=self._service.key,
                    method=method,
                    route=route,
                    status=None if response is None else response.status,
                    seconds=seconds,
                    attempt=attempt,
                    trace_id=None if response is None else response.trace_id,
                    waited=waited,
                )
            )


def _outside_the_call(content: Iterable[bytes]) -> Iterator[bytes]:
    """``content``, whose producer may make calls with their own log lines and deadline."""
    blocks = iter(content)
    while True:
        with http_logs_unmuted(), no_deadline():
            block = next(blocks, None)
        if block is None:
            return
        yield block
