"""Selects the people who go into a list: nobody who is suppressed, and nobody beyond the list's limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from spotify_pipeline.customer_list.normalize import RANK
from spotify_pipeline.customer_list.storage import ParquetFile
from spotify_pipeline.rows import DigestSet, Suppressions, people_holding


@dataclass(kw_only=True)
class Selection:
    """Reads the identifiers once, and counts who was left out and why.

    Attributes:
        source: the identifiers, a row per person.
        types: their columns.
        suppressions: a person who holds any of their digests is left out.
        before_rank: people with this rank or a later one are left out; None keeps everybody.
        kept: people given so far.
        left_out_suppressed: people left out because they are suppressed.
        matched: those of them by each source; who is in several counts in each.
        left_out_by_rank: people left out because of their rank, who are not suppressed.
    """

    source: ParquetFile
    types: Sequence[str]
    suppressions: Suppressions
    before_rank: int | None = None
    kept: int = 0
    left_out_suppressed: int = 0
    left_out_by_rank: int = 0
    matched: Counter[str] = field(default_factory=Counter[str])
    _everybody: DigestSet = field(init=False)
    _ranks: list[pl.Series] = field(default_factory=list[pl.Series])

    def __post_init__(self) -> None:
        self._everybody = self.suppressions.digests

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """The people to go into the list, in frames of at most ``rows``: a column per type; once."""
        for batch in self.source.batches(rows):
            people = self._not_suppressed(batch)
            if self.before_rank is not None:
                within = people.filter(pl.col(RANK) < self.before_rank)
                self.left_out_by_rank += people.height - within.height
                people = within
            if RANK in batch.columns:
                self._ranks.append(people[RANK])
            self.kept += people.height
            yield people.select(self.types)

    def rank_after(self, people: int) -> int:
        """The rank before which at most so many of the people given are, fewer than all; after the last batch."""
        return int(pl.concat(self._ranks).sort()[people])

    def _not_suppressed(self, batch: pl.DataFrame) -> pl.DataFrame:
        suppressed = people_holding(batch, self.types, self._everybody)
        left_out = batch.filter(suppressed)
        self.left_out_suppressed += left_out.height
        for name, digests in self.suppressions.sources.items() if left_out.height else ():
            self.matched[name] += int(people_holding(left_out, self.types, digests).sum())
        return batch.filter(~suppressed)
