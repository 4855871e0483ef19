"""The vector code against the slow reference, on random values."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_pipeline.identity import IdentifierType, Rejection
from spotify_pipeline_tests.identity import raw_values
from spotify_pipeline_tests.identity.comparison import assert_as_reference

SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=250, max_size=400)
FEWEST_COMPARED = 10_000
EXAMPLES = settings(
    max_examples=45, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
FEW_EXAMPLES = settings(EXAMPLES, max_examples=40)
FORMS = {Rejection.MISSING, Rejection.DIGEST_OF_NOTHING, Rejection.OTHER_HASH, Rejection.INVALID}


def assert_enough(outcomes: Counter[str], reasons: set[Rejection]) -> None:
    """That so many values were compared, that every verdict came up, and that good values were no rarity."""
    assert outcomes.total() >= FEWEST_COMPARED
    assert set(outcomes) == {"normalized", *reasons}
    assert outcomes["normalized"] > 0.2 * outcomes.total()


def test_emails_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes: Counter[str] = Counter()

    @EXAMPLES
    @given(SEEDS)
    def compare(seeds: list[int]) -> None:
        outcomes.update(assert_as_reference(IdentifierType.EMAIL, [raw_values.email(seed) for seed in seeds]))

    compare()
    assert_enough(outcomes, FORMS)


@pytest.mark.slow
def test_phones_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes: Counter[str] = Counter()
    regions_seen: set[str | None] = set()

    @EXAMPLES
    @given(SEEDS)
    def compare(seeds: list[int]) -> None:
        values, regions = zip(*map(raw_values.phone, seeds), strict=True)
        regions_seen.update(regions)
        outcomes.update(assert_as_reference(IdentifierType.PHONE, values, regions))

    compare()
    assert_enough(outcomes, FORMS | {Rejection.NO_REGION})
    assert len(regions_seen.intersection(raw_values.REGIONS)) > 200


def test_device_ids_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes: Counter[str] = Counter()

    @EXAMPLES
    @given(SEEDS, st.sampled_from(["lower", "upper"]))
    def compare(seeds: list[int], case: Literal["lower", "upper"]) -> None:
        values = [raw_values.device_id(seed) for seed in seeds]
        outcomes.update(assert_as_reference(IdentifierType.DEVICE_ID, values, device_id_case=case))

    compare()
    assert_enough(outcomes, FORMS | {Rejection.ZEROED})


@FEW_EXAMPLES
@given(st.sampled_from(IdentifierType), st.lists(st.none() | st.text(), max_size=40), st.sampled_from(["SE", None]))
def test_any_text_gets_the_verdict_of_the_reference(
    identifier: IdentifierType, values: list[str | None], region: str | None
) -> None:
    assert_as_reference(identifier, values, [region] * len(values))


@FEW_EXAMPLES
@given(st.lists(st.emails(), min_size=1, max_size=20))
def test_addresses_of_rfc_5322_get_the_verdict_of_the_reference(values: list[str]) -> None:
    assert_as_reference(IdentifierType.EMAIL, values)


@FEW_EXAMPLES
@given(
    st.lists(st.text("+0123456789 -()./x#,;~*ＡA１", min_size=3, max_size=24), max_size=40),
    st.sampled_from(raw_values.REGIONS),
)
def test_digits_and_marks_get_the_verdict_of_the_reference(values: list[str], region: str) -> None:
    assert_as_reference(IdentifierType.PHONE, values, [region] * len(values))


def test_long_strings_get_the_verdict_of_the_reference() -> None:
    # 250 characters are what libphonenumber reads at most.
    values = [digit * length for digit in ("7", "+4", "7\xa0", "7 ") for length in (124, 125, 126, 249, 250, 251, 9000)]
    for region in ("SE", None):
        assert_as_reference(IdentifierType.PHONE, values, [region] * len(values))
    assert_as_reference(IdentifierType.EMAIL, ["x" * 100_000, "x@" + "y." * 100_000, "@" * 1000])
