"""Where an event happened: the page, and whether on the web, in an app or offline."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import polars as pl

ACTION_SOURCES = ("WEB", "APP", "OFFLINE")

# Only what needs no second look; urllib reads the rest.
_PLAIN_URL = (
    r"^https?://[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
    r"(?:/[A-Za-z0-9._~/%+,;=:@!$&'()*-]*)?(?:\?[A-Za-z0-9._~/%+,;=:@!$&'()*?-]*)?$"
)
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def urls(text: pl.Series) -> pl.Series:
    """The address of a page in each trimmed text, without its fragment; null where it is none that Spotify takes.

    It begins with http:// or https://, names a host, and holds no white space and no user's name or password. The query
    stays as it is.
    """
    plain = text.str.contains(_PLAIN_URL).fill_null(value=False)
    others = text.is_not_null() & ~plain
    if not others.any():
        return text
    read = {each: _read(each) for each in text.filter(others).unique()}
    return text.scatter(others.arg_true(), [read[each] for each in text.filter(others)])


def action_sources(text: pl.Series) -> pl.Series:
    """WEB, APP or OFFLINE, in whatever case it was; null where it is none of them."""
    # Letters beyond ASCII never pass: some have an upper case that is an ASCII letter.
    upper = text.str.extract("^([A-Za-z]+)$").str.to_uppercase()
    return upper.set(~upper.is_in(ACTION_SOURCES).fill_null(value=False), None)


def _read(text: str) -> str | None:
    if _SPACE_OR_CONTROL.search(text):
        return None
    try:
        parts = urlsplit(text)
        usable = bool(parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts._replace(fragment="").geturl() if usable else None
