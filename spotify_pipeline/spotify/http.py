"""One HTTP client per service, and the only module that imports httpx.

What it holds for every call: the environment's proxies, certificates and .netrc are ignored; redirects are answers,
never followed; cookies are never kept; TLS is 1.2 or newer and verified; answers are read up to 5 MB; httpx and
httpcore log nothing (they would log signed URLs); and whatever fails becomes one of our errors, without its address.
"""

from __future__ import annotations

import logging
import math
import ssl
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from types import TracebackType
from typing import TypeAlias

import httpx

from spotify_pipeline.spotify.answer import Answer, CallRecord, Observer
from spotify_pipeline.spotify.errors import SpotifyError, SpotifyUnavailable, UnexpectedAnswer, UntrustedServer

Transport: TypeAlias = httpx.BaseTransport

MAX_ANSWER_BYTES = 5 * 1024 * 1024
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)
_speaking: ContextVar[bool] = ContextVar("spotify_pipeline_speaking", default=False)


class _SilentWhileWeSpeak(logging.Filter):
    """Drops what httpx and httpcore log about our calls, at any level; calls of other code are logged as before."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return not _speaking.get()


_silence = _SilentWhileWeSpeak()
for _name in _LOGGERS:
    # A filter and not a level: Dagster and others set levels again later.
    logging.getLogger(_name).addFilter(_silence)


@dataclass(frozen=True, slots=True)
class Service:
    """Whom a client speaks to.

    Attributes:
        key: as in :class:`CallRecord`.
        name: as in an error's sentence.
        read_seconds, write_seconds: longest silence tolerated while waiting for, or sending, the next bytes.
        total_seconds: from the start of a call to the end of its answer's body, however steadily that drips.
    """

    key: str
    name: str
    read_seconds: float = 30
    write_seconds: float = 30
    total_seconds: float = 120


ADS_API = Service("ads-api", "Spotify's Ads API")
ACCOUNTS = Service("accounts", "Spotify's accounts service")
# A large file may take hours to send, and the storage a while to answer its last byte.
STORAGE = Service("storage", "The upload storage", read_seconds=120, write_seconds=60, total_seconds=math.inf)


class HttpClient:
    """Sends one request at a time to one service. No authentication of its own: the caller gives each header.

    ``clock`` gives monotonic seconds, for the service's ``total_seconds``.
    """

    def __init__(
        self,
        service: Service,
        *,
        transport: Transport | None = None,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._clock = clock
        self._observer = observer
        timeout = httpx.Timeout(connect=10, read=service.read_seconds, write=service.write_seconds, pool=10)
        self._client = httpx.Client(
            transport=transport or httpx.HTTPTransport(verify=_tls(), trust_env=False),
            timeout=timeout,
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with _speech():
            self._client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        route: str,
        attempt: int = 1,
        headers: Mapping[str, str] | None = None,
        query: Sequence[tuple[str, str]] = (),
        json: object = None,
        form: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request and read its answer, whatever its status.

        ``route`` stands for the address in records and errors. An exception raised by ``content`` itself passes
        through unchanged, and cuts the connection.

        Raises:
            SpotifyUnavailable: no answer; ``may_have_happened`` is False only if the request surely was not sent.
            UntrustedServer: the certificate is not valid.
            UnexpectedAnswer: a success that is larger than 5 MB, or compressed though we did not ask for it.
        """
        deadline = self._clock() + self._service.total_seconds
        started = time.perf_counter()
        answer: Answer | None = None
        failure: SpotifyError | None = None
        try:
            with _speech():
                request = self._client.build_request(
                    method, url, params=list(query) or None, headers=headers, json=json, data=form, content=content
                )
                response = self._client.send(request, stream=True)
                try:
                    answer = self._read(response, deadline)
                finally:
                    response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            failure = self._failure(error)
        finally:
            self._record(method, route, answer, time.perf_counter() - started, attempt)
        if failure is not None:  # raised here and not in the handler, so that httpx's error is not its context
            raise failure
        assert answer is not None  # noqa: S101  (either an answer or a failure)
        return answer

    def _read(self, response: httpx.Response, deadline: float) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        refused = response.status_code >= 400  # a refusal is told by its status; its body may be cut or skipped
        body = b""
        fault = None
        if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            fault = "is compressed, which was not asked for"
        else:
            body = self._body(response, deadline)
            if len(body) > MAX_ANSWER_BYTES:
                body = b""
                fault = "is larger than 5 MB"
        if fault is not None and not refused:
            message = f"The answer of {self._service.name} {fault}."
            raise UnexpectedAnswer(message, status=response.status_code, may_have_happened=True)
        return Answer(response.status_code, headers, body)

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        """At most one byte more than the cap. Past the deadline, what there is of a refusal's; else an error."""
        body = bytearray()
        for block in response.iter_bytes():
            body += block[: MAX_ANSWER_BYTES + 1 - len(body)]
            if len(body) > MAX_ANSWER_BYTES:
                break
            if self._clock() >= deadline:
                if response.status_code >= 400:
                    break
                raise self._late()
        return bytes(body)

    def _late(self) -> SpotifyUnavailable:
        return SpotifyUnavailable(f"{self._service.name} did not answer in time.", may_have_happened=True)

    def _failure(self, error: Exception) -> SpotifyError:
        name = self._service.name
        if _certificate_refused(error):
            return UntrustedServer(f"{name} was not spoken to: its TLS certificate is not valid.")
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return UnexpectedAnswer(f"{name} cannot be reached: its address is not one.")
        if isinstance(error, _NOT_SENT):
            return SpotifyUnavailable(f"{name} could not be reached: no connection.")
        if isinstance(error, httpx.TimeoutException):
            return self._late()
        return SpotifyUnavailable(
            f"The connection to {name} broke before the answer was complete.", may_have_happened=True
        )

    def _record(self, method: str, route: str, answer: Answer | None, seconds: float, attempt: int) -> None:
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
                )
            )


@contextmanager
def _speech() -> Generator[None]:
    token = _speaking.set(True)
    try:
        yield
    finally:
        _speaking.reset(token)


def _tls() -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _certificate_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
