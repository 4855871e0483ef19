"""What names an event for ever: its id, by which Spotify and the outbox tell that two events are one."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from spotify_pipeline.conversions.addresses import holds_address
from spotify_pipeline.conversions.plan import EventIdSource
from spotify_pipeline.conversions.source_columns import canonical_text, encoded, text_of, without_nan
from spotify_pipeline.conversions.verdict import Dead
from spotify_pipeline.identity import digest
from spotify_pipeline.identity.text import CONTROL_CLASS

LONGEST_EVENT_ID = 256
"""Characters. Spotify states no limit."""

_PHONE_NUMBER = r"^\+[0-9][0-9 ().-]{6,18}$"


def event_ids(rows: pl.DataFrame, source: EventIdSource) -> pl.DataFrame:
    """Columns ``event_id`` and ``id_fault`` (a ``Dead``); in each row exactly one of the two is null.

    An event whose columns are all null, blank or no number has no id: with one, all such events would be taken for one.
    An id that holds an e-mail address or is a phone number is refused, for ids are kept and shown: it must be hashed.
    """
    if source.hashed:
        texts = [text_of(canonical_text(rows[column])) for column in source.columns]
        nothing = pl.select(pl.all_horizontal([text.is_null() for text in texts])).to_series()
        return _judged(digest(encoded(rows, source.columns)).set(nothing, None), unusable=nothing & False)
    ids = text_of(without_nan(rows[source.columns[0]]))
    control = ids.str.contains(f"[{CONTROL_CLASS}]")
    personal = ids.str.contains(_PHONE_NUMBER) | holds_address(ids)
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
