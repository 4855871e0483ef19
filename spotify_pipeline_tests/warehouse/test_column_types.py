"""Columns of every type, as identifiers and as consent: read, or refused by name and type before anything is read."""

from __future__ import annotations

import re

import duckdb
import polars as pl
import pytest

from spotify_pipeline.warehouse import SegmentError, SegmentReader
from spotify_pipeline_tests.warehouse.readers import reader_of

# What no identifier can be made of, and how it is called.
NO_IDENTIFIER = {
    "1::VARIANT": "VARIANT",
    "union_value(address := 'canary@example.com')": "UNION",
    "46701740605::BIGNUM": "BIGNUM",
    "INTERVAL 1 DAY": "INTERVAL",
    "{email: 'canary@example.com'}": "STRUCT",
    "MAP {'canary@example.com': 1}": "MAP",
    "[{a: 'canary@example.com'}]": "STRUCT[]",
    "[46701740605]": "BIGINT[]",
    "[['canary@example.com']]": "VARCHAR[][]",
    "['canary@example.com'::ENUM('canary@example.com')]": "ENUM[]",
    "['\"canary@example.com\"'::JSON]": "JSON[]",
    "true": "BOOLEAN",
    "46701740605::FLOAT": "FLOAT",
    "DATE '2026-01-01'": "DATE",
    "TIME '10:00'": "TIME",
    "TIMESTAMP '2026-01-01'": "TIMESTAMP",
    "TIMESTAMPTZ '2026-01-01'": "TIMESTAMP WITH TIME ZONE",
    "'1010'::BIT": "BIT",
}
NO_CONSENT = {
    **{value: name for value, name in NO_IDENTIFIER.items() if name not in ("BOOLEAN", "FLOAT")},
    "['yes']": "VARCHAR[]",
    "['yes']::VARCHAR[1]": "VARCHAR[1]",
    "'yes'::BLOB": "BLOB",
    "uuid()": "UUID",
    "TIMESTAMP_S '2026-01-01'": "TIMESTAMP_S",
    "[true]": "BOOLEAN[]",
}


def reader(connection: duckdb.DuckDBPyConnection, *values: str) -> SegmentReader:
    rows = " UNION ALL ".join(f"SELECT {value} AS held, 1 AS id" for value in values)
    connection.execute(f"CREATE TABLE people AS {rows}")
    return reader_of(connection, "people")


def read(segment: SegmentReader, **roles) -> list:
    return pl.concat(segment.batches(["held"], **roles))["held"].to_list()


def refusal(segment: SegmentReader, **roles) -> str:
    with pytest.raises(SegmentError) as caught:
        read(segment, **roles)
    assert "canary" not in str(caught.value)
    assert "Nothing was sent" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("value", "name"), NO_IDENTIFIER.items())
def test_a14_a_column_of_which_no_identifier_can_be_made_is_named_with_its_type(
    connection: duckdb.DuckDBPyConnection, value: str, name: str
) -> None:
    said = refusal(reader(connection, value), identifiers=["held"])
    assert f"people.held holds {name}, of which no identifier can be made" in said


@pytest.mark.parametrize(("value", "name"), NO_CONSENT.items())
def test_a14_a_column_that_can_never_say_yes_is_named_with_its_type(
    connection: duckdb.DuckDBPyConnection, value: str, name: str
) -> None:
    assert f"people.held holds {name}, which can never say yes" in refusal(reader(connection, value), consent=["held"])


@pytest.mark.parametrize("value", ["1::VARIANT", "union_value(x := 1)", "1::BIGNUM", "INTERVAL 1 DAY"])
def test_a_column_that_cannot_be_read_is_named_whatever_it_is_for(
    connection: duckdb.DuckDBPyConnection, value: str
) -> None:
    assert re.search(r"people.held holds [A-Z]+, which cannot be read here", refusal(reader(connection, value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'a@example.com'", "a@example.com"),
        ("'a@example.com'::ENUM('a@example.com')", "a@example.com"),
        ("46701740605", 46701740605),
        ("46701740605::HUGEINT", 46701740605),
        ("46701740605::DOUBLE", 46701740605.0),
        ("46701740605::DECIMAL(20, 2)", 46701740605),
        ("'a@example.com'::BLOB", b"a@example.com"),
        ("'6f9619ff-8b86-d011-b42d-00c04fc964ff'::UUID", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        ("['a@example.com', 'b@example.com']", ["a@example.com", "b@example.com"]),
        ("['a@example.com', NULL]::VARCHAR[2]", ["a@example.com", None]),
        ("""'"a@\\u0065xample.com"'::JSON""", "a@example.com"),
        ("NULL", None),
    ],
)
def test_what_may_identify_somebody_is_read(
    connection: duckdb.DuckDBPyConnection, value: str, expected: object
) -> None:
    assert read(reader(connection, value), identifiers=["held"]) == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", True),
        ("1.0::DOUBLE", 1.0),
        ("1.0::FLOAT", 1.0),
        ("1.00::DECIMAL(3, 2)", 1),
        ("'true'::JSON", "true"),
        ("""'"yes"'::JSON""", "yes"),
        ("'1.0'::JSON", "1.0"),
        ("'null'::JSON", None),
        ("""'["yes"]'::JSON""", '["yes"]'),
        ("'yes'::ENUM('yes', 'no')", "yes"),
    ],
)
def test_what_may_say_yes_is_read(connection: duckdb.DuckDBPyConnection, value: str, expected: object) -> None:
    assert read(reader(connection, value), consent=["held"]) == [expected]


@pytest.mark.parametrize(
    ("value", "name"),
    [('["canary@example.com"]', "ARRAY"), ('{"email": "canary@example.com"}', "OBJECT"), ("46701740605", "UBIGINT")],
)
def test_json_that_is_no_single_string_is_no_identifier(
    connection: duckdb.DuckDBPyConnection, value: str, name: str
) -> None:
    segment = reader(connection, "'\"a@example.com\"'::JSON", "'null'::JSON", "NULL::JSON", f"'{value}'::JSON")
    said = refusal(segment, identifiers=["held"])
    assert f"people.held holds JSON, and in some row it is {name} and not a single string" in said
    assert None in read(segment)
