"""Reads the digests of the people in a segment when no list is built of them, as for a suppression."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list.model import withheld_errors
from spotify_pipeline.customer_list.storage import StoredFile, append_rows, read_rows
from spotify_pipeline.identity import Rejection, digest, identifier_type
from spotify_pipeline.rows import (
    DigestSet,
    IdentifierPlan,
    Tally,
    gave_consent,
    prefixes,
    require_columns,
    row_identifiers,
)

BATCH_ROWS = 65_536
"""Rows in memory at a time, and at most in a row group. Larger batches are cut."""

_TASK = "Reading the digests of a segment"
_PREFIX = "prefix"
_NOBODYS = frozenset({Rejection.MISSING, Rejection.ZEROED, Rejection.DIGEST_OF_NOTHING})


@dataclass(frozen=True, kw_only=True)
class SegmentDigests:
    """The people of a segment.

    Attributes:
        digests: of all their identifiers, in every form in which a list may hold them.
        rows: that were read.
        usable: values that gave a digest, by type.
        unusable: values that gave none though they are somebody's, by type and reason. Those that are missing, zeroed
            or the digest of nothing are nobody's.
        arrays: of the unusable values, those that look like an array or JSON as text, by type.
    """

    digests: DigestSet
    rows: int
    usable: Mapping[str, int]
    unusable: Mapping[str, Mapping[str, int]]
    arrays: Mapping[str, int]


def digests_of(batches: Iterable[pl.DataFrame], plan: IdentifierPlan) -> SegmentDigests:
    """The digests of all identifiers in a segment, in whatever form a list may hold them. Consent is not asked.

    Values that are digests already pass through, so a segment of digests can be read too. A caller that suppresses
    people by this set must compare the rows read with the segment's own count, as a partial read must never look like a
    small one, and look at how many values were unusable: their people are not in the set.

    Args:
        batches: the segment's rows; all batches have the identifier columns that the plan names.
        plan: which columns hold what.

    Raises:
        RowsError: a column is missing or unusable.
    """
    people = replace(plan, consent_column=None, rank_column=None)
    tally = Tally(plan.types)
    rows = 0
    found: list[pl.Series] = []
    for batch in batches:
        rows += batch.height
        found.extend(_prefixes(batch, people, tally))
    return SegmentDigests(
        digests=DigestSet.of_prefixes(*found),
        rows=rows,
        usable={kind: tally.kept[kind] + tally.repeated[kind] for kind in plan.types},
        unusable={
            kind: {reason: count for reason, count in reasons.items() if reason not in _NOBODYS}
            for kind, reasons in tally.rejected.items()
        },
        arrays=dict(+tally.arrays),
    )


def non_consenting_digests(batches: Iterable[pl.DataFrame], plan: IdentifierPlan) -> DigestSet:
    """The digests that are in rows without consent only; none, and nothing is read, if the plan asks no consent.

    A digest that another row consents with is not among them: it may be a household's phone, or the second record of
    one person, and a list that is built of these rows has it, too.

    Raises:
        RowsError: a column is missing or unusable.
    """
    if plan.consent_column is None:
        return DigestSet.of()
    people = replace(plan, rank_column=None)
    tally = Tally(plan.types)
    declined: list[pl.Series] = []
    agreed: list[pl.Series] = []
    for batch in batches:
        with withheld_errors(_TASK):
            require_columns(batch, people)
            consents = gave_consent(batch[plan.consent_column])
        declined.extend(_prefixes(batch.filter(~consents), people, tally))
        agreed.extend(_prefixes(batch.filter(consents), people, tally))
    return DigestSet.of_prefixes(*declined) - DigestSet.of_prefixes(*agreed)


def append_declined(path: Path, batch: pl.DataFrame, plan: IdentifierPlan, erased: DigestSet) -> None:
    """Append the first 64 bits of each digest in the rows of a batch without consent to a private file, to be read by
    ``read_declined``; none of those who asked to be forgotten.

    Raises:
        RowsError: a column is missing or unusable.
    """
    append_rows(path, pl.DataFrame(schema={_PREFIX: pl.UInt64}))
    if plan.consent_column is None or not batch.height:
        return
    declining = batch.filter(~gave_consent(batch[plan.consent_column]))
    for found in _prefixes(declining, replace(plan, rank_column=None), Tally(plan.types)):
        append_rows(path, found.filter(~erased.holds_prefixes(found)).to_frame(_PREFIX))


def read_declined(path: StoredFile) -> DigestSet | None:
    """The digests in such a file; None where there is none. A digest that another row consents with is among them.

    Raises:
        CustomerListError: it is damaged.
    """
    if not path.is_file():
        return None
    with withheld_errors("Reading who declined"):
        return DigestSet.of_prefixes(*(rows[_PREFIX] for rows in read_rows(path)))


def _prefixes(batch: pl.DataFrame, plan: IdentifierPlan, tally: Tally) -> Iterator[pl.Series]:
    with withheld_errors(_TASK):
        require_columns(batch, plan)
        for rows in batch.iter_slices(BATCH_ROWS):
            identifiers = row_identifiers(rows, plan, tally)
            for values in identifiers.iter_columns():
                for form in identifier_type(values.name).forms(flat(values)):
                    yield prefixes(digest(form)).drop_nulls().unique()


def flat(values: pl.Series) -> pl.Series:
    """The values of a column of strings, or of lists of strings; no longer a row per person."""
    return values.list.explode(empty_as_null=False, keep_nulls=False) if isinstance(values.dtype, pl.List) else values
