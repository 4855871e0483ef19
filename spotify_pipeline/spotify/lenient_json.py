"""Reads JSON that may lack fields, carry unknown ones, or not be JSON at all; and compares ids. Nothing here raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from spotify_pipeline.printable import printable, without_surrogates

JsonObject = Mapping[str, object]
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_object(body: bytes) -> JsonObject | None:
    """The JSON object in ``body``, or None when it is empty, HTML, another JSON type or nested too deeply."""
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return as_object(parsed)


def as_object(value: object) -> JsonObject | None:
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def text(source: JsonObject, key: str) -> str | None:
    """The text under ``key``; None when it is missing, empty or not a text. Half a surrogate pair is replaced."""
    value = source.get(key)
    return without_surrogates(value) if isinstance(value, str) and value else None


def texts(source: JsonObject, key: str) -> tuple[str, ...]:
    """The texts in the list under ``key``; everything else in it is ignored."""
    entries = as_list(source.get(key)) or []
    return tuple(without_surrogates(entry) for entry in entries if isinstance(entry, str) and entry)


def one_line(source: JsonObject, key: str) -> str | None:
    """As :func:`text`, for a status, a kind or a code: on one line, and safe to show."""
    value = text(source, key)
    return None if value is None else printable(value)


def objects_in(source: JsonObject, key: str) -> list[JsonObject]:
    """The objects in the list under ``key``; everything else in it is ignored."""
    found = (as_object(entry) for entry in as_list(source.get(key)) or [])
    return [entry for entry in found if entry is not None]


def whole_number(source: JsonObject, key: str) -> int | None:
    value = source.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def timestamp(source: JsonObject, key: str) -> datetime | None:
    """The ISO 8601 time under ``key``, in UTC; a time without an offset is taken as UTC."""
    value = text(source, key)
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_id(value: str) -> bool:
    """Whether a text can be an id: it then cannot change a path, and may be shown anywhere."""
    return _ID.fullmatch(value) is not None


def canonical_id(identity: str) -> str:
    """The one spelling of an id: a UUID in lower case, anything else as it is.

    Upper and lower case of a UUID are the same id (RFC 9562, section 4): Spotify returns in lower case what somebody
    may have pasted in upper case. In other ids case counts.
    """
    return identity.lower() if _UUID.fullmatch(identity) else identity


def id_in(source: JsonObject, key: str) -> str | None:
    """The id under ``key`` in its canonical spelling, safe to show; None when it is missing, empty or not a text."""
    stated = one_line(source, key)
    return None if stated is None else canonical_id(stated)


def same_id(one: str, other: str) -> bool:
    """Whether two ids are of the same object."""
    return canonical_id(one) == canonical_id(other)
