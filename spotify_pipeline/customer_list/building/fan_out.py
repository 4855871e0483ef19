"""Turns a person with several identifiers of a type into several rows of digests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from spotify_pipeline.customer_list.model import CustomerListError, Layout
from spotify_pipeline.identity import digest


def people_slices(
    identifiers: pl.DataFrame, types: Sequence[str], layout: Layout, *, at_most: int
) -> Iterator[pl.DataFrame]:
    """The people, in frames small enough for :func:`digest_rows`.

    Args:
        identifiers: columns of strings, or of lists of strings, named by type; a row per person.
        types: the columns to take.
        layout: what a row of the list is.
        at_most: about how many rows of digests a frame may give. People are not divided, so it may be passed by one
            person's.

    Raises:
        CustomerListError: a person has no identifier at all.
    """
    identifiers = identifiers.select(_without_nulls(identifiers[name]) for name in types)
    values = identifiers.select(_count(identifiers.schema[name], name) for name in types)
    if values.select(pl.sum_horizontal(pl.all()).eq(0).any()).item():
        raise CustomerListError(
            "A row of the identifiers holds none. They were not written by this project: materialize them again."
        )
    if layout is Layout.WIDE:
        combinations = pl.fold(pl.lit(1), lambda product, count: product * count, pl.all().clip(lower_bound=1))
    else:
        combinations = pl.sum_horizontal(pl.all())
    total = int(values.select(combinations.sum()).item() or 0)
    people = identifiers.height if total <= at_most else max(1, identifiers.height * at_most // total)
    yield from identifiers.iter_slices(max(1, people))


def digest_rows(people: pl.DataFrame, types: Sequence[str], layout: Layout) -> pl.DataFrame:
    """Digests of normalized identifiers: a string column per type, null where there is none.

    Wide: a row for each combination of a person's values, one value of each type; a type without values is null.
    Long: a row for each value, all other columns null.
    """
    return _combinations(people, types) if layout is Layout.WIDE else _one_by_one(people, types)


def _without_nulls(values: pl.Series) -> pl.Series:
    """Lists without null elements. Looking for one costs a tenth of dropping none."""
    if isinstance(values.dtype, pl.List) and values.drop_nulls().list.explode(empty_as_null=False).null_count():
        return values.list.drop_nulls()
    return values


def _count(dtype: pl.DataType, name: str) -> pl.Expr:
    values = pl.col(name).list.len().fill_null(0) if isinstance(dtype, pl.List) else pl.col(name).is_not_null()
    return values.cast(pl.Int64)


def _combinations(identifiers: pl.DataFrame, types: Sequence[str]) -> pl.DataFrame:
    for name in types:
        identifiers = _exploded(identifiers, name)
    return identifiers


def _one_by_one(identifiers: pl.DataFrame, types: Sequence[str]) -> pl.DataFrame:
    parts = [_exploded(identifiers.select(name), name).drop_nulls() for name in types]
    return pl.concat(parts, how="diagonal")


def _exploded(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """One value of ``name`` a row, hashed. Polars drops a row whose list is empty unless told to keep it as null."""
    if isinstance(rows.schema[name], pl.List):
        rows = rows.explode(name, empty_as_null=True, keep_nulls=True)
    return rows.with_columns(digest(rows[name]).alias(name))
