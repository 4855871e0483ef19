"""What identifies an event permanently: its id, by which Spotify and the outbox recognize that two events are one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl

from spotify_pipeline.conversions.model import Dead, EventIdSource, EventsError
from spotify_pipeline.conversions.validation.personal_texts import OwnIdentifiers, holds_personal_data
from spotify_pipeline.conversions.validation.source_columns import canonical_text, encoded, text_of, without_nan
from spotify_pipeline.identity import CONTROL_CLASS, digest
from spotify_pipeline.spotify_limits import LONGEST_EVENT_ID

NOTHING = (
    *("nan", "null", "none", "undefined", "nil", "n/a", "na", "nat", "<na>", "<null>", "(null)", "#n/a", "\\n"),
    *("(none)", "(not set)"),
)
"""What programs write, in any case, where there is no value."""

_LARGEST_EXACT = 2**53
_NEVER_IDS = (pl.Boolean, pl.Date, pl.Time, pl.Duration)


def event_ids(rows: pl.DataFrame, source: EventIdSource, own: OwnIdentifiers = ()) -> pl.DataFrame:
    """Columns ``event_id`` and ``id_fault`` (a ``Dead``); in each row exactly one of the two is null.

    An event whose columns are all null, blank, no number or a word for nothing has no id: with one, all such events
    would be taken for one. Neither has one whose only column holds no letter and no digit, such as a dash.
    An id that holds personal data is refused, for ids are kept and shown: it must be hashed. So is a float beyond 2^53,
    which several whole numbers are read as.

    Raises:
        EventsError: a column is of a type that tells no two events apart.
    """
    _refuse_types(rows, source)
    inexact = pl.select(pl.any_horizontal([_inexact(rows[column]) for column in source.columns])).to_series()
    if source.hashed:
        rows = rows.with_columns(_as_json_reads(rows[column]) for column in source.columns)
        texts = [_something(text_of(canonical_text(rows[column]))) for column in source.columns]
        nothing = pl.select(pl.all_horizontal([text.is_null() for text in texts])).to_series()
        return _judged(digest(encoded(rows, source.columns)).set(nothing, None), unusable=inexact)
    ids = _something(_whole(text_of(_as_json_reads(without_nan(rows[source.columns[0]])))))
    ids = ids.set(~ids.str.contains(r"[\p{L}\p{N}]").fill_null(value=True), None)
    control = ids.str.contains(f"[{CONTROL_CLASS}]")
    unusable = control | holds_personal_data(ids, own) | inexact | (ids.str.len_chars() > LONGEST_EVENT_ID)
    return _judged(ids, unusable=unusable.fill_null(value=False))


def _refuse_types(rows: pl.DataFrame, source: EventIdSource) -> None:
    kinds = {column: rows.schema[column] for column in source.columns}
    coarse = [column for column, kind in kinds.items() if kind.is_float() and kind != pl.Float64]
    never = [column for column, kind in kinds.items() if isinstance(kind, _NEVER_IDS) and not source.hashed]
    if not (coarse or never):
        return
    column = (coarse or never)[0]
    why = "which holds seven digits, so that several ids become one" if coarse else "which tells no two events apart"
    raise EventsError(
        f"The events' column {column!r} is {kinds[column]}, {why}: it cannot be event_id. Make it a text or a whole "
        "number in the relation, or name another column. Nothing was sent."
    )


def _inexact(values: pl.Series) -> pl.Series:
    if values.dtype != pl.Float64:
        return pl.repeat(value=False, n=values.len(), dtype=pl.Boolean, eager=True)
    return ((values.abs() > _LARGEST_EXACT) & ~values.is_nan()).fill_null(value=False)


def _as_json_reads(values: pl.Series) -> pl.Series:
    """Texts as they are; one in double quotes, as a column of JSON has it, is what JSON reads in it."""
    if values.dtype != pl.String:
        return values
    quoted = values.str.contains(r'^\s*".*"\s*$').fill_null(value=False)
    if not quoted.any():
        return values
    return values.clone().scatter(quoted.arg_true(), [_read(each) for each in values.filter(quoted)])


def _read(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str) else text


def _whole(ids: pl.Series) -> pl.Series:
    """Whole numbers without the zeros behind their point, which a column that was a float once has."""
    whole = ids.str.extract(r"^([+-]?[0-9]+)\.0+$")
    return whole.zip_with(whole.is_not_null(), ids)


def _something(texts: pl.Series) -> pl.Series:
    return texts.set(texts.str.to_lowercase().is_in(NOTHING).fill_null(value=False), None)


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
