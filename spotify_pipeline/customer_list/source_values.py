"""Columns of a segment, whatever type the warehouse gave them, as text and as consent."""

from __future__ import annotations

import polars as pl

from spotify_pipeline.customer_list.errors import CustomerListError

_CONSENT_WORDS = ("true", "t", "yes", "y", "1")
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
        CustomerListError: the column holds lists, structures or objects; or floats of 32 bits or fewer, which cannot
            hold the digits of a phone number and would give somebody else's.
    """
    dtype = values.dtype
    if isinstance(dtype, pl.String):
        return values
    if isinstance(dtype, pl.Binary):
        return pl.Series(values.name, [_decoded(value, binary_uuids) for value in values], dtype=pl.String)
    if dtype.is_nested() or isinstance(dtype, pl.Object):
        raise CustomerListError(
            f"The segment's column {values.name!r} holds {dtype}, not single values. "
            "Give it one value a row, or a column for each."
        )
    if dtype.is_float() and dtype != pl.Float64:
        raise CustomerListError(
            f"The segment's column {values.name!r} holds {dtype}, which rounds a phone number to another one. "
            "Give it as text in the segment."
        )
    text = values.cast(pl.String)
    if dtype.is_float() or dtype.is_decimal():
        return text.str.replace(r"\.0+$", "")
    return text


def gave_consent(values: pl.Series) -> pl.Series:
    """Whether each row says yes: boolean true, the integer 1, or one of ``true t yes y 1`` in any case, trimmed.

    Everything else is no, null included, and so is every value of another type: consent is never inferred.
    """
    dtype = values.dtype
    if isinstance(dtype, pl.Boolean):
        yes = values
    elif dtype.is_integer() or (isinstance(dtype, pl.Decimal) and dtype.scale == 0):
        yes = values == 1
    elif isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        yes = values.cast(pl.String).str.strip_chars().str.to_lowercase().is_in(_CONSENT_WORDS)
    else:
        return pl.repeat(value=False, n=values.len(), dtype=pl.Boolean, eager=True)
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
