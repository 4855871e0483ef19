"""Decides by its Arrow type what a column can be used for, whichever warehouse it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import pyarrow as pa

TYPE_NAME = b"type"
"""Key of a field's metadata under which a warehouse may give its own name of the type, for messages."""

Rule = Callable[[pa.DataType], bool]
_types = pa.types
_TEXT: tuple[Rule, ...] = (_types.is_string, _types.is_large_string, _types.is_string_view)
_LIST: tuple[Rule, ...] = (_types.is_list, _types.is_large_list, _types.is_fixed_size_list)
_BYTES: tuple[Rule, ...] = (
    _types.is_binary,
    _types.is_large_binary,
    _types.is_binary_view,
    _types.is_fixed_size_binary,
)
_UNREADABLE: tuple[Rule, ...] = (_types.is_union, _types.is_interval, _types.is_decimal256)
_IN_PARENTHESES = re.compile(r"\(.*\)", re.DOTALL)


def fields_of(schema: pa.Schema) -> dict[str, pa.Field[Any]]:
    """The columns of a schema by name, in order."""
    return {each.name: each for each in cast("list[pa.Field[Any]]", list(schema))}


def says_when(kind: pa.DataType) -> bool:
    """Whether values of a type are dates or timestamps."""
    return _types.is_date(kind) or _types.is_timestamp(kind)


def orders_rows(kind: pa.DataType) -> bool:
    """Whether values of a type are numbers, dates or timestamps, by which people can be ranked."""
    return _is_number(kind) or says_when(kind)


def may_be_nan(kind: pa.DataType) -> bool:
    """Whether a value of a type may be NaN."""
    return _types.is_floating(kind)


def is_text_list(kind: pa.DataType) -> bool:
    """Whether a value of a type is a list of texts, of any length or of a fixed one."""
    return _is(kind, _LIST) and _is(_inner(kind), _TEXT)


def is_json(kind: pa.DataType) -> bool:
    """Whether values of a type are JSON documents."""
    return isinstance(kind, pa.JsonType)


def is_readable(kind: pa.DataType) -> bool:
    """Whether values of a type can become columns of a data frame."""
    return not _is(kind, _UNREADABLE) and not isinstance(kind, pa.OpaqueType)


def can_identify(kind: pa.DataType) -> bool:
    """Whether a value of a type may be an identifier, or several of one person."""
    # A float of 32 bits cannot hold the digits of a phone number; rounding gives somebody else's.
    whole = _types.is_integer(kind) or _types.is_float64(kind) or _is_decimal(kind)
    return whole or _is_text(kind) or is_text_list(kind) or _is(kind, _BYTES) or isinstance(kind, pa.UuidType)


def can_consent(kind: pa.DataType) -> bool:
    """Whether a value of a type may mean consent."""
    number = _is_number(kind) and not _types.is_decimal256(kind)
    return _types.is_boolean(kind) or number or _is_text(kind)


def type_name(field: pa.Field[Any]) -> str:
    """A column's type for a message: the warehouse's name of it, else Arrow's, without what may be a value in it."""
    own = (field.metadata or {}).get(TYPE_NAME)
    return own.decode() if own is not None else _arrow_name(field.type)


def columns_in_words(schema: pa.Schema) -> str:
    """The columns of a schema with their types, for a message."""
    return ", ".join(f"{name} {type_name(each)}" for name, each in fields_of(schema).items())


def without_parameters(name: str) -> str:
    """A type's name without its parentheses: the categories of an enumeration are values."""
    return _IN_PARENTHESES.sub("", name)


def no_identifier(column: str, kind: str) -> str:
    """The sentence, without its end, about a column of identifiers whose type cannot hold any."""
    return (
        f"{column} holds {kind}, of which no identifier can be made. Give it as text (several values of one "
        "person as a LIST of text), or name another column"
    )


def no_consent(column: str, kind: str) -> str:
    """The sentence, without its end, about a consent column whose type can never mean yes."""
    return (
        f"{column} holds {kind}, which can never say yes, so nobody would be used. Consent is a BOOLEAN, a "
        "number (1 is yes) or text (true, t, yes, y or 1): name such a column, or make one in the segment"
    )


def no_order(column: str, kind: str) -> str:
    """The sentence, without its end, about a column that people cannot be ranked by."""
    return (
        f"{column} holds {kind}, so it cannot say who stays when a list is cut: that takes numbers, dates or times. "
        "Name another column in order_by, or change its type in the segment"
    )


def _arrow_name(kind: pa.DataType) -> str:
    if isinstance(kind, pa.BaseExtensionType):
        return str(kind.extension_name)
    return f"{_arrow_name(_inner(kind))}[]" if _is(kind, _LIST) else str(kind).partition("<")[0]


def _inner(kind: Any) -> pa.DataType:  # noqa: ANN401 - a list or dictionary, each kind of which is a type of its own
    return kind.value_type


def _is(kind: pa.DataType, rules: tuple[Rule, ...]) -> bool:
    return any(rule(kind) for rule in rules)


def _is_number(kind: pa.DataType) -> bool:
    return _types.is_integer(kind) or _types.is_floating(kind) or _types.is_decimal(kind)


def _is_decimal(kind: pa.DataType) -> bool:
    return _types.is_decimal(kind) and not _types.is_decimal256(kind)


def _is_text(kind: pa.DataType) -> bool:
    """Text of any kind: one of a few categories, a document of JSON, and what is null throughout."""
    of_categories = _types.is_dictionary(kind) and _is(_inner(kind), _TEXT)
    return _is(kind, _TEXT) or of_categories or is_json(kind) or _types.is_null(kind)
