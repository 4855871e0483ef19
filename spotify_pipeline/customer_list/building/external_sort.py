"""Sorts any number of rows of digests into canonical order without duplicates, in the memory of one bucket.

Digests are uniform, so rows are spread over files by the leading hex digits of the digest they are sorted by, and each
file is sorted by itself. Where that fails, because very many rows share one digest (the household's number, the shop's
own address), the crowded file is spread again by the next digits or by the next column that differs.

Rows are spilled as hex text. Spilling the 32 raw bytes would halve the disk needed; the decoding and encoding that it
takes cost more than they save, measured operation by operation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.storage import append_rows, read_rows

BUCKET_ROWS = 262_144
"""Rows that are sorted in memory at once."""

_FAN = 256
"""Buckets made from one at most: two hex digits."""


@dataclass(frozen=True)
class _Digits:
    """What rows are spread by: two hex digits of one sort key, grouped into so many buckets."""

    key: int
    pair: int
    buckets: int

    def next(self) -> _Digits:
        return _Digits(self.key, self.pair + (self.buckets == _FAN), _FAN)


@dataclass
class _Bucket:
    path: Path
    rows: int = 0


class SortedRows:
    """Takes rows of digests in any order, and gives each distinct row once, in canonical order.

    Canonical order: by the first digest of the row that is not null, then by each column in turn, null before any
    digest. It depends on the set of rows alone.
    """

    def __init__(
        self, folder: Path, columns: Sequence[str], *, expected_rows: int, bucket_rows: int = BUCKET_ROWS
    ) -> None:
        """Rows are spilled into ``folder``, which must exist and be private.

        Args:
            folder: a directory of this object's own.
            columns: columns of digests: strings of 64 lower-case hex digits, or null.
            expected_rows: about how many rows will come. A wrong number costs time, never memory or correctness.
            bucket_rows: rows that are sorted in memory at once.
        """
        self._folder = folder
        self._columns = list(columns)
        leading = pl.coalesce(self._columns)
        self._keys = [leading, *map(pl.col, self._columns)] if len(self._columns) > 1 else [leading]
        self._bucket_rows = bucket_rows
        # Half of what a bucket may hold, so that a low estimate does not spread everything twice.
        self._first = _Digits(0, 0, max(1, min(_FAN, math.ceil(2 * expected_rows / bucket_rows))))
        self._buckets: dict[int, _Bucket] = {}
        self._files = 0

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows. A row must hold at least one digest."""
        self._spread(rows.select(self._columns), self._first, self._buckets)

    def drain(self) -> Iterator[pl.DataFrame]:
        """All distinct rows in canonical order, in frames of at most ``bucket_rows``; once, for the files go."""
        yield from self._drain(self._buckets, self._first)

    def _drain(self, buckets: dict[int, _Bucket], digits: _Digits) -> Iterator[pl.DataFrame]:
        for number in sorted(buckets):
            bucket = buckets.pop(number)
            if bucket.rows <= self._bucket_rows:
                yield self._distinct(bucket)
            else:
                yield from self._drain_crowded(bucket, digits)

    def _drain_crowded(self, bucket: _Bucket, digits: _Digits) -> Iterator[pl.DataFrame]:
        key = self._first_key_that_varies(bucket, digits.key)
        if key is None:
            yield next(read_rows(bucket.path)).head(1)
            bucket.path.unlink()
            return
        finer = digits.next() if key == digits.key else _Digits(key, 0, _FAN)
        parts: dict[int, _Bucket] = {}
        # In few large frames: each frame costs an append to each of its parts.
        for rows in read_rows(bucket.path, at_least=self._bucket_rows // 2):
            self._spread(rows, finer, parts)
        bucket.path.unlink()
        yield from self._drain(parts, finer)

    def _distinct(self, bucket: _Bucket) -> pl.DataFrame:
        rows = next(read_rows(bucket.path, at_least=bucket.rows))
        bucket.path.unlink()
        ordered = rows.sort(self._keys, nulls_last=False)
        differs = pl.any_horizontal(pl.all().ne_missing(pl.all().shift(1)))
        return ordered.filter((pl.int_range(pl.len()) == 0) | differs)

    def _first_key_that_varies(self, bucket: _Bucket, start: int) -> int | None:
        varying: set[int] = set()
        first = next(read_rows(bucket.path)).head(1).select(key.alias(f"{n}") for n, key in enumerate(self._keys))
        for rows in read_rows(bucket.path):
            differs = rows.select(
                key.ne_missing(pl.lit(first[f"{n}"].item(), dtype=pl.String)).any().alias(f"{n}")
                for n, key in enumerate(self._keys)
            )
            varying.update(n for n in range(start, len(self._keys)) if differs[f"{n}"].item())
        return min(varying, default=None)

    def _spread(self, rows: pl.DataFrame, digits: _Digits, buckets: dict[int, _Bucket]) -> None:
        pair = self._keys[digits.key].str.slice(2 * digits.pair, 2).str.to_integer(base=16, dtype=pl.Int32)
        # A null sorts before any digest, so it goes to a bucket before the first.
        number = (pair * digits.buckets // _FAN).fill_null(-1)
        parts = rows.with_columns(number.alias("bucket")).partition_by("bucket", as_dict=True, include_key=False)
        for (value,), part in parts.items():
            if value not in buckets:
                buckets[value] = _Bucket(self._folder / f"{self._files}")
                self._files += 1
            append_rows(buckets[value].path, part)
            buckets[value].rows += part.height
