"""Defines white space, format characters and lower case, the same on every Python and Polars; checks for strings.

The regex engine, the string functions of Polars and Python's ``str`` each have their own Unicode version, and differ:
a newer one knows more lower-case letters. So character classes are written out here as of Unicode 14, that of the
oldest Python supported, and ``str.lower`` does the lower-casing, whose result is the same in every Python supported.
An upgrade of Polars then changes no digest.
"""

from __future__ import annotations

import polars as pl

# The White_Space property of Unicode (PropList.txt). Not `str.isspace`, which adds the separators U+001C-U+001F:
# those are control characters.
WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

# General category Cf in Unicode 14, first and last code points.
_FORMAT_RANGES = (
    (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2),
    (0x180E, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x206F), (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x13438), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0001, 0xE0001), (0xE0020, 0xE007F),
)  # fmt: skip

STRIPPED = WHITE_SPACE + "\0" + "".join(chr(code) for first, last in _FORMAT_RANGES for code in range(first, last + 1))
"""Removed from the ends of a value, as exports, chats and address books add them."""

# General category Cc, as the inside of a regex class.
CONTROL_CLASS = r"\x{00}-\x{1f}\x{7f}-\x{9f}"

FORMAT_CLASS = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in _FORMAT_RANGES)
"""The format characters, as the inside of a regex class."""

WHITE_SPACE_CLASS = "".join(rf"\x{{{ord(character):x}}}" for character in WHITE_SPACE)


_NAME = "value"
_VALUE = pl.col(_NAME)
# Most values begin and end with these and need no second look: printable ASCII without quotes and braces.
_PLAIN = "!#-&(-z|~"
_ROUGH_START, _ROUGH_END = f"^[^{_PLAIN}]", f"[^{_PLAIN}]$"
_QUOTED = (r"(?s)^'(.*)'$", r'(?s)^"(.*)"$')
_PADDING = rf"[\x{{0}}{WHITE_SPACE_CLASS}{FORMAT_CLASS}]*"
_BRACED = rf"^\{{{_PADDING}([0-9A-Fa-f-]+){_PADDING}\}}$"


def trimmed(values: pl.Series) -> pl.Series:
    """The strings without white space, NUL and format characters at both ends, in any order."""
    return _where_rough(values, _VALUE.str.strip_chars(STRIPPED))


def unwrapped(values: pl.Series, *, braces: bool = False) -> pl.Series:
    """The strings trimmed, without one pair of quotes around them, and trimmed again.

    Args:
        values: strings.
        braces: whether to also remove one pair of braces around hexadecimal digits, as some systems write a UUID, and
            to trim inside them.
    """
    bare = _VALUE.str.strip_chars(STRIPPED)
    bare = pl.coalesce(*(bare.str.extract(pair) for pair in _QUOTED), bare).str.strip_chars(STRIPPED)
    return _where_rough(values, pl.coalesce(bare.str.extract(_BRACED), bare) if braces else bare)


def _where_rough(values: pl.Series, cleaned: pl.Expr) -> pl.Series:
    rough = (values.str.contains(_ROUGH_START) | values.str.contains(_ROUGH_END)).fill_null(value=False)
    if not rough.any():
        return values
    found = values.filter(rough).alias(_NAME).to_frame().lazy().select(cleaned).collect().to_series()
    return values.clone().scatter(rough.arg_true(), found)


def lower_case(values: pl.Series) -> pl.Series:
    """The strings as ``str.lower`` gives them, final sigma and dotted capital I included."""
    # On ASCII, which most values are, Polars and `str.lower` cannot differ.
    beyond_ascii = (values.str.len_bytes() != values.str.len_chars()).fill_null(value=False)
    lowered = values.str.to_lowercase()
    if not beyond_ascii.any():
        return lowered
    by_python = [value.lower() for value in values.filter(beyond_ascii).to_list()]
    return lowered.scatter(beyond_ascii.arg_true(), by_python)


def require_strings(values: pl.Series, role: str) -> pl.Series:
    """The series itself, or as strings if it contains only nulls.

    Raises:
        TypeError: it contains anything else. The message names the type and never a value.
    """
    if not isinstance(values, pl.Series):  # pyright: ignore[reportUnnecessaryIsInstance]: callers may be untyped
        raise TypeError(f"{role} must be a Polars series of String, not {type(values).__name__}.")
    if values.dtype == pl.String:
        return values
    if values.dtype == pl.Null:
        return values.cast(pl.String)
    # The type's name only: a full Enum lists its categories, which are values.
    found = values.dtype.base_type().__name__
    raise TypeError(f"{role} must be a Polars series of String, not {found}. Cast it to String first.")
