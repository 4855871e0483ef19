"""Columns of a segment, whatever type the warehouse gave them, as text and as consent."""

from __future__ import annotations

import polars as pl

from spotify_pipeline.identity import unwrapped
from spotify_pipeline.rows.errors import RowsError

# A number's 1 may have gone through a float, and be written with a point or a comma.
_CONSENT = r"^(?:true|t|yes|y|1(?:[.,]0*)?)$"
_UUID_BYTES = 16
_NO_TEXT = "\1"


def as_text(values: pl.Series, *, binary_uuids: bool = False) -> pl.Series:
    """A column's values as text, for normalization.

    Whole numbers held as decimals or floats lose their fraction, so a phone number that passed through a nullable
    integer column of another tool is itself again. Bytes are read as UTF-8; those that are not become a control
    character, which every identifier is rejected for.

    Args:
        values: a column of a segment.
        binary_uuids: sixteen bytes are a UUID, to be written in hex. No device id has sixteen characters.

    Raises:
        RowsError: the column holds lists, structures or objects; or floats of 32 bits or fewer, which cannot
            hold the digits of a phone number and would give somebody else's.
    """
    dtype = values.dtype
    if isinstance(dtype, pl.String):
        return values
    if isinstance(dtype, pl.Binary):
        return pl.Series(values.name, [_decoded(value, binary_uuids) for value in values], dtype=pl.String)
    if dtype.is_nested() or isinstance(dtype, pl.Object):
        # The type's own name only: of an enumeration inside, the categories are values.
        raise RowsError(
            f"The segment's column {values.name!r} holds {dtype.base_type().__name__}, not single values. Give it one "
            "value a row, a LIST of text, or a column for each."
        )
    if dtype.is_float() and dtype != pl.Float64:
        raise RowsError(
            f"The segment's column {values.name!r} holds {dtype}, which rounds a phone number to another one. "
            "Give it as text in the segment."
        )
    text = values.cast(pl.String)
    if dtype.is_float() or dtype.is_decimal():
        return text.str.replace(r"\.0+$", "")
    return text


def text_lists(values: pl.Series) -> pl.Series | None:
    """A column of lists of texts, each the values of one person; None where it holds single values."""
    if isinstance(values.dtype, pl.List) and values.dtype.inner in (pl.String(), pl.Null()):
        return values.cast(pl.List(pl.String))
    return None


def gave_consent(values: pl.Series) -> pl.Series:
    """Whether each row says yes: boolean true, the number 1, or ``true t yes y 1`` (or ``1.0``) as text.

    Text is taken in any case, trimmed as identifiers are and without quotes around it. Everything else is no, null and
    NaN included: consent is never inferred.

    Raises:
        RowsError: the column is of a type that can never say yes, such as dates, bytes or lists.
    """
    dtype = values.dtype
    if isinstance(dtype, pl.Boolean):
        yes = values
    elif dtype.is_numeric():
        yes = values == 1
    elif isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null):
        yes = unwrapped(values.cast(pl.String)).str.to_lowercase().str.contains(_CONSENT)
    else:
        raise RowsError(
            f"The consent column {values.name!r} holds {dtype.base_type().__name__}, which can never say yes, so "
            "nobody would be used. Give a boolean, a number (1 is yes) or text (true, t, yes, y or 1)."
        )
    return yes.fill_null(value=False)


def _decoded(value: bytes | None, binary_uuids: bool) -> str | None:
    if value is None:
        return None
    if binary_uuids and len(value) == _UUID_BYTES:
        return value.hex()
    try:
        return value.decode()
    except UnicodeDecodeError:
        # Not the replacement character: an e-mail address may hold that, and a stranger's digest would come of it.
        return _NO_TEXT
