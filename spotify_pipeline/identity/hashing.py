"""Hashes normalized identifiers: lower-case hexadecimal SHA-256 of the UTF-8 bytes.

Values that are already hashed pass through or are rejected; they are never hashed again.
"""

from __future__ import annotations

import hashlib

import polars as pl
import polars_hash as plh

from spotify_pipeline.identity.text import require_strings
from spotify_pipeline.identity.types import Rejection

DIGEST_LENGTH = 64
"""Characters of a SHA-256 digest in hexadecimal."""

DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()
"""The digest of every missing value, from systems that hash empty strings; a sample in Spotify's own guide."""

# MD5, SHA-1, SHA-224, SHA-384, SHA-512.
_OTHER_HASH_LENGTHS = frozenset({32, 40, 56, 96, 128})
# A UUID without its hyphens is as long as an MD5.
_UNHYPHENATED_UUID_LENGTH = 32
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


def recognize(trimmed: pl.Series, *, uuids: bool) -> pl.DataFrame:
    """Columns ``normalized`` (a digest, in lower case) and ``rejection``; both null where the value is no hash.

    The form decides, whatever the column: 40 digits in a phone column are ``other_hash``, not a phone number.

    Args:
        trimmed: the values.
        uuids: whether they are UUIDs, which may have no hyphens.
    """
    other_lengths = _OTHER_HASH_LENGTHS - {_UNHYPHENATED_UUID_LENGTH} if uuids else _OTHER_HASH_LENGTHS
    # Few values have the length of a hash, so only those are checked.
    has_length = trimmed.str.len_bytes().is_in([DIGEST_LENGTH, *other_lengths]).fill_null(value=False)
    value = pl.col("value")
    is_hex = value.str.contains("^[0-9A-Fa-f]+$")
    is_digest = is_hex & (value.str.len_bytes() == DIGEST_LENGTH)
    lowered = value.str.to_lowercase()
    verdicts = (
        trimmed.alias("value")
        .to_frame()
        .filter(has_length)
        .lazy()
        .select(
            normalized=pl.when(is_digest & (lowered != DIGEST_OF_NOTHING)).then(lowered),
            rejection=pl.when(is_digest & (lowered == DIGEST_OF_NOTHING))
            .then(pl.lit(Rejection.DIGEST_OF_NOTHING.value))
            .when(is_hex & ~is_digest)
            .then(pl.lit(Rejection.OTHER_HASH.value)),
        )
        .collect()
    )
    rows = has_length.arg_true()
    return pl.DataFrame([_spread(verdict, rows, len(trimmed)) for verdict in verdicts])


def _spread(verdict: pl.Series, rows: pl.Series, height: int) -> pl.Series:
    return pl.repeat(None, height, dtype=pl.String, eager=True).alias(verdict.name).scatter(rows, verdict)
