"""What names an event for ever: its id, by which Spotify and the outbox tell that two events are one."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from spotify_pipeline.conversions.plan import EventIdSource
from spotify_pipeline.conversions.source_columns import encoded, text_of
from spotify_pipeline.conversions.verdict import Dead
from spotify_pipeline.identity import IdentifierType, digest, normalize
from spotify_pipeline.identity.text import CONTROL_CLASS

LONGEST_EVENT_ID = 256
"""Characters. Spotify states no limit."""

_PHONE_NUMBER = r"^\+[0-9][0-9 ().-]{6,18}$"


def event_ids(rows: pl.DataFrame, source: EventIdSource) -> pl.DataFrame:
    """Columns ``event_id`` and ``id_fault`` (a ``Dead``); in each row exactly one of the two is null.

    An id that is an e-mail address or a phone number is refused, for ids are kept and shown: it must be hashed.
    """
    if source.hashed:
        ids = digest(encoded(rows, source.columns))
        nothing = rows.select(pl.all_horizontal(pl.col(source.columns).is_null())).to_series()
        return _judged(ids.set(nothing, None), unusable=nothing & False)
    ids = text_of(rows[source.columns[0]])
    control = ids.str.contains(f"[{CONTROL_CLASS}]")
    personal = ids.str.contains(_PHONE_NUMBER) | _is_email(ids)
    return _judged(ids, unusable=(control | personal | (ids.str.len_chars() > LONGEST_EVENT_ID)).fill_null(value=False))


def keys(rows: pl.DataFrame, ids: pl.Series, columns: Sequence[str]) -> pl.Series:
    """The key of each event: its id, or ``row:`` and a SHA-256 of the row's columns where it has none."""
    without = ids.is_null()
    if not without.any():
        return ids
    return ids.scatter(without.arg_true(), "row:" + digest(encoded(rows.filter(without), columns)))


def _judged(ids: pl.Series, *, unusable: pl.Series) -> pl.DataFrame:
    fault = (
        pl.when(pl.col("event_id").is_null())
        .then(pl.lit(Dead.NO_EVENT_ID.value))
        .when("unusable")
        .then(pl.lit(Dead.EVENT_ID_UNUSABLE.value))
    )
    found = pl.DataFrame({"event_id": ids, "unusable": unusable})
    return found.select(event_id=pl.when(~pl.col("unusable")).then("event_id"), id_fault=fault)


def _is_email(ids: pl.Series) -> pl.Series:
    """Whether each id is an e-mail address; only those with an @ are looked at."""
    likely = ids.str.contains("@", literal=True).fill_null(value=False)
    found = normalize(ids.filter(likely), IdentifierType.EMAIL)["normalized"].is_not_null()
    return pl.repeat(value=False, n=ids.len(), dtype=pl.Boolean, eager=True).scatter(likely.arg_true(), found)
