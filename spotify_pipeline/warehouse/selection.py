"""Which rows are read, and in which order they would come first."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from spotify_pipeline.warehouse.relation import quoted

RANK_COLUMN = "__rank"


@dataclass(frozen=True)
class Ranking:
    """An order of the rows. Rows without a value, or with NaN, come last in either direction.

    Attributes:
        column: of numbers, dates or times. Infinity is beyond all others.
        highest_first: whether the row with the highest value has rank 1.
    """

    column: str
    highest_first: bool


@dataclass(frozen=True)
class Between:
    """Rows whose value in a column is in a range.

    Attributes:
        column: name.
        at_least, below: of the column's own type; None for no limit.
        or_missing: also rows without a value.
    """

    column: str
    at_least: object | None = None
    below: object | None = None
    or_missing: bool = False

    def where(self) -> tuple[str, list[object]]:
        """The SQL condition, with ``?`` for its parameters, and their values."""
        name = quoted(self.column)
        tests = [f"{name} {sign} ?" for sign, value in ((">=", self.at_least), ("<", self.below)) if value is not None]
        values = [value for value in (self.at_least, self.below) if value is not None]
        inside = " AND ".join(tests) or f"{name} IS NOT NULL"
        return (f"({inside} OR {name} IS NULL)" if self.or_missing else f"({inside})"), values

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of ``rows`` that are in it, for a warehouse that cannot choose by itself."""
        value = pl.col(self.column)
        inside = value.is_not_null()
        if self.at_least is not None:
            inside &= value >= self.at_least
        if self.below is not None:
            inside &= value < self.below
        return rows.filter((inside | value.is_null()) if self.or_missing else inside)
