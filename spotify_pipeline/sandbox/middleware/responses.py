"""Answers as faults give and change them."""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import cast

from starlette.types import Message

from spotify_pipeline.sandbox.faults import Alter, Drip, EditJson, Reply, Text, Truncate

_GZIP = 31
"""zlib's name for "with a gzip header"."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class WholeResponse:
    """A whole answer. Header names are lower case, and none says how long the body is."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @classmethod
    def of(cls, start: Message, body: bytes) -> WholeResponse:
        """What an ASGI application sent."""
        headers = [(name.lower(), value) for name, value in start["headers"]]
        return cls(start["status"], [pair for pair in headers if pair[0] != b"content-length"], body)

    def messages(self) -> tuple[Message, Message]:
        """The answer as ASGI messages."""
        start: Message = {"type": "http.response.start", "status": self.status, "headers": self._all_headers()}
        return start, {"type": "http.response.body", "body": self.body}

    def head(self) -> bytes:
        """The status line and the headers as they go over the wire, for a connection that closes afterwards."""
        known = self.status in {status.value for status in HTTPStatus}
        phrase = HTTPStatus(self.status).phrase if known else ""
        lines = [f"HTTP/1.1 {self.status} {phrase}".encode()]
        lines += [name + b": " + value for name, value in [*self._all_headers(), (b"connection", b"close")]]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def with_headers(self, headers: Mapping[str, Text]) -> WholeResponse:
        """The answer with these headers in place of its own of the same names."""
        names = {name.lower().encode() for name in headers}
        kept = [pair for pair in self.headers if pair[0] not in names]
        return replace(self, headers=[*kept, *_encoded(headers)])

    def says_the_same_as(self, other: WholeResponse) -> bool:
        """Whether a client would read the same from both: the order of headers with different names says nothing."""
        in_order = [sorted(response.headers, key=lambda pair: pair[0]) for response in (self, other)]
        return (self.status, self.body, in_order[0]) == (other.status, other.body, in_order[1])

    def _all_headers(self) -> Headers:
        if self.status in {204, 304}:
            return self.headers
        return [*self.headers, (b"content-length", str(len(self.body)).encode())]


def replied(reply: Reply) -> WholeResponse:
    """The answer that a :class:`Reply` describes."""
    headers = _encoded(reply.headers)
    body = _compressed(reply.body, reply.repeat) if reply.gzip else reply.body.encode() * reply.repeat
    if reply.gzip:
        headers.append((b"content-encoding", b"gzip"))
    if reply.header_bytes:
        headers.append((b"x-padding", b"x" * reply.header_bytes))
    return WholeResponse(reply.status, headers, body)


def altered(response: WholeResponse, change: Alter) -> WholeResponse:
    """The answer with the change's parts replaced; the same answer where that makes no difference."""
    removed = {name.lower().encode() for name in change.remove}
    other = replace(response, headers=[pair for pair in response.headers if pair[0] not in removed])
    body = response.body if change.body is None else change.body.encode()
    other = replace(other.with_headers(change.headers), status=change.status or response.status, body=body)
    return response if other.says_the_same_as(response) else other


def edited(response: WholeResponse, edit: EditJson, times: int) -> WholeResponse:
    """The answer with its JSON edited; the same answer where that makes no difference.

    ``times`` is how often the fault has happened, this time included.
    """
    document = _document(response)
    unedited = _canonical(document)
    for path, value in edit.set.items():
        _apply(document, path, functools.partial(_set, value))
    for path in edit.drop:
        _apply(document, path, _drop)
    for path, name in edit.rename.items():
        _apply(document, path, functools.partial(_rename, name))
    for path, name in edit.pluck.items():
        _apply(document, path, functools.partial(_pluck, name))
    for path, step in edit.add.items():
        _apply(document, path, functools.partial(_add, step * times))
    return response if _canonical(document) == unedited else replace(response, body=json.dumps(document).encode())


def is_left_alone(response: WholeResponse, ending: Truncate | Drip) -> bool:
    """Whether the ending has nothing to do with this answer: no byte to keep back, or no body to drip."""
    if isinstance(ending, Truncate):
        return ending.keep >= len(response.body)
    return ending.part == "body" and not response.body


def lacks_refresh_token(response: WholeResponse) -> bool:
    """Whether a token answer is a success that gives no refresh token."""
    return response.status == HTTPStatus.OK and "refresh_token" not in _document(response)


def without_audience(response: WholeResponse, audience_id: str) -> WholeResponse:
    """A page of audiences without this one; the same answer where it is not on the page."""
    document = _document(response)
    audiences = cast("list[dict[str, str]]", document.get("audiences", []))
    left = [audience for audience in audiences if audience["id"] != audience_id]
    if len(left) == len(audiences):
        return response
    document["audiences"] = left
    cast("dict[str, int]", document["paging"])["total_results"] -= 1
    return replace(response, body=json.dumps(document).encode())


def _encoded(headers: Mapping[str, Text]) -> Headers:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, text in headers.items()
        for value in ((text,) if isinstance(text, str) else text)
    ]


@functools.lru_cache(maxsize=4)
def _compressed(text: str, repeat: int) -> bytes:
    """``text`` repeated and compressed, without ever holding it all."""
    block_of = max(1, (1 << 20) // max(1, len(text)))
    compressor = zlib.compressobj(wbits=_GZIP)
    block = text.encode() * block_of
    pieces = [compressor.compress(block) for _ in range(repeat // block_of)]
    return b"".join([*pieces, compressor.compress(text.encode() * (repeat % block_of)), compressor.flush()])


_Change = Callable[[dict[str, object], str], None]


def _document(response: WholeResponse) -> dict[str, object]:
    try:
        document: object = json.loads(response.body)
    except ValueError:
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}


def _canonical(document: dict[str, object]) -> str:
    """As text, because to Python 1, 1.0 and true are equal."""
    return json.dumps(document, sort_keys=True)


def _apply(document: dict[str, object], path: str, change: _Change) -> None:
    *way, last = path.split(".")
    for place in _places(document, way):
        if last in place:
            change(place, last)


def _places(value: object, way: list[str]) -> Iterator[dict[str, object]]:
    """Every object at the end of ``way``."""
    if isinstance(value, list) and way and way[0] == "*":
        for entry in cast("list[object]", value):
            yield from _places(entry, way[1:])
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        if not way:
            yield fields
        elif way[0] in fields:
            yield from _places(fields[way[0]], way[1:])


def _set(value: object, place: dict[str, object], name: str) -> None:
    place[name] = value


def _drop(place: dict[str, object], name: str) -> None:
    del place[name]


def _rename(to: str, place: dict[str, object], name: str) -> None:
    place[to] = place.pop(name)


def _pluck(field_name: str, place: dict[str, object], name: str) -> None:
    entries = place[name]
    if isinstance(entries, list):
        objects = cast("list[dict[str, object]]", entries)
        place[name] = [entry.get(field_name) for entry in objects]


def _add(number: int, place: dict[str, object], name: str) -> None:
    value = place[name]
    if isinstance(value, int):
        place[name] = value + number
