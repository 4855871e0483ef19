"""Columns of an events relation, whatever type the warehouse gave them, as text: to be read, and to be told apart.

Numbers are written as the shortest plain decimal, so that 10, 10.0 and 10.00 are one text, whatever type holds them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

import polars as pl

from spotify_pipeline.conversions.model import Constant, EventsError, Source
from spotify_pipeline.identity import trimmed
from spotify_pipeline.rows import as_text, text_lists

_NANOSECONDS = 1_000
_MICROSECONDS = {"ms": 1_000, "us": 1}
_DAY = 86_400_000_000


def require_columns(rows: pl.DataFrame, columns: Sequence[str], *, lists: Collection[str] = ()) -> None:
    """Check that the relation has these columns, and that they hold single values; of ``lists`` also lists of texts.

    Raises:
        EventsError: it lacks one, or one holds lists, structures or objects.
    """
    for column in columns:
        if column not in rows.columns:
            raise EventsError(
                f"The events have no column {column!r}. Their columns are: {', '.join(rows.columns)}. "
                "Correct the feed's YAML or the relation. Nothing was sent."
            )
        dtype = rows.schema[column]
        if column in lists and text_lists(rows[column]) is not None:
            continue
        if dtype.is_nested() or isinstance(dtype, pl.Object):
            raise EventsError(
                f"The events' column {column!r} holds {dtype.base_type().__name__}, not single values. "
                "Give it one value a row in the relation. Nothing was sent."
            )


def text_of(values: pl.Series) -> pl.Series:
    """The values as trimmed text; null where nothing is left."""
    dtype = values.dtype
    if dtype.is_numeric():
        return plain_numbers(values)
    if isinstance(dtype, pl.Duration):
        return canonical_text(values)
    text = trimmed(as_text(values))
    return text.set(text == "", None)


def source_text(rows: pl.DataFrame, source: Source | None) -> pl.Series:
    """What a source gives for each row, as ``text_of`` a column."""
    value = source.value if isinstance(source, Constant) else None
    if source is None or isinstance(source, Constant):
        text = text_of(pl.Series([value], dtype=pl.String))
        return text.new_from_index(0, rows.height)
    return text_of(rows[source.name])


def plain_numbers(values: pl.Series) -> pl.Series:
    """Numbers as text, without exponent and needless zeros; ``nan``, ``inf`` or ``-inf`` where that is what they are.

    A float is the shortest decimal that is read back as the same float.
    """
    text = values.cast(pl.String)
    if values.dtype.is_integer():
        return text
    text = text.str.to_lowercase()
    exponent = text.str.contains("e").fill_null(value=False)
    if exponent.any():
        written_out = [f"{Decimal(each):f}" for each in text.filter(exponent)]
        text = text.scatter(exponent.arg_true(), written_out)
    shortest = text.str.strip_chars_end("0").str.strip_chars_end(".")
    text = text.zip_with(~text.str.contains(".", literal=True).fill_null(value=False), shortest)
    return text.set(text == "-0", "0")


def without_nan(values: pl.Series) -> pl.Series:
    """The values, null where they are no number: what other tools write for a number that is missing."""
    return values.fill_nan(None) if values.dtype.is_float() else values


def canonical_text(values: pl.Series) -> pl.Series:
    """The one text of each value that is hashed, for however the warehouse may hold it; null for null and NaN.

    Text is itself, numbers as ``plain_numbers``, dates and times the microseconds since 1970 (a time without a zone as
    if it were UTC, so that no setting and no time zone database changes the text), bytes hexadecimal. Of a list of
    texts it is that of ``encoded`` of them.
    """
    dtype = values.dtype
    if dtype.is_numeric():
        return plain_numbers(without_nan(values))
    if isinstance(dtype, pl.Binary):
        return values.bin.encode("hex")
    if isinstance(dtype, pl.Date):
        return (values.to_physical().cast(pl.Int64) * _DAY).cast(pl.String)
    if isinstance(dtype, pl.Time):
        return values.to_physical().cast(pl.String)
    if isinstance(dtype, pl.Duration):
        return values.dt.total_microseconds().cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        return _moments(values.to_physical(), dtype.time_unit)
    if isinstance(dtype, pl.List):
        return values.list.eval(_part(pl.element())).list.join("")
    return values.cast(pl.String)


def encoded(rows: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One text for the values of several columns, from which each could be read back: no two rows share one by chance.

    Each value is the length of its ``canonical_text`` in bytes, a colon and the text; a null is a hyphen.
    """
    texts = pl.DataFrame([canonical_text(rows[column]).alias(f"{n}") for n, column in enumerate(columns)])
    return texts.select(encoded=pl.concat_str(_part(pl.col(name)) for name in texts.columns)).to_series()


def _part(text: pl.Expr) -> pl.Expr:
    return pl.when(text.is_null()).then(pl.lit("-")).otherwise(pl.format("{}:{}", text.str.len_bytes(), text))


def _moments(physical: pl.Series, unit: str) -> pl.Series:
    if unit != "ns":
        return (physical * _MICROSECONDS[unit]).cast(pl.String)
    # What is finer than a microsecond is written behind it, for two events may differ by no more.
    whole, finer = (physical // _NANOSECONDS).cast(pl.String), physical % _NANOSECONDS
    return whole.zip_with((finer == 0).fill_null(value=True), whole + "." + finer.cast(pl.String).str.zfill(3))
