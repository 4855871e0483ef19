"""DuckDB's types as Arrow types that say what the values are."""

from __future__ import annotations

from typing import Any, cast

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from spotify_pipeline.warehouse.column_types import TYPE_NAME, without_parameters

_UTC = "UTC"
_SCALARS: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "utinyint": pa.uint8(),
    "usmallint": pa.uint16(),
    "uinteger": pa.uint32(),
    "ubigint": pa.uint64(),
    # As DuckDB gives them to Arrow.
    "hugeint": pa.decimal128(38, 0),
    "uhugeint": pa.decimal128(38, 0),
    # Of any number of digits, so more than a data frame's decimals have.
    "bignum": pa.decimal256(76, 0),
    "float": pa.float32(),
    "double": pa.float64(),
    "varchar": pa.string(),
    "blob": pa.binary(),
    "uuid": pa.uuid(),
    "enum": pa.dictionary(pa.int32(), pa.string()),
    "interval": pa.month_day_nano_interval(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "time_ns": pa.time64("ns"),
    "time with time zone": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp_s": pa.timestamp("s"),
    "timestamp_ms": pa.timestamp("ms"),
    "timestamp_ns": pa.timestamp("ns"),
    "timestamp with time zone": pa.timestamp("us", _UTC),
    "timestamptz_ns": pa.timestamp("ns", _UTC),
    "null": pa.null(),
}


def type_named(text: str) -> pa.DataType | None:
    """The type of that name in DuckDB; None if it is unknown without the warehouse."""
    try:
        return arrow_type(duckdb.sqltype(text))
    except duckdb.Error:
        return None


def arrow_field(name: str, kind: DuckDBPyType) -> pa.Field[Any]:
    """A column, with DuckDB's name of its type for messages."""
    return pa.field(name, arrow_type(kind), metadata={TYPE_NAME: without_parameters(str(kind)).encode()})


def arrow_type(kind: DuckDBPyType) -> pa.DataType:
    """The Arrow type; ``pa.opaque`` for one that Arrow does not have."""
    if str(kind) == "JSON":
        return pa.json_()
    if (scalar := _SCALARS.get(kind.id)) is not None:
        return scalar
    # Of other types, to ask for the children is an error.
    parts: dict[str, Any] = dict(kind.children) if kind.id in ("decimal", "list", "array", "map", "struct") else {}
    match kind.id:
        case "decimal":
            return pa.decimal128(parts["precision"], parts["scale"])
        case "list" | "array":
            return cast("pa.DataType", pa.list_(arrow_type(parts["child"]), parts.get("size", -1)))
        case "map":
            return pa.map_(arrow_type(parts["key"]), arrow_type(parts["value"]))
        case "struct":
            return pa.struct([(name, arrow_type(each)) for name, each in parts.items()])
        case _:
            return pa.opaque(pa.null(), kind.id, "DuckDB")
