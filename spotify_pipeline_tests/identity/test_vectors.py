"""Examples of the identity rules, each with the digest or the rejection it must get."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.identity import Rejection, digest, identifier_types
from spotify_pipeline_tests.identity.normalizing import normalize_as
from spotify_pipeline_tests.identity.reference import NORMALIZED, reference_digest, reference_normalize

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="utf-8"))


def expected(vector: dict[str, Any]) -> tuple[str | None, str | None]:
    """The digest or the reason of rejection."""
    return vector.get("digest"), vector.get("rejected")


def assert_as_expected(answer: Callable[[dict[str, Any]], tuple[str | None, str | None]]) -> None:
    wrong = [(vector, got) for vector in VECTORS if (got := answer(vector)) != expected(vector)]
    assert not wrong


def test_a_value_by_itself_gets_its_digest_or_rejection() -> None:
    def answer(vector: dict[str, Any]) -> tuple[str | None, str | None]:
        verdict = normalize_as(
            pl.Series([vector["raw"]], dtype=pl.String),
            vector["identifier"],
            regions=vector.get("region"),
            case=vector.get("device_id_case", "lower"),
        )
        return digest(verdict["normalized"]).item(), verdict["rejection"].item()

    assert_as_expected(answer)


def test_the_reference_agrees() -> None:
    def answer(vector: dict[str, Any]) -> tuple[str | None, str | None]:
        case = vector.get("device_id_case", "lower")
        verdict, said = reference_normalize(vector["raw"], vector["identifier"], vector.get("region"), case)
        return (reference_digest(said), None) if verdict == NORMALIZED else (None, said)

    assert_as_expected(answer)


@pytest.mark.parametrize("identifier", identifier_types())
def test_a_whole_column_gets_its_digests_and_rejections(identifier: str) -> None:
    vectors = [vector for vector in VECTORS if vector["identifier"] == identifier and "device_id_case" not in vector]
    raw = pl.Series([vector["raw"] for vector in vectors], dtype=pl.String)
    regions = pl.Series([vector.get("region") for vector in vectors], dtype=pl.String)
    verdict = normalize_as(raw, identifier, regions=regions)
    got = list(zip(digest(verdict["normalized"]), verdict["rejection"], strict=True))
    assert got == [expected(vector) for vector in vectors]


def test_every_reason_of_rejection_has_an_example() -> None:
    assert {vector["rejected"] for vector in VECTORS if "rejected" in vector} == set(Rejection)
