"""The gate every request passes: who may call at all, which operation it is, and a line in the request log.

The operation is known before the request is handled, by the same route table that handles it. That makes this the
one place where a scripted fault can take an operation over.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_pipeline.sandbox.request_log import Exchange
from spotify_pipeline.sandbox.state import SandboxState

_READING_METHODS = {"GET", "HEAD", "OPTIONS"}
_NO_ROUTE = ("unknown", "unknown")


class _Exchange:
    """One request on its way through: counts its body, and notes it just before its answer is complete.

    Whoever has the answer can therefore rely on the log, though work may go on in the background.
    """

    def __init__(
        self,
        state: SandboxState,
        scope: Scope,
        headers: Headers,
        operation: tuple[str, str],
        receive: Receive,
        send: Send,
    ) -> None:
        self._state = state
        self._number = state.requests.next_number()
        self._method = str(scope["method"])
        self._header_names = tuple(sorted(set(headers.keys())))
        self._operation = operation
        self._receive = receive
        self._send = send
        self._body_bytes = 0
        self._status: int | None = None
        self._noted = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._body_bytes += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.note()
        await self._send(message)

    def note(self) -> None:
        """Put the exchange in the log, once."""
        if self._noted:
            return
        self._noted = True
        operation, route = self._operation
        self._state.requests.add(
            Exchange(
                number=self._number,
                at=self._state.clock.now(),
                method=self._method,
                operation=operation,
                route=route,
                header_names=self._header_names,
                body_bytes=self._body_bytes,
                status=self._status,
            )
        )


class Gate:
    """ASGI application around another."""

    def __init__(self, app: ASGIApp, *, state: SandboxState, routes: Sequence[Route]) -> None:
        self._app = app
        self._state = state
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        exchange = _Exchange(self._state, scope, headers, self._operation(scope), receive, send)
        try:
            fault = self._fault(str(scope["method"]), headers)
            app = self._app if fault is None else fault
            await app(scope, exchange.receive, exchange.send)
        finally:
            exchange.note()

    def _operation(self, scope: Scope) -> tuple[str, str]:
        for route in self._routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route.name, route.path
        return _NO_ROUTE

    def _fault(self, method: str, headers: Headers) -> PlainTextResponse | None:
        """Refuse what a web page elsewhere could make a browser send here: the lists are personal data."""
        host = headers.get("host", "")
        if not self._is_own_name(host):
            return PlainTextResponse(
                "The sandbox only answers under a loopback name or one of its allowed_hosts.\n", 421
            )
        origin = headers.get("origin")
        if method not in _READING_METHODS and origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse("The sandbox takes no requests from other origins.\n", 403)
        return None

    def _is_own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name in self._state.config.allowed_hosts:
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False
