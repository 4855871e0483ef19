"""The gate every request passes: who may call at all, which operation it is, and a line in the request log.

The operation is known before the request is handled, by the same route table that handles it. That makes this the
one place where a scripted fault takes an operation over.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_pipeline.sandbox.faults import OPERATIONS, Hit
from spotify_pipeline.sandbox.middleware.body_stream import kinds_of_put
from spotify_pipeline.sandbox.middleware.effects import FaultyCall
from spotify_pipeline.sandbox.store import Exchange, SandboxState

_READING_METHODS = {"GET", "HEAD", "OPTIONS"}
_NO_ROUTE = ("unknown", "unknown")


class _Exchange:
    """One request on its way through: counts its body, and notes it just before its answer is complete.

    A client that has the answer can therefore rely on the log, though work may continue in the background.
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
        self._start: Message | None = None
        self._noted = False
        self.hit: Hit | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        self._body_bytes += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # An answer without a body is complete with its head, so neither goes before it is noted.
            self._status, self._start = message["status"], message
            return
        if not message.get("more_body", False):
            self.note()
        if self._start is not None:
            await self._send(self._start)
            self._start = None
        await self._send(message)

    def note(self, status: int | None = None) -> None:
        """Put the exchange in the log, once, with ``status`` if it was not sent by :meth:`send`."""
        if self._noted:
            return
        self._noted = True
        operation, route = self._operation
        hit = self.hit if self.hit is not None and self.hit.struck else None
        self._state.requests.add(
            Exchange(
                number=self._number,
                at=self._state.clock.now(),
                method=self._method,
                operation=operation,
                route=route,
                header_names=self._header_names,
                body_bytes=self._body_bytes,
                status=self._status if status is None else status,
                fault=hit.fault.name if hit else None,
                fault_number=hit.number if hit else None,
            )
        )


class RequestMiddleware:
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
        operation = self._operation(scope)
        exchange = _Exchange(self._state, scope, headers, operation, receive, send)
        try:
            refusal = self._refusal(str(scope["method"]), headers)
            if refusal is not None:
                await refusal(scope, exchange.receive, exchange.send)
                return
            exchange.hit = self._claim(operation[0], headers)
            app = self._watching(operation[0])
            if exchange.hit is None:
                await app(scope, exchange.receive, exchange.send)
            else:
                await FaultyCall(self._state, exchange.hit, exchange.note, scope, exchange.receive, exchange.send).run(
                    app
                )
        finally:
            exchange.note()

    def _claim(self, operation: str, headers: Headers) -> Hit | None:
        """The scripted fault that has this request, if one has. The sandbox's own endpoints have none."""
        if operation not in OPERATIONS:
            return None
        kinds = kinds_of_put(headers) if operation == "put_upload" else frozenset({"any"})
        return self._state.faults.claim(operation, kinds)

    def _watching(self, operation: str) -> ASGIApp:
        """The sandbox's own application; faults that wait for an operation learn when it has succeeded."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start" and message["status"] < 300:
                    self._state.faults.carried_out(operation)
                await send(message)

            await self._app(scope, receive, watched)

        return app

    def _operation(self, scope: Scope) -> tuple[str, str]:
        for route in self._routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route.name, route.path
        return _NO_ROUTE

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
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
