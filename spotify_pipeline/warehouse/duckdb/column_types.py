"""Decides what columns of a DuckDB type can be used for."""

from __future__ import annotations

import re

import duckdb

_ORDERED = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BIGNUM|FLOAT|DOUBLE|DECIMAL\(\d+, ?\d+\)"
    r"|DATE|TIMESTAMP(_\w+)?( WITH TIME ZONE)?"
)
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"})
_WITH_NAN = frozenset({"FLOAT", "DOUBLE"})
JSON = "JSON"
_IN_PARENTHESES = re.compile(r"\(.*\)", re.DOTALL)
_LIST = re.compile(r".*\[[0-9]*\]", re.DOTALL)
_TEXT_LIST = re.compile(r"VARCHAR\[[0-9]*\]")
_WHEN = re.compile(r"(DATE|TIME|TIMESTAMP)([_ ].*)?")
_UNREADABLE = frozenset({"UNION", "VARIANT", "BIGNUM", "INTERVAL", "GEOMETRY"})
_NO_SINGLE_VALUE = _UNREADABLE | {"STRUCT", "MAP", "BIT"}


def says_when(kind: str) -> bool:
    """Whether values of a type, by DuckDB's name, are dates or timestamps."""
    return kind in _TIMES


def orders_rows(kind: str) -> bool:
    """Whether values of a type are numbers, dates or timestamps, by which people can be ranked."""
    return _ORDERED.fullmatch(kind) is not None


def may_be_nan(kind: str) -> bool:
    """Whether a value of a type may be NaN."""
    return kind in _WITH_NAN


def duckdb_name(stated: str) -> str | None:
    """DuckDB's name of a type that somebody wrote; None if it is unknown without the warehouse."""
    try:
        return str(duckdb.sqltype(stated))
    except duckdb.Error:
        return None


def type_name(kind: str) -> str:
    """DuckDB's name of a type without its parentheses: the categories of an ENUM are values."""
    return _IN_PARENTHESES.sub("", kind)


def is_text_list(kind: str) -> bool:
    """Whether a value of a type is a list of texts, of any length or of a fixed one."""
    return _TEXT_LIST.fullmatch(kind) is not None


def is_readable(kind: str) -> bool:
    """Whether Polars can read values of a type."""
    return type_name(kind) not in _UNREADABLE


def can_identify(kind: str) -> bool:
    """Whether a value of a type may be an identifier, or several of one person."""
    if _LIST.fullmatch(kind):
        return is_text_list(kind)
    # A FLOAT of 32 bits cannot hold the digits of a phone number; rounding gives somebody else's.
    return type_name(kind) not in _NO_SINGLE_VALUE | {"BOOLEAN", "FLOAT"} and not _WHEN.fullmatch(kind)


def can_consent(kind: str) -> bool:
    """Whether a value of a type may mean consent."""
    never = _NO_SINGLE_VALUE | {"BLOB", "UUID"}
    return not _LIST.fullmatch(kind) and type_name(kind) not in never and not _WHEN.fullmatch(kind)


def no_identifier(column: str, kind: str) -> str:
    """The sentence, without its end, about a column of identifiers whose type cannot hold any."""
    return (
        f"{column} holds {type_name(kind)}, of which no identifier can be made. Give it as text (several values of one "
        "person as a LIST of text), or name another column"
    )


def no_consent(column: str, kind: str) -> str:
    """The sentence, without its end, about a consent column whose type can never mean yes."""
    return (
        f"{column} holds {type_name(kind)}, which can never say yes, so nobody would be used. Consent is a BOOLEAN, a "
        "number (1 is yes) or text (true, t, yes, y or 1): name such a column, or make one in the segment"
    )
