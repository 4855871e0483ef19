"""httpx's requests over connections of httpcore, by the public interface of both.

httpx's own transport makes its connections itself, and lets nobody give it a network backend.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpcore
import httpx

_KINDS: dict[type, type[httpx.TransportError]] = {
    httpcore.TimeoutException: httpx.TimeoutException,
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.NetworkError: httpx.NetworkError,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.ProtocolError: httpx.ProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}


class PooledTransport(httpx.BaseTransport):
    """Sends each request over one of the pool's connections. The pool is closed with it."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body not yet read.

        Raises:
            httpx.TransportError: of the same name as the error of httpcore, which is its cause.
        """
        url = request.url
        if not isinstance(request.stream, httpx.SyncByteStream):
            raise TypeError("the body of the request is asynchronous")
        with _as_httpx_errors():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        extensions = cast("dict[str, Any]", response.extensions)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response), extensions=extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx_errors():
            yield from self._response.iter_stream()

    def close(self) -> None:
        with _as_httpx_errors():
            self._response.close()


@contextmanager
def _as_httpx_errors() -> Generator[None]:
    try:
        yield
    except Exception as error:
        kind = next((_KINDS[each] for each in type(error).__mro__ if each in _KINDS), None)
        if kind is None:
            raise
        raise kind(str(error)) from None
