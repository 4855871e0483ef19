"""People of a segment drawn at random, lists of them, and their digests read back with the plainest tools."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import strategies as st

from spotify_pipeline.customer_list import Layout, Manifest, write_identifiers
from spotify_pipeline.rows import DigestSet
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, build, segment
from spotify_pipeline_tests.customer_list.model import TOKENS, hexed, model_people

Cell = tuple[str, str]
"""Type and digest."""

COLUMNS = {"email": ["email", "billing_email"], "phone": ["phone"], "device_id": ["idfa"]}
RANKED = replace(ALL_TYPES, rank_column="rank")

_SOME = 12
# Few values, so that people share them.
_EMAILS = st.none() | st.integers(0, _SOME).map("p{}@example.com".format)
PERSON = st.fixed_dictionaries(
    {
        "email": _EMAILS,
        "billing_email": _EMAILS,
        "phone": st.none() | st.integers(0, _SOME).map("+120255501{:02}".format),
        "idfa": st.none() | st.integers(0, _SOME).map("ea7583cd-a667-48bc-b806-42ecb2b486{:02}".format),
    }
)
PEOPLE = st.lists(PERSON, max_size=25)
EVERY_VALUE = [
    *(f"p{n}@example.com" for n in range(_SOME + 1)),
    *(f"+120255501{n:02}" for n in range(_SOME + 1)),
    *(f"ea7583cd-a667-48bc-b806-42ecb2b486{n:02}" for n in range(_SOME + 1)),
]
VALUES = st.lists(st.sampled_from(EVERY_VALUE), max_size=6)


def rows_of(people: Iterable[dict[str, Any]]) -> pl.DataFrame:
    return segment({**person, "consent": "1"} for person in people)


def list_of(
    folder: Path, people: list[dict[str, Any]], layout: Layout = Layout.WIDE, ranks: list[int] | None = None, **options
) -> tuple[Path, Manifest]:
    """A list of these people in ``folder``."""
    table, plan = rows_of(people), ALL_TYPES
    if ranks is not None:
        table, plan = table.with_columns(rank=pl.Series(ranks, dtype=pl.Int64)), RANKED
    report = write_identifiers([table], plan, folder / "identifiers.parquet")
    path = folder / "list" / "customer_list.csv"
    return path, build(folder / "identifiers.parquet", report, path, layout, **options)


def people_with_values(people: list[dict[str, Any]]) -> list[dict[str, list[str]]]:
    """Their normalized values by type; those without any are left out."""
    return model_people([{**person, "country": None} for person in people], COLUMNS, default_region="SE").people


def digests(person: dict[str, list[str]]) -> set[str]:
    return {hexed(value) for values in person.values() for value in values}


def digest_set(values: Iterable[str]) -> DigestSet:
    """The digests of normalized values."""
    return DigestSet.of(pl.Series([hexed(value) for value in values], dtype=pl.String))


def rows_in(path: Path) -> list[set[Cell]]:
    """The rows of a list, each as its cells."""
    with path.open(newline="") as file:
        lines = list(csv.reader(file))
    types = {token: name for name, token in TOKENS.items()}
    if lines[0] == ["type", "value"]:
        return [{(types[token], value)} for token, value in lines[1:]]
    columns = [types[token] for token in lines[0]]
    return [{(name, value) for name, value in zip(columns, line, strict=True) if value} for line in lines[1:]]


def cells_in(rows: Iterable[set[Cell]]) -> set[Cell]:
    return set(itertools.chain.from_iterable(rows))
