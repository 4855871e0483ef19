"""The vector code against the slow reference, on values in many forms."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.identity import DeviceIdCase, Rejection, identifier_types
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.identity import raw_values
from spotify_pipeline_tests.identity.comparison import assert_as_reference

FORMS = {Rejection.MISSING, Rejection.DIGEST_OF_NOTHING, Rejection.OTHER_HASH, Rejection.INVALID}
SEEDS = range(1_500)


def assert_every_verdict(outcomes: Counter[str], reasons: set[Rejection]) -> None:
    """That every verdict came up, and that good values were no rarity."""
    assert set(outcomes) == {"normalized", *reasons}
    assert outcomes["normalized"] > 0.2 * outcomes.total()


def test_emails_get_the_verdict_and_digest_of_the_reference() -> None:
    outcomes = assert_as_reference("email", list(map(raw_values.email, SEEDS)))
    assert_every_verdict(outcomes, FORMS)


def test_phones_get_the_verdict_and_digest_of_the_reference() -> None:
    values, regions = zip(*map(raw_values.phone, SEEDS), strict=True)
    outcomes = assert_as_reference("phone", values, regions)
    assert_every_verdict(outcomes, FORMS | {Rejection.NO_REGION})
    assert len(set(regions).intersection(raw_values.REGIONS)) > 200


@pytest.mark.parametrize("case", ["lower", "upper"])
def test_device_ids_get_the_verdict_and_digest_of_the_reference(case: DeviceIdCase) -> None:
    values = list(map(raw_values.device_id, SEEDS))
    outcomes = assert_as_reference("device_id", values, device_id_case=case)
    assert_every_verdict(outcomes, FORMS | {Rejection.ZEROED})


@settings(max_examples=examples(10, 40))
@given(
    st.sampled_from(list(identifier_types())),
    st.lists(st.none() | st.text(), max_size=40),
    st.sampled_from(["SE", None]),
)
def test_any_text_gets_the_verdict_of_the_reference(
    identifier: str, values: list[str | None], region: str | None
) -> None:
    assert_as_reference(identifier, values, [region] * len(values))


@settings(max_examples=examples(10, 40))
@given(st.lists(st.emails(), min_size=1, max_size=20))
def test_addresses_of_rfc_5322_get_the_verdict_of_the_reference(values: list[str]) -> None:
    assert_as_reference("email", values)


@settings(max_examples=examples(10, 40))
@given(
    st.lists(st.text("+0123456789 -()./x#,;~*ＡA１", min_size=3, max_size=24), max_size=40),
    st.sampled_from(raw_values.REGIONS),
)
def test_digits_and_marks_get_the_verdict_of_the_reference(values: list[str], region: str) -> None:
    assert_as_reference("phone", values, [region] * len(values))


def test_long_strings_get_the_verdict_of_the_reference() -> None:
    # 250 characters are what libphonenumber reads at most.
    values = [digit * length for digit in ("7", "+4", "7\xa0", "7 ") for length in (124, 125, 126, 249, 250, 251, 9000)]
    for region in ("SE", None):
        assert_as_reference("phone", values, [region] * len(values))
    assert_as_reference("email", ["x" * 100_000, "x@" + "y." * 100_000, "@" * 1000])
