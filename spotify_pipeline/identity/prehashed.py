"""Passes through or rejects values that are already hashed; never hashes them again."""

from __future__ import annotations

import hashlib

import polars as pl

from spotify_pipeline.identity.types import IdentifierType, Rejection

DIGEST_LENGTH = 64
"""Characters of a SHA-256 digest in hexadecimal."""

DIGEST_OF_NOTHING = hashlib.sha256(b"").hexdigest()
"""The digest of every missing value, from systems that hash empty strings; a sample in Spotify's own guide."""

# MD5, SHA-1, SHA-224, SHA-384, SHA-512.
_OTHER_HASH_LENGTHS = frozenset({32, 40, 56, 96, 128})
# A device id without its hyphens is as long as an MD5.
_UNHYPHENATED_UUID_LENGTH = 32


def recognize(trimmed: pl.Series, identifier: IdentifierType) -> pl.DataFrame:
    """Columns ``normalized`` (a digest, in lower case) and ``rejection``; both null where the value is no hash.

    The form decides, whatever the column: 40 digits in a phone column are ``other_hash``, not a phone number.
    """
    other_lengths = set(_OTHER_HASH_LENGTHS)
    if identifier is IdentifierType.DEVICE_ID:
        other_lengths.remove(_UNHYPHENATED_UUID_LENGTH)
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
