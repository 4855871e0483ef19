"""Ids of Spotify's objects: what can be one, and when two are the same."""

from __future__ import annotations

import re

from spotify_pipeline.spotify.lenient_json import JsonObject, word

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def is_id(value: str) -> bool:
    """Whether a text can be an id: it then changes no path, and can be shown anywhere."""
    return _ID.fullmatch(value) is not None


def canonical(identity: str) -> str:
    """The one spelling of an id: a UUID in lower case, anything else as it is.

    Upper and lower case of a UUID are one id (RFC 9562, section 4): Spotify answers in lower case what somebody may
    have pasted in upper case. Of other ids nothing is promised, so there the case counts.
    """
    return identity.lower() if _UUID.fullmatch(identity) else identity


def identity(source: JsonObject, key: str) -> str | None:
    """The id under ``key`` in its one spelling, fit to be shown; None when it is missing, empty or not a text."""
    stated = word(source, key)
    return None if stated is None else canonical(stated)


def same(one: str, other: str) -> bool:
    """Whether two ids are of one object."""
    return canonical(one) == canonical(other)
