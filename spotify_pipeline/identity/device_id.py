"""Normalizes advertising ids of devices, Apple's IDFA and Android's AAID: a UUID, with hyphens."""

from __future__ import annotations

import polars as pl

from spotify_pipeline.identity.types import DeviceIdCase, Rejection

_HYPHENATED = "^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_UNHYPHENATED_LENGTH = 32
_ZEROED = "00000000-0000-0000-0000-000000000000"
# Where each part of 8-4-4-4-12 starts in the 32 digits, and its length.
_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))


def normalize(trimmed: pl.Series, case: DeviceIdCase) -> pl.DataFrame:
    """Columns ``normalized`` and ``rejection`` for trimmed values; both null where the value is null."""
    raw, device_id = pl.col("raw"), pl.col("device_id")
    spelled = device_id.str.to_uppercase() if case == "upper" else device_id.str.to_lowercase()
    rejection = (
        pl.when(raw.is_not_null() & device_id.is_null())
        .then(pl.lit(Rejection.INVALID.value))
        .when(device_id == _ZEROED)
        .then(pl.lit(Rejection.ZEROED.value))
    )
    return (
        pl.DataFrame({"raw": trimmed, "hyphenated": _hyphenated(trimmed)})
        .with_columns(device_id=pl.when(pl.col("hyphenated").str.contains(_HYPHENATED)).then("hyphenated"))
        .select(normalized=pl.when(device_id != _ZEROED).then(spelled), rejection=rejection)
    )


def _hyphenated(values: pl.Series) -> pl.Series:
    """The values, with hyphens added to those that are 32 characters long."""
    bare = (values.str.len_bytes() == _UNHYPHENATED_LENGTH).fill_null(value=False)
    parts = [values.filter(bare).str.slice(start, length) for start, length in _PARTS]
    with_hyphens = pl.select(pl.concat_str(parts, separator="-")).to_series()
    return values.clone().scatter(bare.arg_true(), with_hyphens)
