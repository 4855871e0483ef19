"""The vector code against the slow reference, on ten thousand random values of each type."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_pipeline.identity import Rejection
from spotify_pipeline_tests.identity import raw_values
from spotify_pipeline_tests.identity.comparison import assert_as_reference
from spotify_pipeline_tests.identity.test_differential import FORMS, assert_every_verdict

SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=250, max_size=400)
FEWEST_COMPARED = 10_000
EXAMPLES = settings(max_examples=45, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def assert_enough(outcomes: Counter[str], reasons: set[Rejection]) -> None:
    assert outcomes.total() >= FEWEST_COMPARED
    assert_every_verdict(outcomes, reasons)


def test_emails_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes: Counter[str] = Counter()

    @EXAMPLES
    @given(SEEDS)
    def compare(seeds: list[int]) -> None:
        outcomes.update(assert_as_reference("email", [raw_values.email(seed) for seed in seeds]))

    compare()
    assert_enough(outcomes, FORMS)


def test_phones_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes: Counter[str] = Counter()
    regions_seen: set[str | None] = set()

    @EXAMPLES
    @given(SEEDS)
    def compare(seeds: list[int]) -> None:
        values, regions = zip(*map(raw_values.phone, seeds), strict=True)
        regions_seen.update(regions)
        outcomes.update(assert_as_reference("phone", values, regions))

    compare()
    assert_enough(outcomes, FORMS | {Rejection.NO_REGION})
    assert len(regions_seen.intersection(raw_values.REGIONS)) > 200


def test_device_ids_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes: Counter[str] = Counter()

    @EXAMPLES
    @given(SEEDS, st.sampled_from(["lower", "upper"]))
    def compare(seeds: list[int], case: Literal["lower", "upper"]) -> None:
        values = [raw_values.device_id(seed) for seed in seeds]
        outcomes.update(assert_as_reference("device_id", values, device_id_case=case))

    compare()
    assert_enough(outcomes, FORMS | {Rejection.ZEROED})
