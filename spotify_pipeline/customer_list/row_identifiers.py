"""The identifiers in the rows of a segment: the columns that a plan names, normalized and counted."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from spotify_pipeline.customer_list.digest_set import DigestSet
from spotify_pipeline.customer_list.errors import CustomerListError
from spotify_pipeline.customer_list.plan import IdentifierColumns, IdentifierPlan
from spotify_pipeline.customer_list.report import Tally
from spotify_pipeline.customer_list.source_values import as_text
from spotify_pipeline.identity import IdentifierType, digest, in_every_form, normalize

_PERSON, _VALUE = "person", "value"


def row_identifiers(rows: pl.DataFrame, plan: IdentifierPlan, tally: Tally) -> pl.DataFrame:
    """A row of normalized identifiers for each row of the segment, consent or not; null where it has none of a type.

    A column per type: strings where the plan names one source column, else lists of the row's distinct values.
    """
    return pl.DataFrame([_values(rows, identifier, plan.identifiers[identifier], tally) for identifier in plan.types])


def _values(rows: pl.DataFrame, identifier: IdentifierType, source: IdentifierColumns, tally: Tally) -> pl.Series:
    """The normalized values of one type: one a row, or where there are several columns a list; null where none."""
    regions = _regions(rows, source)
    columns: list[pl.Series] = []
    for column in source.columns:
        text = as_text(rows[column], binary_uuids=identifier is IdentifierType.DEVICE_ID)
        result = normalize(text, identifier, regions=regions, device_id_case=source.device_id_case)
        reasons = result["rejection"].drop_nulls().value_counts()
        tally.rejected[identifier].update(dict(reasons.iter_rows()))
        columns.append(result["normalized"].alias(f"{len(columns)}"))
    if len(columns) == 1:
        tally.kept[identifier] += columns[0].count()
        return columns[0].alias(identifier)
    values = pl.DataFrame(columns).select(
        pl.concat_list(pl.all()).list.drop_nulls().list.unique(maintain_order=True).alias(identifier)
    )[identifier]
    kept = int(values.list.len().sum())
    tally.kept[identifier] += kept
    tally.repeated[identifier] += sum(column.count() for column in columns) - kept
    return values.set(values.list.len() == 0, None)


def _regions(rows: pl.DataFrame, source: IdentifierColumns) -> pl.Series | str | None:
    if source.region_column is None:
        return source.default_region
    named = as_text(rows[source.region_column]).str.strip_chars()
    return named.set(named == "", None).fill_null(pl.lit(source.default_region, dtype=pl.String))


def require_columns(batch: pl.DataFrame, plan: IdentifierPlan) -> None:
    """Check that the segment has the columns that the plan names.

    Raises:
        CustomerListError: it lacks one.
    """
    wanted = [column for source in plan.identifiers.values() for column in (*source.columns, source.region_column)]
    for column in (*wanted, plan.consent_column, plan.rank_column):
        if column is not None and column not in batch.columns:
            raise CustomerListError(
                f"The segment has no column {column!r}. Its columns are: {', '.join(batch.columns)}."
            )


def people_holding(people: pl.DataFrame, types: Sequence[IdentifierType], digests: DigestSet) -> pl.Series:
    """Whether each row of normalized identifiers holds any of these digests: as one of however many identifiers of any
    type, in whatever form that was hashed.
    """
    found = pl.repeat(value=False, n=people.height, dtype=pl.Boolean, eager=True)
    for name in types if len(digests) else ():
        values = people.select(pl.int_range(pl.len()).alias(_PERSON), pl.col(name).alias(_VALUE))
        if isinstance(values.schema[_VALUE], pl.List):
            values = values.explode(_VALUE, empty_as_null=True, keep_nulls=True)
        for form in in_every_form(values[_VALUE], name):
            hits = values[_PERSON].filter(digests.holds(digest(form)))
            found = found | pl.int_range(people.height, eager=True).is_in(hits.implode())
    return found
