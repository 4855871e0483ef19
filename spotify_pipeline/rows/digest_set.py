"""Sets of digests, for asking whether somebody is in them."""

from __future__ import annotations

import hashlib

import polars as pl

_HEX_DIGITS = 16
_ROWS = 65_536


class DigestSet:
    """Many digests, of any identifier type, in eight bytes each.

    The first 64 bits of a digest stand for it. Of ten million digests asked about and ten million held, one is mistaken
    for another with a probability of 5 in a million; digests cannot be read back out of the set.
    """

    def __init__(self, prefixes: pl.Series) -> None:
        """``prefixes``: distinct, ascending, UInt64. Use ``of`` to make a set."""
        self._prefixes = prefixes

    @classmethod
    def of(cls, *digests: pl.Series) -> DigestSet:
        """The set of these digests: strings of 64 lower-case hex digits; nulls are passed over."""
        return cls.of_prefixes(*(prefixes(each) for each in digests))

    @classmethod
    def of_prefixes(cls, *of_digests: pl.Series) -> DigestSet:
        """The set of the digests with these ``prefixes``; nulls are passed over."""
        if not of_digests:
            return cls(pl.Series(dtype=pl.UInt64))
        return cls(pl.concat([each.drop_nulls() for each in of_digests]).unique().sort())

    def __len__(self) -> int:
        return self._prefixes.len()

    def __or__(self, other: DigestSet) -> DigestSet:
        return DigestSet(pl.concat([self._prefixes, other._prefixes]).unique().sort())

    def __sub__(self, other: DigestSet) -> DigestSet:
        return DigestSet(self._prefixes.filter(~other.holds_prefixes(self._prefixes)))

    def holds(self, digests: pl.Series) -> pl.Series:
        """Whether each digest is in the set; a null is not."""
        return self.holds_prefixes(prefixes(digests))

    def holds_prefixes(self, of_digests: pl.Series) -> pl.Series:
        """Whether each of these ``prefixes`` is in the set; a null is not."""
        if not len(self):
            return pl.repeat(value=False, n=of_digests.len(), dtype=pl.Boolean, eager=True)
        # Not is_in: it would make a table of the whole set for every batch that is asked about.
        at = self._prefixes.search_sorted(of_digests, side="left").clip(0, len(self) - 1)
        return (self._prefixes.gather(at) == of_digests).fill_null(value=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256, hex, by which two sets are told to be the same."""
        summed = hashlib.sha256()
        for part in self._prefixes.to_frame("prefix").iter_slices(_ROWS):
            summed.update(b"".join(each.to_bytes(8) for each in part["prefix"]))
        return summed.hexdigest()


def prefixes(digests: pl.Series) -> pl.Series:
    """The first 64 bits of each digest, as UInt64; null for null.

    Raises:
        ValueError: a text does not begin with 16 hex digits. It is not quoted, as Polars would.
    """
    try:
        return digests.str.slice(0, _HEX_DIGITS).str.to_integer(base=16, dtype=pl.UInt64)
    except pl.exceptions.PolarsError:
        raise ValueError("Among digests is a text that is not a valid one.") from None
