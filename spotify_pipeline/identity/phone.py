"""Normalizes phone numbers: E.164 with ``+``, as libphonenumber reads them, without extension.

A number must be *possible* (its length), not *valid* (its range): a new number range must not be lost, and a wrong
number matches nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import phonenumbers
import polars as pl
from pydantic import AfterValidator, BeforeValidator

from spotify_pipeline.identity import number_text, phone_library, plain_phone, text
from spotify_pipeline.identity.device_id import DeviceId
from spotify_pipeline.identity.readable import as_read
from spotify_pipeline.identity.types import EventParameter, IdentifierType, Rejection

# Digits and the usual punctuation, a float among them: `'46701234567.0;` and `4.6701234567E+10` are looked at as such.
_TYPED = re.compile(r"'?[+0-9 ().,\-/\xa0]+([eE][+-]?[0-9]+)?[,;]*", re.ASCII)
_TRACE_DIGITS = 8
"""Digits of a phone number by which it is found, for its beginning depends on where it is dialled."""
_HASH_LENGTH = 32


def _unquoted_norway(value: object) -> object:
    if value is False:
        raise ValueError('YAML reads NO as false; write "NO" in quotes for Norway')
    return value


def _region(value: str) -> str:
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("not a two-letter country code (ISO 3166-1, such as SE, US or BR)")
    return value.upper()


Region = Annotated[str, AfterValidator(_region), BeforeValidator(_unquoted_norway)]
"""A two-letter country code."""


class Phone(IdentifierType):
    """Phone numbers."""

    name = "phone"
    token = "PHONE_NUMBER_SHA256"  # noqa: S105 - Spotify's name of it
    noun = "phone number"
    parameter = EventParameter("hashed_phone_number")
    column_options = ("region_column",)
    trace_alphabet = "0-9"

    region_column: str | None = None
    """A column with the person's two-letter country, for numbers written nationally."""
    default_region: Region | None = None
    """The country where `region_column` is not given, or empty in a row. A code that is no country is not replaced by
    it: a number read with the wrong country may be somebody else's. Without a country, national numbers are rejected
    as `no_region`."""

    def normalize(self, values: pl.Series, beside: Mapping[str, pl.Series]) -> pl.DataFrame:
        """In E.164, by libphonenumber; where that needs none, or the region is not known to it, without a region."""
        numbers, spoiled = number_text.whole_numbers(values)
        regions = self._regions(values.len(), beside.get("region_column"))
        rows = pl.DataFrame({"value": numbers, "region": regions, "spoiled": spoiled}).with_row_index("row")
        to_read = pl.col("value").is_not_null() & ~pl.col("spoiled")
        invalid = pl.when("spoiled").then(pl.lit(Rejection.INVALID.value))
        plain, others = plain_phone.split(rows.filter(to_read).drop("spoiled"))
        settled, unproven = plain_phone.read(plain)
        for_library = pl.concat([others, unproven.select(others.columns)])
        verdicts = [
            rows.filter(~to_read).select("row", normalized=pl.lit(None, pl.String), rejection=invalid),
            settled,
            phone_library.read(for_library),
        ]
        return pl.concat(verdicts).sort("row").select("normalized", "rejection")

    @classmethod
    def recognizes(cls, text: str) -> bool:
        """Digits with the usual punctuation, unless they are a device id.

        Any other text could be read as a phone number, too, by its digits. A person should say that it is one.
        """
        return _TYPED.fullmatch(text) is not None and not DeviceId.recognizes(text)

    @classmethod
    def traces(cls, given: pl.Series) -> pl.Series:
        """Its last digits."""
        whole, _ = number_text.whole_numbers(text.unwrapped(given))  # also where no region says which number it is
        plain = as_read(whole)
        digits = plain.str.replace_all(f"[^{cls.trace_alphabet}]", "").str.tail(_TRACE_DIGITS)
        # A digest is no number to be dialled.
        dialled = (digits.str.len_bytes() == _TRACE_DIGITS) & (plain.str.len_chars() < _HASH_LENGTH)
        return digits.set(~dialled.fill_null(value=False), None)

    def _regions(self, height: int, named: pl.Series | None) -> pl.Series:
        """The region of each row, in upper case; null where there is none, or libphonenumber does not know it."""
        if named is None:
            region = _known(pl.Series([self.default_region], dtype=pl.String)).item()
            return pl.repeat(region, height, dtype=pl.String, eager=True)
        return _known(named.fill_null(pl.lit(self.default_region, dtype=pl.String)))


def _known(regions: pl.Series) -> pl.Series:
    code = pl.col("code")
    # Exclude letters beyond ASCII first: the upper case of some is an ASCII letter.
    upper = pl.when(code.str.contains("^[A-Za-z]{2}$")).then(code.str.to_uppercase())
    known = upper.is_in(sorted(phonenumbers.SUPPORTED_REGIONS))
    return text.unwrapped(regions).alias("code").to_frame().select(pl.when(known).then(upper)).to_series()
