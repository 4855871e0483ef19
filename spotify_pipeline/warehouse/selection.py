"""Which rows are read, and in which order they would come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

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

    @property
    def expression(self) -> pc.Expression:
        """The same for Arrow: to filter tables and batches, or to read a dataset."""
        value: Any = pc.field(self.column)  # whose operators are typed as those of plain values
        inside = value.is_valid()
        if self.at_least is not None:
            inside = inside & (value >= self.at_least)
        if self.below is not None:
            inside = inside & (value < self.below)
        return inside | value.is_null() if self.or_missing else inside
