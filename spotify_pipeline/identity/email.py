"""E-mail addresses: lower-cased, and what cannot be an address rejected.

Dots and ``+tag`` stay, in Gmail addresses too: Spotify asks to trim and lower-case, and no source asks for more. There
is no Unicode normalization either: ``é`` and ``e`` + U+0301 are two addresses.
"""

from __future__ import annotations

import polars as pl

from spotify_pipeline.identity.text import CONTROL_CLASS, FORMAT_CLASS, WHITE_SPACE_CLASS, lower_case
from spotify_pipeline.identity.types import Rejection

# RFC 5321, sections 4.5.3.1.1 and 4.5.3.1.3 (a path of 256 holds an address of 254: RFC 3696, erratum 1690). Counted
# in characters after lower-casing, not in octets, so that an address beyond ASCII is not lost for its encoding.
LONGEST_LOCAL_PART = 64
LONGEST_ADDRESS = 254

# What may stand nowhere in an address: a list of two, a display name, a comment, a quoted string, `mailto:`.
_FORBIDDEN = rf'{WHITE_SPACE_CLASS}{CONTROL_CLASS}{FORMAT_CLASS},;<>()\[\]"\\:'
_LABEL = rf"[^@.\-{_FORBIDDEN}](?:[^@.{_FORBIDDEN}]*[^@.\-{_FORBIDDEN}])?"
_ADDRESS = rf"^[^@{_FORBIDDEN}]{{1,{LONGEST_LOCAL_PART}}}@{_LABEL}(?:\.{_LABEL})+$"


def judged(trimmed: pl.Series) -> pl.DataFrame:
    """Columns ``normalized`` and ``rejection`` for trimmed values; both null where the value is null."""
    address, valid = pl.col("address"), pl.col("valid")
    return (
        lower_case(trimmed)
        .alias("address")
        .to_frame()
        .with_columns(valid=address.str.contains(_ADDRESS) & (address.str.len_chars() <= LONGEST_ADDRESS))
        .select(
            normalized=pl.when(valid).then(address),
            rejection=pl.when(~valid).then(pl.lit(Rejection.INVALID.value)),
        )
    )
