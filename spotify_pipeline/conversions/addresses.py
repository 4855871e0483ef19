"""E-mail addresses where none should be: in ids, which are kept and shown, and in texts that are sent as they stand."""

from __future__ import annotations

import polars as pl

# A URL may write the @ and the points with a percent sign, once or several times over. A user's name behind a slash is
# no address. Combining marks are among the letters: some countries' domains need them.
_ADDRESS = r"(?is)[^/](?:@|%(?:25)*40)(?:[\w%-]+(?:\.|%(?:25)*2e))+[\p{L}\p{M}]{2,}"


def holds_address(text: pl.Series) -> pl.Series:
    """Whether an e-mail address stands anywhere in each text; no for null."""
    return text.str.contains(_ADDRESS).fill_null(value=False)
