"""Compare the vector code with the reference, value by value, and plain phone numbers with the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl
import pytest

from spotify_pipeline.identity import DeviceIdCase, digest, phone_library, plain_phone
from spotify_pipeline_tests.identity.normalizing import normalize_as
from spotify_pipeline_tests.identity.reference import NORMALIZED, REJECTED, reference_digest, reference_normalize


def assert_as_reference(
    identifier: str,
    values: Sequence[str | None],
    regions: Sequence[str | None] | None = None,
    device_id_case: DeviceIdCase = "lower",
) -> Counter[str]:
    """Assert that every value gets the reference's verdict and digest; return how often each verdict came."""
    raw = pl.Series(values, dtype=pl.String)
    region_series = None if regions is None else pl.Series(regions, dtype=pl.String)
    verdicts = normalize_as(raw, identifier, regions=region_series, case=device_id_case)
    assert verdicts.schema == {"normalized": pl.String, "rejection": pl.String}
    assert verdicts.height == len(values)
    digests = digest(verdicts["normalized"]).to_list()
    outcomes: Counter[str] = Counter()
    differences: list[tuple[object, ...]] = []
    row_regions = regions if regions is not None else [None] * len(values)
    for value, region, (normalized, rejection), sent in zip(
        values, row_regions, verdicts.iter_rows(), digests, strict=True
    ):
        verdict, answer = reference_normalize(value, identifier, region, device_id_case)
        expected = (answer, None) if verdict == NORMALIZED else (None, answer)
        expected_digest = reference_digest(answer) if verdict == NORMALIZED else None
        outcomes[answer if verdict == REJECTED else NORMALIZED] += 1
        if (normalized, rejection, sent) != (*expected, expected_digest):
            differences.append((value, region, "got", normalized, rejection, "expected", *expected))
    assert not differences, f"{len(differences)} of {len(values)} differ, first: {differences[0]!r}"
    return outcomes


def rows_of(pairs: list[tuple[str, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"value": pl.String, "region": pl.String}, orient="row").with_row_index("row")


def assert_library_agrees(rows: pl.DataFrame) -> int:
    """Assert that what is read without the library is what it says; return how many rows are left to it."""
    plain, others = plain_phone.split(rows)
    settled, unproven = plain_phone.read(plain)
    assert sorted([*settled["row"], *unproven["row"], *others["row"]]) == list(rows["row"])
    answers = phone_library.read(rows).sort("row")
    expected = answers.filter(pl.col("row").is_in(settled["row"].implode()))
    differing = settled.sort("row").rows() != expected.rows()
    if differing:
        both = settled.join(expected, on="row", suffix="_of_library").join(rows, on="row")
        same = pl.col("normalized").eq_missing(pl.col("normalized_of_library"))
        pytest.fail(f"the library disagrees: {both.filter(~same).head(3).rows()}")
    return rows.height - settled.height
