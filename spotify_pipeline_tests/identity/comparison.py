"""Compare the vector code with the reference, value by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from spotify_pipeline.identity import DeviceIdCase, IdentifierType, digest, normalize
from spotify_pipeline_tests.identity.reference import NORMALIZED, REJECTED, reference_digest, reference_normalize


def assert_as_reference(
    identifier: IdentifierType,
    values: Sequence[str | None],
    regions: Sequence[str | None] | None = None,
    device_id_case: DeviceIdCase = "lower",
) -> Counter[str]:
    """Assert that every value gets the reference's verdict and digest; return how often each verdict came."""
    raw = pl.Series(values, dtype=pl.String)
    region_series = None if regions is None else pl.Series(regions, dtype=pl.String)
    verdicts = normalize(raw, identifier, regions=region_series, device_id_case=device_id_case)
    assert verdicts.schema == {"normalized": pl.String, "rejection": pl.String}
    assert verdicts.height == len(values)
    digests = digest(verdicts["normalized"]).to_list()
    outcomes: Counter[str] = Counter()
    differences: list[tuple[object, ...]] = []
    row_regions = regions if regions is not None else [None] * len(values)
    for value, region, (normalized, rejection), sent in zip(
        values, row_regions, verdicts.iter_rows(), digests, strict=True
    ):
        verdict, answer = reference_normalize(value, identifier.value, region, device_id_case)
        expected = (answer, None) if verdict == NORMALIZED else (None, answer)
        expected_digest = reference_digest(answer) if verdict == NORMALIZED else None
        outcomes[answer if verdict == REJECTED else NORMALIZED] += 1
        if (normalized, rejection, sent) != (*expected, expected_digest):
            differences.append((value, region, "got", normalized, rejection, "expected", *expected))
    assert not differences, f"{len(differences)} of {len(values)} differ, first: {differences[0]!r}"
    return outcomes
