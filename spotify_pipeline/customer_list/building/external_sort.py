"""Sorts any number of rows of digests into canonical order without duplicates, in the memory of one bucket.

Digests are uniform, so rows are spread over files by the leading hex digits of the digest they are sorted by, and each
file is sorted by itself. Where that fails, because very many rows share one digest (the household's number, the shop's
own address), the crowded file is spread again by the next digits or by the next column that differs.

As many rows as a bucket may have stay in memory, so a small list is not spilled at all. Rows are spilled as hex text.
Spilling the 32 raw bytes would halve the disk needed; the decoding and encoding that it takes cost more than they save,
measured operation by operation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from spotify_pipeline.cores import in_order
from spotify_pipeline.customer_list.storage import append_rows, read_rows
from spotify_pipeline.rows import prefixes

BUCKET_ROWS = 262_144
"""Rows that are sorted in memory at once."""

Spread = Mapping[int, pl.DataFrame]
"""Rows by the number of the bucket that they belong to."""
_AT = "at"
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


@dataclass(repr=False)
class _Bucket:
    """Rows that lie between two others: some in a file, the last ones in memory."""

    path: Path
    rows: int = 0
    spilled: int = 0
    held: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])

    def spill(self) -> None:
        """Append what is in memory to the file."""
        if self.held:
            append_rows(self.path, pl.concat(self.held))
            self.held.clear()
            self.spilled = self.rows

    def frames(self, at_least: int = 1) -> Iterator[pl.DataFrame]:
        """All rows, so many at a time, but for the last frames."""
        if self.spilled:
            yield from read_rows(self.path, at_least=at_least)
        yield from self.held

    def remove(self) -> None:
        """Nothing of it is left."""
        self.held.clear()
        if self.spilled:
            self.path.unlink()


@dataclass(repr=False)
class _Buckets:
    """Buckets by number. When they hold so many rows in memory, all of them go to their files, in large frames."""

    folder: Path
    names: Iterator[int]
    most_held: int
    held: int = 0
    by_number: dict[int, _Bucket] = field(default_factory=dict[int, _Bucket])

    def take(self, parts: Spread) -> None:
        """Add rows."""
        for number, rows in parts.items():
            if number not in self.by_number:
                self.by_number[number] = _Bucket(self.folder / f"{next(self.names)}")
            bucket = self.by_number[number]
            bucket.held.append(rows)
            bucket.rows += rows.height
            self.held += rows.height
        if self.held > self.most_held:
            for bucket in self.by_number.values():
                bucket.spill()
            self.held = 0

    def in_turn(self) -> list[_Bucket]:
        """Each bucket, in the order of their numbers; once."""
        return [self.by_number.pop(number) for number in sorted(self.by_number)]


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
        self._names = itertools.count()
        self._buckets = self._new_buckets()

    def spread(self, rows: pl.DataFrame) -> Spread:
        """What :meth:`take` needs of rows. A row must hold at least one digest.

        It changes nothing, so that several threads may do it.
        """
        return self._spread(rows.select(self._columns), self._first)

    def take(self, parts: Spread) -> None:
        """Take rows that were spread."""
        self._buckets.take(parts)

    def drain(self) -> Iterator[pl.DataFrame]:
        """All distinct rows in canonical order, in frames of at most ``bucket_rows``; once, for the files go."""
        yield from self._drain(self._buckets, self._first)

    def _new_buckets(self) -> _Buckets:
        return _Buckets(self._folder, self._names, most_held=self._bucket_rows)

    def _drain(self, buckets: _Buckets, digits: _Digits) -> Iterator[pl.DataFrame]:
        with closing(in_order(self._sorted, buckets.in_turn())) as done:
            for bucket, rows in done:
                if rows is None:
                    yield from self._drain_crowded(bucket, digits)
                else:
                    yield rows

    def _drain_crowded(self, bucket: _Bucket, digits: _Digits) -> Iterator[pl.DataFrame]:
        key = self._first_key_that_varies(bucket, digits.key)
        if key is None:
            yield next(bucket.frames()).head(1)
            bucket.remove()
            return
        finer = digits.next() if key == digits.key else _Digits(key, 0, _FAN)
        parts = self._new_buckets()
        for rows in bucket.frames():
            parts.take(self._spread(rows, finer))
        bucket.remove()
        yield from self._drain(parts, finer)

    def _sorted(self, bucket: _Bucket) -> tuple[_Bucket, pl.DataFrame | None]:
        """A bucket, and its rows if they are not too many to be sorted at once."""
        if bucket.rows > self._bucket_rows:
            return bucket, None
        rows = pl.concat(bucket.frames(at_least=bucket.rows))
        bucket.remove()
        return bucket, _ordered_distinct(rows, self._keys)

    def _first_key_that_varies(self, bucket: _Bucket, start: int) -> int | None:
        varying: set[int] = set()
        first = next(bucket.frames()).head(1).select(key.alias(f"{n}") for n, key in enumerate(self._keys))
        for rows in bucket.frames():
            differs = rows.select(
                key.ne_missing(pl.lit(first[f"{n}"].item(), dtype=pl.String)).any().alias(f"{n}")
                for n, key in enumerate(self._keys)
            )
            varying.update(n for n in range(start, len(self._keys)) if differs[f"{n}"].item())
        return min(varying, default=None)

    def _spread(self, rows: pl.DataFrame, digits: _Digits) -> Spread:
        pair = self._keys[digits.key].str.slice(2 * digits.pair, 2).str.to_integer(base=16, dtype=pl.Int32)
        # A null sorts before any digest, so it goes to a bucket before the first.
        number = (pair * digits.buckets // _FAN).fill_null(-1)
        parts = rows.with_columns(number.alias("bucket")).partition_by("bucket", as_dict=True, include_key=False)
        return {int(value): part for (value,), part in parts.items()}


def _ordered_distinct(rows: pl.DataFrame, keys: Sequence[pl.Expr]) -> pl.DataFrame:
    """Distinct rows in canonical order.

    The first 64 bits of the leading digest order nearly all of them, in a fraction of the time of comparing text; rows
    that share them with another are compared in full.
    """
    leading = prefixes(rows.select(keys[0]).to_series())
    order = leading.arg_sort()
    leading = leading.gather(order)
    as_before = (leading == leading.shift(1)).fill_null(value=False)
    if not as_before.any():
        return rows[order]
    tied = (as_before | as_before.shift(-1, fill_value=False)).arg_true()
    alike = rows[order.gather(tied)].with_columns(order.gather(tied).alias(_AT)).sort(keys, nulls_last=False)
    cells = pl.all().exclude(_AT)
    differs = pl.any_horizontal(cells.ne_missing(cells.shift(1)))
    repeats = alike.select((pl.int_range(pl.len()) > 0) & ~differs).to_series()
    kept = pl.repeat(value=True, n=order.len(), dtype=pl.Boolean, eager=True).scatter(tied.filter(repeats), False)
    return rows[order.scatter(tied, alike[_AT]).filter(kept)]
