"""DuckDB's types of columns, as far as something depends on them."""

from __future__ import annotations

import re

import duckdb

_ORDERED = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BIGNUM|FLOAT|DOUBLE|DECIMAL\(\d+, ?\d+\)"
    r"|DATE|TIMESTAMP(_\w+)?( WITH TIME ZONE)?"
)
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"})
_WITH_NAN = frozenset({"FLOAT", "DOUBLE"})


def says_when(kind: str) -> bool:
    """Whether values of a type, by DuckDB's name, are dates or times of a day."""
    return kind in _TIMES


def orders_rows(kind: str) -> bool:
    """Whether values of a type are numbers, dates or times of a day: by these people can be ranked."""
    return _ORDERED.fullmatch(kind) is not None


def may_be_nan(kind: str) -> bool:
    """Whether a value of a type may be no number although it is there."""
    return kind in _WITH_NAN


def duckdb_name(stated: str) -> str | None:
    """DuckDB's own name of a type that somebody wrote down; None where it knows none without asking the warehouse."""
    try:
        return str(duckdb.sqltype(stated))
    except duckdb.Error:
        return None
