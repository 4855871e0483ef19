"""The connection under a request, for faults that HTTP cannot express: no answer at all, or one byte at a time.

An ASGI server shows applications requests, not connections. uvicorn hands every request a copy of its protocol's
``app_state`` as ``scope["state"]``; the protocol here puts the connection there, whichever of uvicorn's own two
protocols does the work.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from spotify_pipeline.sandbox.config import SandboxError

_KEY = "spotify_pipeline.sandbox.http.raw_connection"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class RawConnection:
    """One client's connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @property
    def closing(self) -> bool:
        """Whether the connection is closed or about to be, by either side."""
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes past HTTP, if the client is still there. Nothing else may follow on this connection; close it."""
        if not self.closing:
            self._transport.write(data)

    def close(self) -> None:
        """End the connection in order: what was written arrives, then the end of the stream."""
        self._transport.close()

    def reset(self) -> None:
        """Tear the connection down at once, with a TCP reset."""
        connection: socket.socket = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


class RawConnectionProtocol(AutoHTTPProtocol):
    """uvicorn's HTTP protocol, which also shows its connection to the application."""

    app_state: dict[str, object]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """uvicorn calls this once per connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, _KEY: RawConnection(cast("asyncio.Transport", transport))}


def raw_connection_of(scope: Scope) -> RawConnection:
    """The connection a request came by.

    Raises:
        SandboxError: the application runs under another server than the sandbox's own.
    """
    connection = scope.get("state", {}).get(_KEY)
    if not isinstance(connection, RawConnection):
        raise SandboxError("connections can only be cut or slowed down under SandboxServer or serve().")
    return connection
