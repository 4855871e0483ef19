"""Hashes normalized identifiers: lower-case hexadecimal SHA-256 of the UTF-8 bytes."""

from __future__ import annotations

import polars as pl
import polars_hash as plh

from spotify_pipeline.identity.prehashed import DIGEST_OF_NOTHING
from spotify_pipeline.identity.text import require_strings

_DIGEST = "^[0-9a-f]{64}$"


def digest(normalized: pl.Series) -> pl.Series:
    """The digests of normalized identifiers, in the same order; null gives null.

    A value that is 64 lower-case hexadecimal digits is a digest already and passes through. That is unambiguous: a
    normalized e-mail address holds ``@``, a phone number starts with ``+``, a device id has 36 characters.
    The digest of the empty string is never returned: the empty string and its digest give null.

    Raises:
        TypeError: the series does not hold strings.
    """
    values = require_strings(normalized, "normalized").alias("value").to_frame().lazy()
    value, is_digest = pl.col("value"), pl.col("is_digest")
    hashed = plh.col("to_hash").chash.sha2_256()
    return (
        values.with_columns(is_digest=(value.str.len_bytes() == 64) & value.str.contains(_DIGEST))
        .with_columns(to_hash=pl.when(~is_digest & (value != "")).then(value))
        .select(pl.when(is_digest & (value != DIGEST_OF_NOTHING)).then(value).otherwise(hashed))
        .collect(engine="streaming")  # the plugin keeps to one thread by itself
        .to_series()
        .alias(normalized.name)
    )
