"""Which people of the identifiers go into a list: not those who are suppressed, and not those beyond its limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from spotify_pipeline.customer_list.arrow_files import ParquetFile
from spotify_pipeline.customer_list.digest_set import DigestSet
from spotify_pipeline.customer_list.normalized_identifiers import RANK
from spotify_pipeline.identity import IdentifierType, digest

_PERSON, _VALUE = "person", "value"


@dataclass(kw_only=True)
class ChosenPeople:
    """Reads the identifiers once, and says of whom it gave what became.

    Attributes:
        source: the identifiers, a row per person.
        types: their columns.
        suppressed: whoever holds any of these digests is left out.
        before_rank: whoever has this rank or a later one is left out; None keeps everybody.
        kept: people given so far.
        left_out_suppressed: people left out because they are suppressed.
        left_out_by_rank: people left out because of their rank, who are not suppressed.
    """

    source: ParquetFile
    types: Sequence[IdentifierType]
    suppressed: DigestSet
    before_rank: int | None = None
    kept: int = 0
    left_out_suppressed: int = 0
    left_out_by_rank: int = 0
    _ranks: list[pl.Series] = field(default_factory=list[pl.Series])

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """The people to go into the list, in frames of at most ``rows``: a column per type; once."""
        for batch in self.source.batches(rows):
            people = batch.filter(~holding(batch, self.types, self.suppressed)) if len(self.suppressed) else batch
            self.left_out_suppressed += batch.height - people.height
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


def holding(people: pl.DataFrame, types: Sequence[IdentifierType], digests: DigestSet) -> pl.Series:
    """Whether each person holds any of these digests, as one of however many identifiers of any type."""
    found = pl.repeat(value=False, n=people.height, dtype=pl.Boolean, eager=True)
    for name in types:
        values = people.select(pl.int_range(pl.len()).alias(_PERSON), pl.col(name).alias(_VALUE))
        if isinstance(values.schema[_VALUE], pl.List):
            values = values.explode(_VALUE, empty_as_null=True, keep_nulls=True)
        hits = values.filter(digests.holds(digest(values[_VALUE])))
        found = found | pl.int_range(people.height, eager=True).is_in(hits[_PERSON].implode())
    return found
