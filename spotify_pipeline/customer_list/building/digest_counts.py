"""Counts the distinct digests of a list, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.model import Layout
from spotify_pipeline.customer_list.storage import append_rows, read_rows
from spotify_pipeline.home import private_directory
from spotify_pipeline.rows import prefixes

_MOST_HELD = 1 << 20
"""Numbers in memory, eight bytes each."""
_BUCKET_SIZE = 1 << 58
"""Of 64 buckets by the first six bits of a number."""
_PREFIX = "prefix"


class DigestCounts:
    """Takes a list's rows in canonical order and counts the distinct digests of each column.

    Where every digest of a column is the one its row is sorted by, equal ones are neighbours and are counted as they
    pass: the first column of a wide list, and every column of a long one. Equal digests of the other columns may lie
    anywhere in the list: these are told apart by their first 64 bits, as everywhere (``DigestSet``).
    """

    def __init__(self, folder: Path, columns: Sequence[str], layout: Layout, *, most_held: int = _MOST_HELD) -> None:
        """First bits are spilled into ``folder``, which must exist and be private.

        Args:
            folder: a directory of this object's own.
            columns: the columns of the list, in its order.
            layout: the layout of the list.
            most_held: numbers in memory at most, by column.
        """
        leading = columns[:1] if layout is Layout.WIDE else columns
        self._distinct: Counter[str] = Counter(dict.fromkeys(columns, 0))
        self._last: dict[str, str | None] = dict.fromkeys(leading)
        self._scattered = {
            column: _DistinctNumbers(private_directory(folder / column), most_held)
            for column in columns
            if column not in leading
        }

    def numbers_of(self, rows: pl.DataFrame) -> Mapping[str, pl.Series]:
        """What :meth:`add` needs of rows; it changes nothing, so that several threads may do it."""
        return {column: prefixes(rows[column].drop_nulls()) for column in self._scattered}

    def add(self, rows: pl.DataFrame, numbers: Mapping[str, pl.Series]) -> None:
        """Take the list's next rows."""
        for column, last in self._last.items():
            digests = rows[column].drop_nulls()
            if digests.len():
                changes = int((digests != digests.shift(1)).sum())
                self._distinct[column] += changes + (digests[0] != last)
                self._last[column] = digests[-1]
        for column, found in self._scattered.items():
            found.add(numbers[column])

    def totals(self) -> dict[str, int]:
        """Distinct digests by identifier type; once, after the last row."""
        for column, found in self._scattered.items():
            self._distinct[column] = found.total()
        return dict(self._distinct)


class _DistinctNumbers:
    """Counts distinct numbers of 64 bits. What does not fit into memory is spread over files by its first bits."""

    def __init__(self, folder: Path, most_held: int) -> None:
        self._folder = folder
        self._most_held = most_held
        self._held: list[pl.Series] = []
        self._count = 0

    def add(self, numbers: pl.Series) -> None:
        self._held.append(numbers)
        self._count += numbers.len()
        if self._count > self._most_held:
            self._spill()

    def total(self) -> int:
        if any(self._folder.iterdir()):
            self._spill()
            return sum(pl.concat(read_rows(file))[_PREFIX].n_unique() for file in self._folder.iterdir())
        return pl.concat(self._held).n_unique() if self._held else 0

    def _spill(self) -> None:
        if not self._held:
            return
        numbers = pl.concat(self._held).unique().to_frame(_PREFIX)
        parts = numbers.with_columns((pl.col(_PREFIX) // _BUCKET_SIZE).alias("bucket")).partition_by(
            "bucket", as_dict=True, include_key=False
        )
        for (bucket,), part in parts.items():
            append_rows(self._folder / f"{bucket}", part)
        self._held.clear()
        self._count = 0
