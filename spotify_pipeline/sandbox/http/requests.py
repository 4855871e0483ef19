"""What a request carries: a small body, or, by its headers, the whole object, a chunk of it, or a question.

Bodies that are too large are refused before they fill memory. Chunks are as in Google's "Performing resumable
uploads": multiples of 256 KiB except the last; ``bytes */N`` asks how far the upload is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

CHUNK_QUANTUM = 256 * 1024

_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18}|\*)")


class BadRange(Exception):
    """The headers contradict themselves or Google's rules; the message says how."""


@dataclass(frozen=True)
class WholeObject:
    """No Content-Range: the body is everything. ``total`` is None where the length is not announced."""

    total: int | None


@dataclass(frozen=True)
class Chunk:
    """Bytes ``first`` to ``last``, both included. ``total`` is None while the size is not known."""

    first: int
    last: int
    total: int | None


@dataclass(frozen=True)
class StatusQuery:
    """How many bytes are there? With a total that is reached, it also finishes the upload."""

    total: int | None


Content = WholeObject | Chunk | StatusQuery


def content_of(headers: Mapping[str, str]) -> Content:
    """What a PUT with these headers carries.

    Raises:
        BadRange: as :func:`read_content_range`.
    """
    length = headers.get("content-length")
    announced = int(length) if length is not None and length.isascii() and length.isdigit() else None
    return read_content_range(headers.get("content-range"), announced)


def read_content_range(content_range: str | None, content_length: int | None) -> Content:
    """Interpret the two headers.

    Raises:
        BadRange: the range cannot be read, its ends are the wrong way round or beyond the total, its length is not
            the body's, or a chunk that is not the last is not a multiple of 256 KiB.
    """
    if content_range is None:
        return WholeObject(content_length)
    match = _RANGE.fullmatch(content_range.strip())
    if match is None:
        raise BadRange("Failed to parse Content-Range header.")
    first, last, size = match.groups()
    total = None if size == "*" else int(size)
    if first is None:
        if content_length:
            raise BadRange("A status query has no body.")
        return StatusQuery(total)
    chunk = Chunk(int(first), int(last), total)
    if chunk.last < chunk.first or (total is not None and chunk.last >= total):
        raise BadRange("The ends of the Content-Range do not fit one another.")
    length = chunk.last - chunk.first + 1
    if content_length is not None and content_length != length:
        raise BadRange("Content-Length and Content-Range name different numbers of bytes.")
    if chunk.last + 1 != total and length % CHUNK_QUANTUM:
        raise BadRange(
            f"Invalid request. Every chunk but the last must be a multiple of 262144 bytes (this one has {length})."
        )
    return chunk


def committed(stored: int) -> int:
    """How many of ``stored`` bytes of an unfinished upload count: whole quanta of 256 KiB."""
    return stored - stored % CHUNK_QUANTUM


LARGEST_BODY = 1 << 20


class BodyTooLarge(Exception):
    """The body has more bytes than are taken."""


class NotJson(Exception):
    """The body is not a JSON document."""


async def read_body(request: Request, largest: int = LARGEST_BODY) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: it has more than ``largest`` bytes.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > largest:
            raise BodyTooLarge
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form; of a repeated field the first.

    Raises:
        BodyTooLarge: it has more than 1 MiB.
    """
    body = await read_body(request)
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return dict(reversed(pairs))


async def read_json(request: Request) -> object:
    """The JSON document in the body.

    Raises:
        BodyTooLarge: it has more than 1 MiB.
        NotJson: it is not JSON.
    """
    body = await read_body(request)
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise NotJson from None
    return document
