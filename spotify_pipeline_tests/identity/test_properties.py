"""What holds for any column of identifiers, whatever the rules say of a single value."""

from __future__ import annotations

import random

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.identity import digest, identifier_types
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.identity import raw_values
from spotify_pipeline_tests.identity.normalizing import normalize_as

SEEDS = st.lists(st.integers(0, 2**64 - 1), max_size=60)
EXAMPLES = settings(max_examples=examples(10, 25))
TYPES = pytest.mark.parametrize("identifier", identifier_types())


def column(identifier: str, seeds: list[int]) -> tuple[pl.Series, pl.Series]:
    """Raw values and regions of one type."""
    if identifier == "phone":
        pairs = [raw_values.phone(seed) for seed in seeds]
    else:
        draw = raw_values.email if identifier == "email" else raw_values.device_id
        pairs = [(draw(seed), None) for seed in seeds]
    values, regions = zip(*pairs, strict=True) if pairs else ((), ())
    return pl.Series(values, dtype=pl.String), pl.Series(regions, dtype=pl.String)


def judged(identifier: str, values: pl.Series, regions: pl.Series) -> list[tuple[str | None, str | None]]:
    return normalize_as(values, identifier, regions=regions).rows()


@pytest.mark.parametrize("identifier", ["email", "device_id"])
@EXAMPLES
@given(SEEDS)
def test_a_normalized_value_stays_as_it_is(identifier: str, seeds: list[int]) -> None:
    values, _ = column(identifier, seeds)
    normalized = normalize_as(values, identifier)["normalized"].drop_nulls()
    assert normalize_as(normalized, identifier).rows() == [(value, None) for value in normalized]


def test_a_phone_number_of_any_region_stays_as_it_is_once_normalized() -> None:
    kinds = phonenumbers.PhoneNumberType.values()
    examples = [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for region in raw_values.REGIONS
        for kind in kinds
        if (number := phonenumbers.example_number_for_type(region, kind)) is not None
    ]
    assert len(examples) > 1000
    # With any region, and with none: what is normalized no longer needs one.
    for region in (None, "SE", "US", "BR"):
        verdict = normalize_as(pl.Series(examples), "phone", regions=region)
        assert verdict.rows() == [(value, None) for value in examples]


@pytest.mark.stress
def test_a_number_of_any_region_that_was_a_float_is_the_number_it_was() -> None:
    numbers = {region: phonenumbers.example_number(region) for region in raw_values.REGIONS}
    known = {region: number for region, number in numbers.items() if number is not None}
    national = [phonenumbers.national_significant_number(number) for number in known.values()]
    code = [str(number.country_code) for number in known.values()]
    regions = pl.Series(list(known))
    for digits in (national, ["+" + each + rest for each, rest in zip(code, national, strict=True)]):
        long_enough = pl.Series([len(each.lstrip("+")) >= 7 for each in digits])
        values, of_region = pl.Series(digits).filter(long_enough), regions.filter(long_enough)
        assert values.len() > 200
        as_it_was = normalize_as(values, "phone", regions=of_region)
        assert as_it_was["rejection"].null_count() == values.len()
        for fraction in (".0", ",00", ".000;"):
            assert normalize_as(values + fraction, "phone", regions=of_region).equals(as_it_was)
        for spoiled in (values + ".5", values + "e0", values.str.slice(0, 4) + "E+10"):
            verdict = normalize_as(spoiled, "phone", regions=of_region)
            assert set(verdict["rejection"]) == {"invalid"}


def test_a_phone_number_with_two_prefixes_changes_each_time_it_is_normalized() -> None:
    # libphonenumber drops one national prefix each time it reads a number, from its own E.164 too. Such numbers are
    # possible and hardly ever valid; the rules follow the library, so a raw value is to be normalized once.
    once = normalize_as(pl.Series(["+4900123456789"]), "phone")["normalized"]
    twice = normalize_as(once, "phone")["normalized"]
    assert (once.item(), twice.item()) == ("+490123456789", "+49123456789")


@EXAMPLES
@given(SEEDS)
def test_a_device_id_in_upper_case_stays_as_it_is(seeds: list[int]) -> None:
    values, _ = column("device_id", seeds)
    upper = normalize_as(values, "device_id", case="upper")["normalized"].drop_nulls()
    again = normalize_as(upper, "device_id", case="upper")
    assert again.rows() == [(value, None) for value in upper]


@TYPES
@EXAMPLES
@given(SEEDS)
def test_each_row_is_normalized_or_rejected_never_both(identifier: str, seeds: list[int]) -> None:
    values, regions = column(identifier, seeds)
    for normalized, rejection in judged(identifier, values, regions):
        assert (normalized is None) != (rejection is None)


@TYPES
@EXAMPLES
@given(SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_verdict(identifier: str, seeds: list[int], rnd: random.Random) -> None:
    values, regions = column(identifier, seeds)
    order = list(range(len(values)))
    rnd.shuffle(order)
    shuffled = judged(identifier, values.gather(order), regions.gather(order))
    verdicts = judged(identifier, values, regions)
    assert shuffled == [verdicts[row] for row in order]


@TYPES
@EXAMPLES
@given(SEEDS, st.integers(0, 60), st.integers(0, 60))
def test_chunks_and_slices_change_no_verdict(identifier: str, seeds: list[int], cut: int, length: int) -> None:
    values, regions = column(identifier, seeds)
    verdicts = judged(identifier, values, regions)
    in_chunks = pl.concat([values.head(cut), values.slice(cut)], rechunk=False)
    assert judged(identifier, in_chunks, regions) == verdicts
    sliced = judged(identifier, in_chunks.slice(cut // 2, length), regions.slice(cut // 2, length))
    assert sliced == verdicts[cut // 2 : cut // 2 + length]
    normalized = normalize_as(values, identifier, regions=regions)["normalized"]
    chunked = pl.concat([normalized.head(cut), normalized.slice(cut)], rechunk=False)
    assert digest(chunked).to_list() == digest(normalized).to_list()
    assert digest(chunked.slice(cut // 2, length)).to_list() == digest(normalized).slice(cut // 2, length).to_list()


@TYPES
@EXAMPLES
@given(SEEDS)
def test_the_values_given_are_left_alone(identifier: str, seeds: list[int]) -> None:
    values, regions = column(identifier, seeds)
    before = values.to_list()
    digest(normalize_as(values, identifier, regions=regions)["normalized"])
    assert values.to_list() == before


@TYPES
@EXAMPLES
@given(SEEDS)
def test_a_digest_is_the_digest_of_itself_in_any_column(identifier: str, seeds: list[int]) -> None:
    values, regions = column(identifier, seeds)
    digests = digest(normalize_as(values, identifier, regions=regions)["normalized"])
    assert digest(digests).to_list() == digests.to_list()
    for other in identifier_types():
        again = normalize_as(digests.drop_nulls().str.to_uppercase(), other)["normalized"]
        assert again.to_list() == digests.drop_nulls().to_list()


@TYPES
def test_an_empty_column_gives_an_empty_frame(identifier: str) -> None:
    for empty in (pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Null)):
        verdict = normalize_as(empty, identifier)
        assert verdict.schema == {"normalized": pl.String, "rejection": pl.String}
        assert verdict.height == 0
        assert digest(verdict["normalized"]).to_list() == []


@TYPES
def test_a_column_of_nulls_is_missing_throughout(identifier: str) -> None:
    for nulls in (pl.Series([None, None], dtype=pl.String), pl.Series([None, None])):
        assert normalize_as(nulls, identifier, regions="SE").rows() == [(None, "missing")] * 2
        assert digest(nulls).to_list() == [None, None]


@pytest.mark.stress
@TYPES
def test_a_long_column_keeps_its_order(identifier: str) -> None:
    values, regions = column(identifier, list(range(3_000)))
    verdicts = normalize_as(values, identifier, regions=regions)
    many = normalize_as(pl.concat([values] * 40), identifier, regions=pl.concat([regions] * 40))
    assert many.equals(pl.concat([verdicts] * 40))
    digests = digest(verdicts["normalized"])
    assert digest(many["normalized"]).equals(pl.concat([digests] * 40))


def test_one_region_for_all_is_the_same_as_it_in_each_row() -> None:
    values = pl.Series(["0701234567", "+14155551234", None, "12"])
    for region in ("SE", "se", "ZZ", ""):
        each = normalize_as(values, "phone", regions=pl.Series([region] * 4))
        assert normalize_as(values, "phone", regions=region).equals(each)
