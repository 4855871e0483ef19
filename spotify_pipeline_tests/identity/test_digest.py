"""The digest: SHA-256 of the UTF-8 bytes, never of nothing and never twice."""

from __future__ import annotations

import hashlib

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.identity import digest
from spotify_pipeline_tests.identity.reference import DIGEST_OF_NOTHING, reference_digest


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.text()))
def test_any_text_has_the_digest_of_the_reference(values: list[str | None]) -> None:
    assert digest(pl.Series(values, dtype=pl.String)).to_list() == [reference_digest(value) for value in values]


def test_lengths_around_the_blocks_of_sha_256() -> None:
    values = ["@" * length for length in range(1, 300)] + ["é" * length for length in range(1, 150)]
    expected = [hashlib.sha256(value.encode()).hexdigest() for value in values]
    assert digest(pl.Series(values)).to_list() == expected


def test_nothing_has_no_digest() -> None:
    assert digest(pl.Series([None, "", DIGEST_OF_NOTHING])).to_list() == [None, None, None]


def test_only_64_lower_case_hexadecimal_digits_are_a_digest_already() -> None:
    one = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
    others = [one.upper(), one[:-1], one + "0", f" {one}", f"{one}\n", "g" + one[1:], "１" * 64]
    expected = [hashlib.sha256(value.encode()).hexdigest() for value in others]
    assert digest(pl.Series([one, *others])).to_list() == [one, *expected]


def test_the_series_keeps_its_name() -> None:
    assert digest(pl.Series("email", ["user@example.com"])).name == "email"
