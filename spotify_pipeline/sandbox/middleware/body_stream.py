"""A request's body on its way to an operation, and the point in it at which a fault happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import Message, Receive

from spotify_pipeline.sandbox.faults import Point
from spotify_pipeline.sandbox.http import CHUNK_QUANTUM, BadRange, Chunk, StatusQuery, content_of

_GONE: Message = {"type": "http.disconnect"}


def kinds_of_put(headers: Mapping[str, str]) -> frozenset[str]:
    """Which kinds of PUT a request with these headers is, for matching faults."""
    try:
        content = content_of(headers)
    except BadRange:
        return frozenset({"any"})
    if isinstance(content, StatusQuery):
        return frozenset({"any", "query"})
    if isinstance(content, Chunk) and content.total != content.last + 1:
        return frozenset({"any", "data", "part"})
    return frozenset({"any", "data", "final"})


def offset_of(point: Point, headers: Mapping[str, str]) -> int | None:
    """The point as a number of body bytes; None for the end of the body. Half of an unannounced length is 0."""
    if point == "all":
        return None
    if point == "half":
        half = int(headers.get("content-length", "0")) // 2
        return half - half % CHUNK_QUANTUM
    return point


class BodyStream:
    """The ASGI ``receive`` of an operation.

    Once the operation has taken ``offset`` bytes (None: all) and asks for more, ``at_point`` is called. If it says
    True, the operation is told that the client left; else it gets the rest.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._offset: int | None = None
        self._at_point: Callable[[], Awaitable[bool]] | None = None
        self._passed = 0
        self._kept = b""
        self._ended = False
        self._stopped = False
        self._on_flip: Callable[[], object] | None = None

    def stop_at(self, offset: int | None, at_point: Callable[[], Awaitable[bool]]) -> None:
        """Call ``at_point`` at ``offset``."""
        self._offset = offset
        self._at_point = at_point

    def flip_next(self, on_flip: Callable[[], object]) -> None:
        """Flip a bit of the next byte, and call ``on_flip`` when there is one."""
        self._on_flip = on_flip

    async def __call__(self) -> Message:
        """What the operation receives."""
        if self._at_point is not None and self._reached():
            at_point, self._at_point = self._at_point, None
            self._stopped = await at_point()
        if self._stopped:
            return _GONE
        body, self._kept = self._kept, b""
        if not body and not self._ended:
            message = await self._receive()
            if message["type"] != "http.request":
                self._ended = True
                return message
            self._ended = not message.get("more_body", False)
            body = message.get("body", b"")
        body = self._up_to_the_point(body)
        self._passed += len(body)
        more = bool(self._kept) or not self._ended or (self._at_point is not None and self._reached())
        return {"type": "http.request", "body": self._flipped(body), "more_body": more}

    async def drain(self) -> None:
        """Read what is left of the body and forget it."""
        while not self._ended:
            message = await self._receive()
            self._ended = message["type"] != "http.request" or not message.get("more_body", False)

    def _reached(self) -> bool:
        return self._ended and not self._kept if self._offset is None else self._passed == self._offset

    def _up_to_the_point(self, body: bytes) -> bytes:
        if self._at_point is None or self._offset is None:
            return body
        room = self._offset - self._passed
        body, self._kept = body[:room], body[room:]
        return body

    def _flipped(self, body: bytes) -> bytes:
        if self._on_flip is None or not body:
            return body
        self._on_flip()
        self._on_flip = None
        return bytes([body[0] ^ 1]) + body[1:]
