"""The digests of the people in a segment, where it is asked who they are and no list is built of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl

from spotify_pipeline.customer_list.digest_set import DigestSet, prefixes
from spotify_pipeline.customer_list.errors import withheld_errors
from spotify_pipeline.customer_list.normalized_identifiers import BATCH_ROWS
from spotify_pipeline.customer_list.plan import IdentifierPlan
from spotify_pipeline.customer_list.report import Tally
from spotify_pipeline.customer_list.row_identifiers import require_columns, row_identifiers
from spotify_pipeline.customer_list.source_values import gave_consent
from spotify_pipeline.identity import digest

_TASK = "Reading the digests of a segment"


def digests_of(batches: Iterable[pl.DataFrame], plan: IdentifierPlan) -> tuple[DigestSet, int]:
    """The digests of all identifiers in a segment, and how many rows were read. Consent is not asked.

    Values that are digests already pass through, so a segment of digests can be read too. Whoever suppresses people by
    this set must compare the rows read with the segment's own count: a partial read must never look like a small one.

    Args:
        batches: the segment's rows; all batches have the identifier columns that the plan names.
        plan: which columns hold what; device ids are hashed in the case it says, which must be that of the lists.

    Raises:
        CustomerListError: a column is missing or unusable.
    """
    people = replace(plan, consent_column=None, rank_column=None)
    rows_read = 0
    found: list[pl.Series] = []
    for batch in batches:
        rows_read += batch.height
        found.extend(_prefixes(batch, people))
    return DigestSet.of_prefixes(*found), rows_read


def declined_digests(batches: Iterable[pl.DataFrame], plan: IdentifierPlan) -> DigestSet:
    """The digests that stand in rows without consent only; none, and nothing is read, if the plan asks no consent.

    A digest that another row consents with is not among them: it may be a household's phone, or the second record of
    one person, and a list that is built of these rows has it, too.

    Raises:
        CustomerListError: a column is missing or unusable.
    """
    if plan.consent_column is None:
        return DigestSet.of()
    people = replace(plan, rank_column=None)
    declined: list[pl.Series] = []
    agreed: list[pl.Series] = []
    for batch in batches:
        with withheld_errors(_TASK):
            require_columns(batch, people)
            consents = gave_consent(batch[plan.consent_column])
        declined.extend(_prefixes(batch.filter(~consents), people))
        agreed.extend(_prefixes(batch.filter(consents), people))
    return DigestSet.of_prefixes(*declined) - DigestSet.of_prefixes(*agreed)


def _prefixes(batch: pl.DataFrame, plan: IdentifierPlan) -> Iterator[pl.Series]:
    with withheld_errors(_TASK):
        require_columns(batch, plan)
        for rows in batch.iter_slices(BATCH_ROWS):
            identifiers = row_identifiers(rows, plan, Tally(types=plan.types, asks_consent=False))
            for values in identifiers.iter_columns():
                yield prefixes(digest(flat(values))).drop_nulls().unique()


def flat(values: pl.Series) -> pl.Series:
    """The values of a column of strings, or of lists of strings; no longer a row per person."""
    return values.list.explode(empty_as_null=False, keep_nulls=False) if isinstance(values.dtype, pl.List) else values
