"""Reproducible random columns: SHAKE-128 of a name, so the same seed gives the same bytes on every machine and version.

A library's generator may change its stream between releases; a standardized extendable-output function (FIPS 202) may
not. Each column has a stream of its own, so adding one leaves the others as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import polars as pl

from spotify_pipeline.demo.shares import CLEAN

_WORD = 4  # bytes of one 32-bit draw


class Draws:
    """Random columns of ``rows`` values each, fixed by ``key`` and the column's name."""

    def __init__(self, key: str, rows: int) -> None:
        self._key = key
        self.rows = rows

    def _stream(self, name: str, length: int) -> bytes:
        return hashlib.shake_128(f"{self._key}/{name}".encode()).digest(length)

    def _words(self, name: str) -> pl.Series:
        stream = pl.Series(name, [self._stream(name, _WORD * self.rows)], dtype=pl.Binary)
        words = pl.Array(pl.UInt32, self.rows)
        return stream.bin.reinterpret(dtype=words, endianness="little").explode()

    def uniform(self, name: str) -> pl.Series:
        """Float64 values in [0, 1), uniform."""
        return self._words(name).cast(pl.Float64) / 2**32

    def below(self, name: str, bound: int) -> pl.Series:
        """Int64 values in [0, ``bound``), uniform; ``bound`` is far below 2**32."""
        return (self.uniform(name) * bound).floor().cast(pl.Int64)

    def chance(self, name: str, share: float) -> pl.Series:
        """Booleans, true for ``share`` of the rows."""
        return self.uniform(name) < share

    def kinds(self, name: str, shares: Mapping[str, float]) -> pl.Series:
        """Strings: a key of ``shares``, each with its share; ``clean`` for what is left to 1.0."""
        names = pl.Series([*shares, CLEAN])
        upper_bounds = pl.Series(list(shares.values()), dtype=pl.Float64).cum_sum()
        return names.gather(upper_bounds.search_sorted(self.uniform(name), side="right")).alias(name)

    def one_of(self, name: str, values: Sequence[str]) -> pl.Series:
        """Strings of ``values``, each equally often."""
        return pl.Series(values, dtype=pl.String).gather(self.below(name, len(values))).alias(name)

    def hexadecimal(self, name: str, digits: int) -> pl.Series:
        """Strings of ``digits`` lower-case hexadecimal digits; ``digits`` is even."""
        text = self._stream(name, digits // 2 * self.rows).hex()
        return pl.Series(name, [text[at : at + digits] for at in range(0, len(text), digits)], dtype=pl.String)

    def uuids(self, name: str) -> pl.Series:
        """Strings 8-4-4-4-12, lower-case, of version 4 (RFC 9562)."""
        digits = pl.col("digits")
        variant = pl.lit("8")  # of 8, 9, a, b: enough for an identifier that only has to look right
        parts = [digits.str.slice(0, 8), digits.str.slice(8, 4), pl.lit("4") + digits.str.slice(13, 3)]
        parts += [variant + digits.str.slice(17, 3), digits.str.slice(20, 12)]
        frame = pl.DataFrame({"digits": self.hexadecimal(name, 32)})
        return frame.select(pl.concat_str(parts, separator="-")).to_series().alias(name)
