"""The names of events: Spotify's own, its other spellings, and those of connectors for its API."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

EVENT_NAMES = (
    "VIEW",
    "PRODUCT",
    "CHECK_OUT",
    "ADD_TO_CART",
    "PURCHASE",
    "LEAD",
    "SIGN_UP",
    "ALIAS",
    "CUSTOM_EVENT_1",
    "CUSTOM_EVENT_2",
    "CUSTOM_EVENT_3",
    "CUSTOM_EVENT_4",
    "CUSTOM_EVENT_5",
)
"""As the Conversions API takes them. Spotify's Pixel, diagnostics and reports spell some of them otherwise."""

_OTHER_SPELLINGS = {
    "PAGEVIEW": "VIEW",
    "PAGEVIEWS": "VIEW",
    "PRODUCTS": "PRODUCT",
    "VIEWPRODUCT": "PRODUCT",
    "STARTCHECKOUT": "CHECK_OUT",
    "ADDCART": "ADD_TO_CART",
    "PURCHASES": "PURCHASE",
    "LEADS": "LEAD",
    "SIGNUPS": "SIGN_UP",
    "COMPLETEREGISTRATION": "SIGN_UP",
}
_BY_FOLDED = {name.replace("_", ""): name for name in EVENT_NAMES} | _OTHER_SPELLINGS


def spotify_name(raw: pl.Series) -> pl.Series:
    """The name that Spotify takes for each name, in whatever case, with ``_``, ``-``, blanks or nothing between words.

    Null where Spotify has no such event. Its v1 had Search and Subscribe, which are among those.
    """
    # ASCII only: a letter beyond it may have an upper case that is an ASCII letter.
    folded = raw.str.extract(r"^[ \t]*([A-Za-z0-9_ -]+?)[ \t]*$").str.to_uppercase().str.replace_all("[_ -]", "")
    return folded.replace_strict(_BY_FOLDED, default=None, return_dtype=pl.String).alias(raw.name)


def event_names(raw: pl.Series, names: Mapping[str, str | None]) -> pl.DataFrame:
    """Columns ``event_name`` (null where it is unknown or not wanted) and ``wanted`` for trimmed names.

    Args:
        raw: the warehouse's names; null for none.
        names: see ``FeedPlan``; a name is looked up as it stands, then in any case.
    """
    wanted = {name: spelled for name, spelled in names.items() if spelled is not None}
    meant = raw
    known = raw.is_in([])
    if names:
        distinct = [each for each in raw.unique() if each is not None]
        found = {each: _looked_up(each, names) for each in distinct}
        unwanted = [each for each, name in found.items() if name is not None and name not in wanted]
        mapped = {each: wanted[name] for each, name in found.items() if name in wanted}
        known = raw.is_in(unwanted)
        meant = raw.replace_strict(mapped, default=raw, return_dtype=pl.String) if mapped else raw
    known = known.fill_null(value=False)
    return pl.DataFrame({"event_name": spotify_name(meant).set(known, None), "wanted": ~known})


def _looked_up(raw: str, names: Mapping[str, str | None]) -> str | None:
    """The name among ``names`` that this one is, or None."""
    if raw in names:
        return raw
    folded = raw.strip().casefold()
    return next((name for name in names if name.strip().casefold() == folded), None)
