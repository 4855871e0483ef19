"""What counts as white space, a format character and lower case: the same on every Python and Polars.

The regex engine, the string functions of Polars and Python's ``str`` each carry the Unicode version they were built
with, and disagree: a newer one knows lower-case letters an older one does not. So character classes are written out
here as of Unicode 14, that of the oldest Python supported, and lower-casing is left to ``str.lower``, whose result is
the same in every Python supported. An upgrade of Polars then changes no digest.
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

# Invisible at the ends of exported values: byte order mark, zero-width space, (non-)joiners, word joiner.
ZERO_WIDTH = "\ufeff\u200b\u200c\u200d\u2060"

# General category Cc, as the inside of a regex class.
CONTROL_CLASS = r"\x{00}-\x{1f}\x{7f}-\x{9f}"

# General category Cf in Unicode 14, as the inside of a regex class.
FORMAT_CLASS = (
    r"\x{ad}\x{600}-\x{605}\x{61c}\x{6dd}\x{70f}\x{890}\x{891}\x{8e2}\x{180e}"
    r"\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}\x{fff9}-\x{fffb}"
    r"\x{110bd}\x{110cd}\x{13430}-\x{13438}\x{1bca0}-\x{1bca3}\x{1d173}-\x{1d17a}\x{e0001}\x{e0020}-\x{e007f}"
)

WHITE_SPACE_CLASS = "".join(rf"\x{{{ord(character):x}}}" for character in WHITE_SPACE)


def trimmed(values: pl.Series) -> pl.Series:
    """The strings without white space and zero-width characters at both ends, in whatever order they stand."""
    return values.str.strip_chars(WHITE_SPACE + ZERO_WIDTH)


def lower_case(values: pl.Series) -> pl.Series:
    """The strings as ``str.lower`` gives them, final sigma and dotted capital I included."""
    # On ASCII, all that most values hold, Polars and `str.lower` cannot differ.
    beyond_ascii = (values.str.len_bytes() != values.str.len_chars()).fill_null(value=False)
    lowered = values.str.to_lowercase()
    if not beyond_ascii.any():
        return lowered
    by_python = [value.lower() for value in values.filter(beyond_ascii).to_list()]
    return lowered.scatter(beyond_ascii.arg_true(), by_python)
