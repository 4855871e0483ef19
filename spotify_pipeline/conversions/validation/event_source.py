"""Where an event happened: the page, and whether on the web, in an app or offline."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import polars as pl

from spotify_pipeline.conversions.validation.personal_texts import OwnIdentifiers, holds_personal_data

ACTION_SOURCES = ("WEB", "APP", "OFFLINE")

# Only what needs no second look; urllib reads the rest.
_PLAIN_URL = (
    r"^https?://[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
    r"(?:/[A-Za-z0-9._~/%+,;=:@!$&'()*-]*)?$"
)
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def urls(text: pl.Series, own: OwnIdentifiers = ()) -> pl.Series:
    """The address of a page in each trimmed text; null where it is none that Spotify takes, or holds personal data.

    It begins with http:// or https://, names a host, and holds no white space, no user's name or password and no
    personal data (see ``personal_texts``). The query and the fragment are left out, whatever they hold: they may say
    who the person is.
    """
    page = text.str.extract("^([^?#]*)")
    page = page.set(holds_personal_data(page, own), None)
    others = page.is_not_null() & ~page.str.contains(_PLAIN_URL).fill_null(value=False)
    if not others.any():
        return page
    read = {each: _read(each) for each in page.filter(others).unique()}
    return page.scatter(others.arg_true(), [read[each] for each in page.filter(others)])


def action_sources(text: pl.Series) -> pl.Series:
    """WEB, APP or OFFLINE, from any letter case; null for any other value."""
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
    return parts.geturl() if usable else None
