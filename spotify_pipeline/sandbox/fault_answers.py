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

from spotify_pipeline.sandbox.fault_actions import Alter, EditJson, Reply, Text

_GZIP = 31
"""zlib's name for "with a gzip header"."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """A whole answer. Header names are lower case, and none says how long the body is."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    @classmethod
    def of(cls, start: Message, body: bytes) -> Answer:
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

    def with_headers(self, headers: Mapping[str, Text]) -> Answer:
        """The answer with these headers in place of its own of the same names."""
        names = {name.lower().encode() for name in headers}
        kept = [pair for pair in self.headers if pair[0] not in names]
        return replace(self, headers=[*kept, *_encoded(headers)])

    def _all_headers(self) -> Headers:
        if self.status in {204, 304}:
            return self.headers
        return [*self.headers, (b"content-length", str(len(self.body)).encode())]


def replied(reply: Reply) -> Answer:
    """The answer that a :class:`Reply` describes."""
    headers = _encoded(reply.headers)
    body = _compressed(reply.body, reply.repeat) if reply.gzip else reply.body.encode() * reply.repeat
    if reply.gzip:
        headers.append((b"content-encoding", b"gzip"))
    if reply.header_bytes:
        headers.append((b"x-padding", b"x" * reply.header_bytes))
    return Answer(reply.status, headers, body)


def altered(answer: Answer, change: Alter) -> Answer:
    """The answer with the change's parts replaced."""
    removed = {name.lower().encode() for name in change.remove}
    answer = replace(answer, headers=[pair for pair in answer.headers if pair[0] not in removed])
    body = answer.body if change.body is None else change.body.encode()
    return replace(answer.with_headers(change.headers), status=change.status or answer.status, body=body)


def edited(answer: Answer, edit: EditJson, times: int) -> Answer:
    """The answer with its JSON edited; the same answer where no path of the edit is in it.

    ``times`` is how often the fault has happened, this time included.
    """
    document = _document(answer)
    changed = [_apply(document, path, functools.partial(_set, value)) for path, value in edit.set.items()]
    changed += [_apply(document, path, _drop) for path in edit.drop]
    changed += [_apply(document, path, functools.partial(_rename, name)) for path, name in edit.rename.items()]
    changed += [_apply(document, path, functools.partial(_pluck, name)) for path, name in edit.pluck.items()]
    changed += [_apply(document, path, functools.partial(_add, step * times)) for path, step in edit.add.items()]
    return replace(answer, body=json.dumps(document).encode()) if any(changed) else answer


def without_audience(answer: Answer, audience_id: str) -> Answer:
    """A page of audiences without this one; the same answer where it is not on the page."""
    document = _document(answer)
    audiences = cast("list[dict[str, str]]", document.get("audiences", []))
    left = [audience for audience in audiences if audience["id"] != audience_id]
    if len(left) == len(audiences):
        return answer
    document["audiences"] = left
    cast("dict[str, int]", document["paging"])["total_results"] -= 1
    return replace(answer, body=json.dumps(document).encode())


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


Change = Callable[[dict[str, object], str], bool]


def _document(answer: Answer) -> dict[str, object]:
    try:
        document: object = json.loads(answer.body)
    except ValueError:
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}


def _apply(document: dict[str, object], path: str, change: Change) -> bool:
    *way, last = path.split(".")
    return sum(change(place, last) for place in _places(document, way)) > 0


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


def _set(value: object, place: dict[str, object], name: str) -> bool:
    if name not in place:
        return False
    place[name] = value
    return True


def _drop(place: dict[str, object], name: str) -> bool:
    return place.pop(name, place) is not place


def _rename(to: str, place: dict[str, object], name: str) -> bool:
    if name not in place:
        return False
    place[to] = place.pop(name)
    return True


def _pluck(field_name: str, place: dict[str, object], name: str) -> bool:
    entries = place.get(name)
    if not isinstance(entries, list):
        return False
    objects = cast("list[dict[str, object]]", entries)
    place[name] = [entry.get(field_name) for entry in objects]
    return True


def _add(number: int, place: dict[str, object], name: str) -> bool:
    value = place.get(name)
    if not isinstance(value, int):
        return False
    place[name] = value + number
    return True
