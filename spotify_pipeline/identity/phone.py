"""Normalizes phone numbers: E.164 with ``+``, as libphonenumber reads them, without extension.

A number must be *possible* (its length), not *valid* (its range): a new number range must not be lost, and a wrong
number matches nobody.
"""

from __future__ import annotations

import phonenumbers
import polars as pl

from spotify_pipeline.identity import number_text, phone_library, plain_phone, text
from spotify_pipeline.identity.types import Rejection


def known_regions(regions: pl.Series | str | None, height: int) -> pl.Series:
    """The region of each row, in upper case; null where there is none, or libphonenumber does not know it.

    Raises:
        TypeError: ``regions`` does not hold strings.
        ValueError: it has another length than ``height``.
    """
    if not isinstance(regions, pl.Series):
        region = _known(pl.Series([regions], dtype=pl.String)).item()
        return pl.repeat(region, height, dtype=pl.String, eager=True)
    if len(regions) != height:
        raise ValueError(f"regions has {len(regions)} rows and values has {height}: give one region per value.")
    return _known(text.require_strings(regions, "regions"))


def normalize(trimmed: pl.Series, regions: pl.Series) -> pl.DataFrame:
    """Columns ``normalized`` and ``rejection`` for trimmed values; both null where the value is null."""
    numbers, spoiled = number_text.whole_numbers(trimmed)
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


def _known(regions: pl.Series) -> pl.Series:
    code = pl.col("code")
    # Exclude letters beyond ASCII first: the upper case of some is an ASCII letter.
    upper = pl.when(code.str.contains("^[A-Za-z]{2}$")).then(code.str.to_uppercase())
    known = upper.is_in(sorted(phonenumbers.SUPPORTED_REGIONS))
    return text.unwrapped(regions).alias("code").to_frame().select(pl.when(known).then(upper)).to_series()
