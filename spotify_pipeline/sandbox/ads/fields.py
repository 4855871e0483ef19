"""Checks of single values in bodies, paths and queries, by the rules of the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import cast

from starlette.requests import Request

from spotify_pipeline.sandbox.ads.errors import invalid
from spotify_pipeline.sandbox.http import NotJson, read_json

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def as_uuid(field: str, value: object) -> str:
    """``value`` as a lower-case UUID.

    Raises:
        ApiError: 400.
    """
    if not isinstance(value, str) or _UUID.fullmatch(value) is None:
        raise invalid(field, f"{field} must be a UUID")
    return value.lower()


async def body_of(request: Request) -> Body:
    """The JSON object in the request.

    Raises:
        ApiError: 400 for another content type, for what is no JSON, and for JSON that is no object.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise invalid("BODY", "the body must be application/json")
    try:
        document = await read_json(request)
    except NotJson:
        raise invalid("BODY", "the body is not JSON") from None
    if not isinstance(document, dict):
        raise invalid("BODY", "the body must be a JSON object")
    return Body(cast("dict[str, object]", document))


class Body:
    """A JSON object whose fields are read one by one. Every reader raises a 400 :class:`ApiError` on a misfit."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def allow_only(self, names: Collection[str]) -> None:
        """Refuse any field that is not named."""
        for name in sorted(self._fields):
            if name not in names:
                raise invalid(name if name.isidentifier() else "BODY", "the body has a field that is not known here")

    def has(self, name: str) -> bool:
        """Whether the field is there, whatever its value."""
        return name in self._fields

    def text(self, name: str, shortest: int, longest: int) -> str | None:
        """A string of so many characters, or None where the field is absent."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            raise invalid(name, f"{name} size must be between {shortest} and {longest}")
        return value

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of the allowed strings, or None where the field is absent."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if not isinstance(value, str) or value not in allowed:
            raise invalid(name, f"{name} must be one of {', '.join(sorted(allowed))}")
        return value

    def number(self, name: str, allowed: Collection[int]) -> int | None:
        """One of the allowed whole numbers, or None where the field is absent."""
        if name not in self._fields:
            return None
        value = self._fields[name]
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            raise invalid(name, f"{name} must be one of {', '.join(map(str, sorted(allowed)))}")
        return value

    def uuid(self, name: str) -> str | None:
        """A UUID, or None where the field is absent."""
        return as_uuid(name, self._fields[name]) if name in self._fields else None

    def uuids(self, name: str) -> tuple[str, ...]:
        """A list of UUIDs; empty where the field is absent."""
        return tuple(as_uuid(name, value) for value in self._list(name))

    def choices(self, name: str, allowed: Collection[str]) -> tuple[str, ...]:
        """A list of allowed strings; empty where the field is absent."""
        values = self._list(name)
        for value in values:
            if not isinstance(value, str) or value not in allowed:
                raise invalid(name, f"{name} may only hold {', '.join(sorted(allowed))}")
        return tuple(str(value) for value in values)

    def _list(self, name: str) -> list[object]:
        value = self._fields.get(name, [])
        if not isinstance(value, list):
            raise invalid(name, f"{name} must be a list")
        return cast("list[object]", value)


def required(name: str, value: str | None) -> str:
    """``value``, which must be there.

    Raises:
        ApiError: 400.
    """
    if value is None:
        raise invalid(name, f"{name} must not be null")
    return value


def query_number(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number in the query.

    Raises:
        ApiError: 400 when it is none, is out of range, or is given twice.
    """
    values = request.query_params.getlist(name)
    if not values:
        return default
    text = values[0]
    fits = len(values) == 1 and text.isascii() and text.isdigit() and len(text) <= 10
    if not fits or not lowest <= int(text) <= highest:
        raise invalid(name, f"{name} must be a number between {lowest} and {highest}")
    return int(text)


def query_choice(request: Request, name: str, default: str, allowed: Collection[str]) -> str:
    """One of the allowed words in the query.

    Raises:
        ApiError: 400.
    """
    value = request.query_params.get(name, default)
    if value not in allowed:
        raise invalid(name, f"{name} must be one of {', '.join(sorted(allowed))}")
    return value
