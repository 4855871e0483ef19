"""Both stages once more, as slow and plain as they can be written: dictionaries, sets, hashlib, one value at a time.

It shares with the product only the normalization of a single value, which the identity room holds to its own reference.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass
from functools import cache

import google_crc32c
import polars as pl

from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline_tests.identity.normalizing import normalize_as

TOKENS = {"email": "EMAIL_ID_SHA256", "phone": "PHONE_NUMBER_SHA256", "device_id": "DEVICE_ID_SHA256"}


@dataclass
class ModelPeople:
    """People with their normalized values by type, and how the rows of the segment came to them."""

    people: list[dict[str, list[str]]]
    rows_read: int
    dropped: dict[str, int]
    rejected: dict[str, dict[str, int]]
    values_kept: dict[str, int]
    values_repeated: dict[str, int]


@dataclass
class ModelList:
    data: bytes
    fingerprint: str
    columns: list[str]
    digests: dict[str, int]
    list_rows: int
    fanned_out: int

    @property
    def crc32c(self) -> str:
        return base64.b64encode(google_crc32c.value(self.data).to_bytes(4, "big")).decode()


@cache
def normalized(value: str | None, identifier: str, region: str | None) -> tuple[str | None, str | None]:
    regions = region if identifier == "phone" else None
    row = normalize_as(pl.Series([value], dtype=pl.String), identifier, regions=regions)
    return row.row(0)


def consents(value: object) -> bool:
    if value is True or (type(value) is int and value == 1):
        return True
    return isinstance(value, str) and value.strip().lower() in {"true", "t", "yes", "y", "1"}


def model_people(
    rows: list[dict],
    columns: dict[str, list[str]],
    *,
    region_column: str | None = None,
    default_region: str | None = None,
    consent_column: str | None = None,
) -> ModelPeople:
    people = []
    dropped = Counter({"no_consent": 0, "no_identifier": 0} if consent_column else {"no_identifier": 0})
    rejected = {identifier: Counter() for identifier in columns}
    kept, repeated = Counter(dict.fromkeys(columns, 0)), Counter(dict.fromkeys(columns, 0))
    for row in rows:
        if consent_column and not consents(row[consent_column]):
            dropped["no_consent"] += 1
            continue
        region = default_region
        if region_column and (row[region_column] or "").strip():
            region = row[region_column].strip()
        person: dict[str, list[str]] = {identifier: [] for identifier in columns}
        for identifier, sources in columns.items():
            for source in sources:
                value, rejection = normalized(row[source], identifier, region)
                if value is None:
                    rejected[identifier][rejection] += 1
                elif value in person[identifier]:
                    repeated[identifier] += 1
                else:
                    person[identifier].append(value)
                    kept[identifier] += 1
        if any(person.values()):
            people.append(person)
        else:
            dropped["no_identifier"] += 1
    return ModelPeople(
        people, len(rows), dict(dropped), {k: dict(v) for k, v in rejected.items()}, dict(kept), dict(repeated)
    )


def hexed(value: str) -> str:
    is_digest = len(value) == 64 and all(character in "0123456789abcdef" for character in value)
    return value if is_digest else hashlib.sha256(value.encode()).hexdigest()


def model_list(people: list[dict[str, list[str]]], layout: str) -> ModelList:
    configured = [identifier for identifier in TOKENS if any(identifier in person for person in people)]
    columns = [c for c in configured if any(person.get(c) for person in people)]
    rows: list[tuple[str | None, ...]] = []
    for person in people:
        cells = [[hexed(value) for value in person.get(c, [])] for c in columns]
        if layout == "wide":
            rows.extend(itertools.product(*[values or [None] for values in cells]))
        else:
            for at, values in enumerate(cells):
                rows.extend(tuple(value if n == at else None for n in range(len(columns))) for value in values)
    distinct = sorted(set(rows), key=canonical)
    lines = [",".join(cell or "" for cell in row) for row in distinct]
    if layout == "wide":
        written = [",".join(TOKENS[c] for c in columns), *lines]
    else:
        written = ["type,value", *(f"{TOKENS[columns[place(row)]]},{row[place(row)]}" for row in distinct)]
    membership = [
        "spotify-pipeline customer list 1",
        f"rules {RULES_VERSION}",
        f"columns {','.join(columns)}",
        *lines,
    ]
    return ModelList(
        data="".join(f"{line}\n" for line in written).encode(),
        fingerprint=hashlib.sha256("".join(f"{line}\n" for line in membership).encode()).hexdigest(),
        columns=columns,
        digests={c: len({row[n] for row in distinct} - {None}) for n, c in enumerate(columns)},
        list_rows=len(distinct),
        fanned_out=len(rows),
    )


def place(row: tuple[str | None, ...]) -> int:
    return next(n for n, cell in enumerate(row) if cell is not None)


def canonical(row: tuple[str | None, ...]) -> tuple[str, ...]:
    """By the first digest, then column by column, nothing before anything."""
    return (row[place(row)] or "", *(cell or "" for cell in row))
