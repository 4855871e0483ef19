"""Counts the distinct digests of a list exactly, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.building.external_sort import SortedRows, Spread
from spotify_pipeline.customer_list.model import Layout
from spotify_pipeline.home import private_directory


class DigestCounts:
    """Takes a list's rows in canonical order and counts the distinct digests of each column.

    Where every digest of a column is the one its row is sorted by, equal ones are neighbours and are counted as they
    pass: the first column of a wide list, and every column of a long one. Equal digests of the other columns may lie
    anywhere in the list, so these are sorted once more, by themselves.
    """

    def __init__(self, folder: Path, columns: Sequence[str], layout: Layout, values: Mapping[str, int]) -> None:
        """Digests are spilled into ``folder``, which must exist and be private.

        Args:
            folder: a directory of this object's own.
            columns: the columns of the list, in its order.
            layout: the layout of the list.
            values: about how many digests each column holds.
        """
        leading = columns[:1] if layout is Layout.WIDE else columns
        self._distinct: Counter[str] = Counter(dict.fromkeys(columns, 0))
        self._last: dict[str, str | None] = dict.fromkeys(leading)
        self._scattered = {
            column: SortedRows(private_directory(folder / column), [column], expected_rows=values[column])
            for column in columns
            if column not in leading
        }

    def spread(self, rows: pl.DataFrame) -> Mapping[str, Spread]:
        """What :meth:`add` needs of rows and may be found before; it changes nothing."""
        return {
            column: sorted_rows.spread(rows.select(column).drop_nulls())
            for column, sorted_rows in self._scattered.items()
        }

    def add(self, rows: pl.DataFrame, spread: Mapping[str, Spread]) -> None:
        """Take the list's next rows."""
        for column, last in self._last.items():
            digests = rows[column].drop_nulls()
            if digests.len():
                changes = int((digests != digests.shift(1)).sum())
                self._distinct[column] += changes + (digests[0] != last)
                self._last[column] = digests[-1]
        for column, sorted_rows in self._scattered.items():
            sorted_rows.take(spread[column])

    def totals(self) -> dict[str, int]:
        """Distinct digests by identifier type; once, after the last row."""
        for column, sorted_rows in self._scattered.items():
            self._distinct[column] = sum(rows.height for rows in sorted_rows.drain())
        return dict(self._distinct)
