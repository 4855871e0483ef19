"""Normalizes identifiers of any type: trims, sorts out missing and already hashed values, then asks their type."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from spotify_pipeline.identity import hashing, text
from spotify_pipeline.identity.types import IdentifierType, Rejection

_NOTHING: Mapping[str, pl.Series] = {}
_WORDS = list(Rejection)


def normalize(values: pl.Series, kind: IdentifierType, *, beside: Mapping[str, pl.Series] = _NOTHING) -> pl.DataFrame:
    """Normalize raw identifiers of one type.

    Normalize a raw value only once. E-mail addresses, device ids and digests do not change if normalized again; a
    phone number may: libphonenumber drops a national prefix each time it reads one (``+49 0 0123...``).

    Args:
        values: raw identifiers, strings, nulls allowed.
        kind: what they are, with the options by which they are read.
        beside: the texts beside the values, by the option of ``kind`` that names their column.

    Returns:
        As many rows as ``values``, in the same order, with the string columns ``normalized`` (a normalized
        identifier, or an already hashed value, in lower case) and ``rejection`` (a ``Rejection``). In each row
        exactly one of the two is null.

    Raises:
        TypeError: ``values`` or one of ``beside`` does not hold strings.
        ValueError: one of ``beside`` has another length than ``values``.
    """
    texts = {name: _of_each(column, name, len(values)) for name, column in beside.items()}
    trimmed = text.unwrapped(text.require_strings(values, "values"), braces=kind.is_uuid)
    hashed = hashing.recognize(trimmed, uuids=kind.is_uuid)
    missing = trimmed.is_null() | (trimmed == "")
    settled = missing | hashed["normalized"].is_not_null() | hashed["rejection"].is_not_null()
    result = kind.normalize(trimmed.set(settled, None), texts)
    # A type may be somebody else's: each value is counted once, and no word but ours says why it was rejected.
    word = result["rejection"].set(~result["rejection"].is_in(_WORDS), Rejection.INVALID.value)
    normalized = pl.coalesce(hashed["normalized"], result["normalized"])
    return pl.select(
        normalized=normalized,
        rejection=pl.when(missing)
        .then(pl.lit(Rejection.MISSING.value))
        .when(normalized.is_null())
        .then(pl.coalesce(hashed["rejection"], word, pl.lit(Rejection.INVALID.value))),
    )


def _of_each(column: pl.Series, name: str, height: int) -> pl.Series:
    texts = text.require_strings(column, name)
    if len(texts) != height:
        raise ValueError(f"{name} has {len(texts)} rows and values has {height}: give one text per value.")
    return texts
