"""Makes a scripted fault happen to one request.

The operation itself knows nothing of it. A fault before it answers in its place; a fault midway looks to it like a
client that left after so many bytes; a fault after it changes what it answered, or keeps that from the client.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spotify_pipeline.sandbox.faults import (
    Acknowledge,
    Alter,
    Corrupt,
    Cut,
    Drip,
    EditJson,
    Ending,
    ForAnother,
    HideNewest,
    Hit,
    Intrude,
    Lose,
    Reply,
    Stall,
    Truncate,
)
from spotify_pipeline.sandbox.http import RawConnection, raw_connection_of
from spotify_pipeline.sandbox.middleware.body_stream import BodyStream, offset_of
from spotify_pipeline.sandbox.middleware.other_objects import about_another
from spotify_pipeline.sandbox.middleware.responses import (
    WholeResponse,
    altered,
    edited,
    is_left_alone,
    replied,
    without_audience,
)
from spotify_pipeline.sandbox.middleware.store_effects import acknowledgement, change_world, kept_refresh_token
from spotify_pipeline.sandbox.store import SandboxState

Note = Callable[[int | None], None]
"""Puts the request in the log with the status the client gets; None where it gets none."""


class FaultyCall:
    """One request that a fault has claimed."""

    def __init__(self, state: SandboxState, hit: Hit, note: Note, scope: Scope, receive: Receive, send: Send) -> None:
        self._state = state
        self._hit = hit
        self._note = note
        self._scope = dict(scope)
        self._receive = receive
        self._send = send
        self._body_stream = BodyStream(receive)
        self._ending: Ending | None = None
        self._over = False
        self._start: Message = {}
        self._body = bytearray()

    async def run(self, app: ASGIApp) -> None:
        """Have ``app`` carry the request out, faults included. A fault that did not happen waits for the next one."""
        try:
            if await self._before():
                await app(self._scope, self._body_stream, self._collect)
        finally:
            self._hit.release()

    async def _before(self) -> bool:
        """The first moment. Whether the operation is still to be carried out."""
        for action in self._hit.fault.before:
            if isinstance(action, Reply | Cut):
                await self._end(action, WholeResponse(200))
                return False
            if isinstance(action, Stall):
                await self._stall(action)
            elif change_world(self._state, self._scope, action):
                self._hit.strike()
        midway = self._hit.fault.midway
        if midway is not None:
            self._body_stream.stop_at(offset_of(midway.stored, Headers(scope=self._scope)), self._midway)
        return True

    async def _midway(self) -> bool:
        """The second moment. Whether it ends the request."""
        midway = self._hit.fault.midway
        for action in midway.do if midway else ():
            if isinstance(action, Stall):
                await self._stall(action)
            elif isinstance(action, Corrupt):
                self._body_stream.flip_next(self._hit.strike)
            elif isinstance(action, Cut) and not action.read_body:
                await self._end(action, WholeResponse(200))
                return True
            else:
                self._ending = action
                return True
        return False

    async def _collect(self, message: Message) -> None:
        """The operation's ASGI ``send``: once its answer is complete, the third moment."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False) or self._over:
            return
        response = WholeResponse.of(self._start, bytes(self._body))
        if kept_refresh_token(self._state, self._scope, response):
            self._hit.strike()
        if self._ending is not None:
            await self._end(self._ending, response)
        elif self._hit.fault.on_status in {None, response.status}:
            await self._after(response)
        else:
            await self._deliver(response)

    async def _after(self, response: WholeResponse) -> None:
        for action in self._hit.fault.after:
            if isinstance(action, Truncate | Drip) and is_left_alone(response, action):
                break
            if isinstance(action, Ending):
                await self._end(action, response)
                return
            if isinstance(action, Stall):
                await self._stall(action)
            elif isinstance(action, Lose | Intrude):
                if change_world(self._state, self._scope, action):
                    self._hit.strike()
            else:
                response = self._changed(response, action)
        await self._deliver(response)

    def _changed(self, response: WholeResponse, action: Alter | EditJson | HideNewest | ForAnother) -> WholeResponse:
        if isinstance(action, Alter):
            changed = altered(response, action)
        elif isinstance(action, EditJson):
            changed = edited(response, action, self._hit.turn)
        elif isinstance(action, ForAnother):
            changed = about_another(self._state, self._scope, response, action.id)
        else:
            newest = max(self._state.audiences.all(), key=lambda audience: audience.created_at, default=None)
            changed = without_audience(response, newest.id if newest else "")
        if changed is not response:
            self._hit.strike()
        return changed

    async def _end(self, action: Ending, response: WholeResponse) -> None:
        """Be done with the request. ``answer`` is the operation's own, where it gave one."""
        if not isinstance(action, Cut) or action.read_body:
            await self._body_stream.drain()
        if isinstance(action, Reply):
            response = await run_in_threadpool(replied, action)
        elif isinstance(action, Acknowledge):
            response = acknowledgement(self._state, self._scope, action)
        elif isinstance(action, Cut):
            await self._cut(action)
            return
        else:
            await self._send_raw(response, action)
            return
        self._hit.strike()
        await self._deliver(response)

    async def _stall(self, action: Stall) -> None:
        self._hit.strike()
        await self._state.faults.pause(action.seconds)

    async def _deliver(self, response: WholeResponse) -> None:
        self._over = True
        self._hit.release()
        for message in response.messages():
            await self._send(message)

    async def _cut(self, action: Cut) -> None:
        self._over = True
        connection = raw_connection_of(self._scope)
        self._hit.strike()
        self._note(None)
        if action.how == "reset":
            connection.reset()
        else:
            connection.close()
        await self._until_gone()

    async def _send_raw(self, response: WholeResponse, action: Truncate | Drip) -> None:
        """Send an answer past the HTTP server, and close the connection."""
        self._over = True
        connection = raw_connection_of(self._scope)
        self._hit.strike()
        self._note(response.status)
        if isinstance(action, Truncate):
            connection.write(response.head() + response.body[: action.keep])
        else:
            slow, rest = (response.head(), response.body) if action.part == "head" else (response.body, b"")
            connection.write(b"" if action.part == "head" else response.head())
            await self._drip(connection, slow, action.seconds)
            connection.write(rest)
        connection.close()
        await self._until_gone()

    async def _drip(self, connection: RawConnection, data: bytes, seconds: float) -> None:
        for position in range(len(data)):
            connection.write(data[position : position + 1])
            if connection.closing or not await self._state.faults.pause(seconds):
                connection.write(data[position + 1 :])
                return

    async def _until_gone(self) -> None:
        """Wait until the server knows that the connection is closed, or it would answer by itself."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
