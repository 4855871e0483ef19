"""The names of events: the feed's own, and what Spotify takes for them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from spotify_pipeline.spotify import sent_event_name


def spotify_name(raw: pl.Series) -> pl.Series:
    """The name that Spotify takes for each name, in any of its spellings; null where Spotify has no such event."""
    sent = {each: sent_event_name(each) for each in raw.unique() if each is not None}
    return raw.replace_strict(sent, default=None, return_dtype=pl.String)


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
