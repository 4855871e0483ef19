"""Network connections that keep one deadline for a whole call, however slowly the other side sends.

An HTTP library's timeouts apply to one read or write each: a server that sends a byte a second never exceeds them.
Here each read and write gets at most the time that is left until the deadline.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import httpcore

# Of one write, so that the time left is checked in between.
_WRITE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Deadline:
    at: float
    clock: Callable[[], float]


_current: ContextVar[_Deadline | None] = ContextVar("spotify_pipeline_deadline", default=None)


@contextmanager
def deadline(at: float, clock: Callable[[], float]) -> Generator[None]:
    """Inside the block, connections of :class:`DeadlineBackend` raise a timeout once ``clock`` is past ``at``."""
    token = _current.set(_Deadline(at, clock))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def no_deadline() -> Generator[None]:
    """Inside the block there is no deadline: what runs there is not part of the call."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def _within(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    """``timeout``, or the time left until the deadline if that is less."""
    current = _current.get()
    if current is None:
        return timeout
    left = current.at - current.clock()
    if left <= 0:
        raise late("the deadline of the call has passed")
    return left if timeout is None else min(timeout, left)


def addresses(host: str, port: int) -> list[str]:
    """The numeric addresses of ``host``, in the system's order.

    Raises:
        OSError: the name cannot be looked up.
        UnicodeError: it is not a valid name.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens TCP connections. Only looking up a host's name cannot be limited.

    ``look_up`` gives a host's addresses as :func:`addresses` does; ``network`` connects to one of them.
    """

    def __init__(
        self,
        look_up: Callable[[str, int], list[str]] = addresses,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._look_up = look_up
        self._network = network or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Try the host's addresses one after the other, each for ``timeout`` seconds, until the deadline."""
        try:
            found = self._look_up(host, port)
        except UnicodeError:
            raise httpcore.UnsupportedProtocol("the host cannot be a name") from None
        except OSError as error:
            raise httpcore.ConnectError("the name could not be looked up") from error
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in found:
            within = _within(timeout, httpcore.ConnectTimeout)
            try:
                return _Stream(self._network.connect_tcp(address, port, within, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            piece = buffer[start : start + _WRITE_BYTES]
            self._stream.write(piece, _within(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _within(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, within))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
