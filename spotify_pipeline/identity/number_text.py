"""Phone numbers that went through a column of numbers: floats and exponents written as text.

Read as punctuation, the point of ``46701234567.0`` makes one more digit of the zero, and somebody else's number of the
whole; so does an exponent. A number is read here as libphonenumber would see it, without what it drops at
both ends and skips between digits.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import polars as pl

from spotify_pipeline.identity.text import FORMAT_CLASS, WHITE_SPACE_CLASS

# A number without any of these is not a float.
_SUSPECT = r"[.,eE．，]"
_BEFORE, _AFTER = "^[^+0-9]+", r"[^\p{L}\p{N}#]+$"
_DASHES = r"\-‐-―−ー－"
_BETWEEN = rf"[{_DASHES}/／()（）\[\]［］{WHITE_SPACE_CLASS}{FORMAT_CLASS}]"
# So many digits may be an area code, with the point as punctuation.
_LONGEST_AREA_CODE = 6
_WHOLE = rf"^\+*[0-9]{{{_LONGEST_AREA_CODE + 1},}}"
_ZEROS = rf"({_WHOLE})[.,]0+$"
# Two commas are the pause before an extension.
_FRACTION = rf"{_WHOLE}(?:\.[.,]*|,)[0-9]"
# Whatever follows, a fraction or an extension, but not the letters of a number in words.
_EXPONENT = r"^\+*[0-9.,]+[eE]\+?[0-9]+(?:$|[^0-9\p{L}]|[xX]|(?i:ext))"
_NEGATIVE = rf"[eE][^0-9]*[{_DASHES}]"
_EVERY_DIGIT = r"^(\+*)0*([0-9]*)[.,]([0-9]+)[eE]\+?([0-9]{1,4})$"


def whole_numbers(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Trimmed phone numbers without the fraction and the exponent of a float.

    Returns:
        The values, with floats as whole numbers; and whether each is a float that lost digits or has other digits than
        zeros after its point, which is not a valid number.
    """
    suspect = values.str.contains(_SUSPECT).fill_null(value=False)
    spoiled = pl.repeat(value=False, n=values.len(), dtype=pl.Boolean, eager=True)
    if not suspect.any():
        return values, spoiled
    raw, in_ascii, seen = pl.col("raw"), pl.col("in_ascii"), pl.col("seen")
    written = seen.str.extract_groups(_EVERY_DIGIT)
    sign, first, rest, exponent = (written.struct[n] for n in range(4))
    every_digit = (rest.str.len_bytes() == exponent.cast(pl.UInt32)) & ~in_ascii.str.contains(_NEGATIVE)
    # A whole number has no leading zeros: as a national prefix they would make another number.
    in_full = sign + pl.when(first == "").then(rest.str.strip_chars_start("0")).otherwise(first + rest)
    number = pl.coalesce(seen.str.extract(_ZEROS), pl.when(every_digit).then(in_full))
    read = (
        values.filter(suspect)
        .alias("raw")
        .to_frame()
        .lazy()
        .with_columns(in_ascii=raw.str.replace_many(_in_ascii()))
        .with_columns(seen=in_ascii.str.replace(_BEFORE, "").str.replace(_AFTER, "").str.replace_all(_BETWEEN, ""))
        .select(
            number=pl.coalesce(number, raw),
            spoiled=number.is_null() & (seen.str.contains(_FRACTION) | seen.str.contains(_EXPONENT)),
        )
        .collect()
    )
    rows = suspect.arg_true()
    return values.clone().scatter(rows, read["number"]), spoiled.scatter(rows, read["spoiled"])


@cache
def _in_ascii() -> dict[str, str]:
    """Digits of every script, as libphonenumber accepts them, whatever the Unicode version of Polars; and signs.

    Made with the first number, as to look at every character takes longer than most imports.
    """
    digits = filter(str.isdecimal, map(chr, range(0x80, sys.maxunicode + 1)))
    return {"．": ".", "，": ",", "＋": "+"} | {digit: str(unicodedata.decimal(digit)) for digit in digits}
