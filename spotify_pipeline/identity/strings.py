"""Checks that a column of identifiers contains strings."""

from __future__ import annotations

import polars as pl


def require_strings(values: pl.Series, role: str) -> pl.Series:
    """The series itself, or as strings if it contains only nulls.

    Raises:
        TypeError: it contains anything else. The message names the type and never a value.
    """
    if not isinstance(values, pl.Series):  # pyright: ignore[reportUnnecessaryIsInstance]: callers may be untyped
        raise TypeError(f"{role} must be a Polars series of String, not {type(values).__name__}.")
    if values.dtype == pl.String:
        return values
    if values.dtype == pl.Null:
        return values.cast(pl.String)
    # The type's name only: a full Enum lists its categories, which are values.
    found = values.dtype.base_type().__name__
    raise TypeError(f"{role} must be a Polars series of String, not {found}. Cast it to String first.")
