"""Every form in which a list may contain one identifier. To find a person, look for all of them."""

from __future__ import annotations

import polars as pl

from spotify_pipeline.identity.prehashed import DIGEST_LENGTH
from spotify_pipeline.identity.types import IdentifierType


def in_every_form(normalized: pl.Series, identifier: IdentifierType) -> tuple[pl.Series, ...]:
    """Normalized identifiers of one type, in each spelling that a list may hash.

    A device id is hashed in lower or upper case, as an audience's YAML says; anything else has one form. A digest
    stays the same in all of them.

    Returns:
        Series of the length and order of ``normalized``; null stays null.
    """
    if identifier is not IdentifierType.DEVICE_ID:
        return (normalized,)
    value = pl.col(normalized.name)
    upper = pl.when(value.str.len_bytes() == DIGEST_LENGTH).then(value).otherwise(value.str.to_uppercase())
    spelled = normalized.to_frame().select(lower=value.str.to_lowercase(), upper=upper)
    return tuple(each.alias(normalized.name) for each in spelled)
