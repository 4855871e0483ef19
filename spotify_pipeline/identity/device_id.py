"""Normalizes advertising ids of devices, Apple's IDFA and Android's AAID: a UUID, with hyphens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import polars as pl

from spotify_pipeline.identity.types import EventParameter, IdentifierType, Rejection

DeviceIdCase = Literal["lower", "upper"]

_HYPHENATED = "^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
_ZEROED = "00000000-0000-0000-0000-000000000000"
# Where each part of 8-4-4-4-12 starts in the 32 digits, and its length.
_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))
_TYPED = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}", re.ASCII)
_DIGITS, _DIGEST_DIGITS = 32, 64


class DeviceId(IdentifierType):
    """Device ids (IDFA, AAID/GAID)."""

    name = "device_id"
    token = "DEVICE_ID_SHA256"  # noqa: S105 - Spotify's name of it
    noun = "device id"
    parameter = EventParameter("device_id", hashed=False)
    is_uuid = True
    trace_alphabet = "0-9a-f"

    case: DeviceIdCase = "lower"
    """The letters' case before hashing. Spotify states none; `lower` is the default."""

    def normalize(self, values: pl.Series, beside: Mapping[str, pl.Series]) -> pl.DataFrame:  # noqa: ARG002
        """In the case chosen, with hyphens; all zeros are nobody's."""
        raw, device_id = pl.col("raw"), pl.col("device_id")
        spelled = device_id.str.to_uppercase() if self.case == "upper" else device_id.str.to_lowercase()
        rejection = (
            pl.when(raw.is_not_null() & device_id.is_null())
            .then(pl.lit(Rejection.INVALID.value))
            .when(device_id == _ZEROED)
            .then(pl.lit(Rejection.ZEROED.value))
        )
        return (
            pl.DataFrame({"raw": values, "hyphenated": _hyphenated(values)})
            .with_columns(device_id=pl.when(pl.col("hyphenated").str.contains(_HYPHENATED)).then("hyphenated"))
            .select(normalized=pl.when(device_id != _ZEROED).then(spelled), rejection=rejection)
        )

    @classmethod
    def forms(cls, normalized: pl.Series) -> tuple[pl.Series, ...]:
        """In lower and in upper case: an audience's YAML says which one its list hashes."""
        value = pl.col(normalized.name)
        upper = pl.when(value.str.len_bytes() == _DIGEST_DIGITS).then(value).otherwise(value.str.to_uppercase())
        spelled = normalized.to_frame().select(lower=value.str.to_lowercase(), upper=upper)
        return tuple(each.alias(normalized.name) for each in spelled)

    @classmethod
    def recognizes(cls, text: str) -> bool:
        """32 hexadecimal digits, with hyphens or without."""
        return _TYPED.fullmatch(text) is not None

    @classmethod
    def traces(cls, given: pl.Series) -> pl.Series:
        """Its digits; none of the id that is nobody's, all zeros."""
        digits = given.str.to_lowercase().str.replace_all(f"[^{cls.trace_alphabet}]", "")
        whole = (digits.str.len_bytes() == _DIGITS) & (digits != "0" * _DIGITS)
        return digits.set(~whole.fill_null(value=False), None)


def _hyphenated(values: pl.Series) -> pl.Series:
    """The values, with hyphens added to those that are 32 characters long."""
    bare = (values.str.len_bytes() == _DIGITS).fill_null(value=False)
    parts = [values.filter(bare).str.slice(start, length) for start, length in _PARTS]
    with_hyphens = pl.select(pl.concat_str(parts, separator="-")).to_series()
    return values.clone().scatter(bare.arg_true(), with_hyphens)
