"""The identifiers in the rows of a segment: the columns that a plan names, normalized and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from spotify_pipeline.identity import Rejection, digest, identifier_type, normalize, unwrapped
from spotify_pipeline.rows.digest_set import DigestSet
from spotify_pipeline.rows.errors import RowsError
from spotify_pipeline.rows.plan import IdentifierColumns, IdentifierPlan
from spotify_pipeline.rows.source_values import as_text, text_lists
from spotify_pipeline.rows.tally import Tally

_PERSON, _VALUE = "person", "value"
# In brackets or braces, whatever stands around those: an array or an object that was written out as text.
_ARRAY = r"""(?s)^[\s"']*[\[{].*[\]}][\s"']*$"""


def row_identifiers(rows: pl.DataFrame, plan: IdentifierPlan, tally: Tally) -> pl.DataFrame:
    """A row of normalized identifiers for each row of the segment, consent or not; null where it has none of a type.

    A column per type: strings where the plan names one source column of single values, else lists of the row's
    distinct values.
    """
    return pl.DataFrame([_values(rows, plan.identifiers[name], tally) for name in plan.types])


def holds_lists(schema: pl.Schema, source: IdentifierColumns) -> bool:
    """Whether a row may hold several values of one type: in several columns, or in one of lists."""
    return len(source.columns) > 1 or any(isinstance(schema.get(each), pl.List) for each in source.columns)


def _values(rows: pl.DataFrame, source: IdentifierColumns, tally: Tally) -> pl.Series:
    """The normalized values of one type: one a row, or where there may be several a list; null where none."""
    kind, identifier = source.kind, source.kind.name
    beside = _beside(rows, source)
    columns: list[pl.Series] = []
    found = 0
    for column in source.columns:
        lists = text_lists(rows[column])
        each = _one_a_row(lists) if lists is not None else None
        values = rows[column] if each is None else each[_VALUE].alias(column)
        text = as_text(values, binary_uuids=kind.is_uuid)
        of_each = beside if each is None else {name: texts.gather(each[_PERSON]) for name, texts in beside.items()}
        result = normalize(text, kind, beside=of_each)
        reasons = result["rejection"].drop_nulls().value_counts()
        tally.rejected[identifier].update(dict(reasons.iter_rows()))
        invalid = text.filter(result["rejection"] == Rejection.INVALID)
        tally.arrays[identifier] += int(invalid.str.contains(_ARRAY).sum())
        normalized = result["normalized"]
        found += normalized.count()
        columns.append(normalized if each is None else _of_persons(each[_PERSON], normalized))
    if not holds_lists(rows.schema, source):
        tally.kept[identifier] += found
        return columns[0].alias(identifier)
    of_person = pl.select(
        pl.concat_list(columns).list.drop_nulls().list.unique(maintain_order=True).alias(identifier)
    ).to_series()
    kept = int(of_person.list.len().sum())
    tally.kept[identifier] += kept
    tally.repeated[identifier] += found - kept
    return of_person.set(of_person.list.len() == 0, None)


def _one_a_row(values: pl.Series) -> pl.DataFrame:
    """Single values, or those in lists, each with the number of its person's row; an empty list is one that is null."""
    each = pl.DataFrame({_PERSON: pl.int_range(values.len(), eager=True), _VALUE: values})
    return each.explode(_VALUE, empty_as_null=True, keep_nulls=True) if isinstance(values.dtype, pl.List) else each


def _of_persons(persons: pl.Series, values: pl.Series) -> pl.Series:
    """The values of each person as a list, in the order of persons, of whom each has at least one value."""
    by_person = pl.DataFrame({_PERSON: persons, _VALUE: values}).group_by(_PERSON, maintain_order=True)
    return by_person.agg(_VALUE)[_VALUE]


def _beside(rows: pl.DataFrame, source: IdentifierColumns) -> Mapping[str, pl.Series]:
    """The texts in the columns that options name; null where there is nothing."""
    texts = {option: unwrapped(as_text(rows[column])) for option, column in source.beside.items()}
    return {option: text.set(text == "", None) for option, text in texts.items()}


def require_columns(batch: pl.DataFrame, plan: IdentifierPlan) -> None:
    """Check that the segment has the columns that the plan names.

    Raises:
        RowsError: it lacks one.
    """
    for column in (*plan.columns_read, plan.consent_column, plan.rank_column):
        if column is not None and column not in batch.columns:
            raise RowsError(f"The segment has no column {column!r}. Its columns are: {', '.join(batch.columns)}.")


def people_holding(people: pl.DataFrame, types: Sequence[str], digests: DigestSet) -> pl.Series:
    """Whether each row of normalized identifiers holds any of these digests: as one of however many identifiers of any
    type, in whatever form that was hashed.
    """
    found = pl.repeat(value=False, n=people.height, dtype=pl.Boolean, eager=True)
    for name in types if len(digests) else ():
        values = _one_a_row(people[name])
        for form in identifier_type(name).forms(values[_VALUE]):
            hits = values[_PERSON].filter(digests.holds(digest(form)))
            found = found | pl.int_range(people.height, eager=True).is_in(hits.implode())
    return found
