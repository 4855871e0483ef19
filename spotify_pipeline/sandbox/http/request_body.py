"""Reading small request bodies. What is too large is refused before it fills memory."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from starlette.requests import Request

LARGEST_BODY = 1 << 20


class BodyTooLarge(Exception):
    """The body has more bytes than are taken."""


class NotJson(Exception):
    """The body is no JSON document."""


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
        NotJson: it is none.
    """
    body = await read_body(request)
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        raise NotJson from None
    return document
