"""Plain phone numbers of every region, read by expressions: the library's answer, without the library."""

from __future__ import annotations

import phonenumbers
import polars as pl
import pytest
from phonenumbers.phonemetadata import PhoneMetadata, PhoneNumberDesc

from spotify_pipeline.identity import phone_library
from spotify_pipeline.identity.numbering_plan import NumberingPlan, plan_of_country_code, plan_of_region
from spotify_pipeline_tests.identity.comparison import assert_library_agrees, rows_of

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def test_an_example_of_every_region_is_read_in_every_form_of_writing() -> None:
    pairs: list[tuple[str, str | None]] = []
    forms = phonenumbers.PhoneNumberFormat
    for region in REGIONS:
        number = phonenumbers.example_number(region)
        assert number is not None
        written = {
            phonenumbers.format_number(number, form) for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL)
        }
        written.add(phonenumbers.format_out_of_country_calling_number(number, "SE"))
        written.add(str(number.country_code) + phonenumbers.national_significant_number(number))
        pairs += [(value, given) for value in sorted(written) for given in (region, "SE", None)]
    left = assert_library_agrees(rows_of(pairs))
    assert left < 0.01 * len(pairs)


def test_every_region_and_country_code_has_a_plan() -> None:
    # Where this fails after an upgrade of phonenumbers, results stay right, and that region becomes slow.
    assert [region for region in REGIONS if plan_of_region(region) is None] == []
    codes = map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    assert [code for code in codes if plan_of_country_code(code) is None] == []


@pytest.mark.parametrize("pattern", [r"(?=0)0", r"(0)\1", r"0*", r"\w", r"0(?!1)", r"(?P<a>0)", r"0{,2}", "^0", "[^0]"])
def test_a_pattern_that_another_regex_engine_may_read_otherwise_gives_no_plan(pattern: str) -> None:
    numbers = PhoneNumberDesc(national_number_pattern=r"[1-9]\d{8}", possible_length=(9,))
    plain = PhoneMetadata(
        id="ZZ", country_code=46, general_desc=numbers, national_prefix_for_parsing="0", register=False
    )
    assert NumberingPlan.of(plain) is not None
    metadata = PhoneMetadata(
        id="ZZ", country_code=46, general_desc=numbers, national_prefix_for_parsing=pattern, register=False
    )
    assert NumberingPlan.of(metadata) is None


def test_a_national_prefix_is_dropped_unless_too_few_digits_would_be_left() -> None:
    # Today no region's metadata needs the last case; the library has it all the same.
    numbers = PhoneNumberDesc(
        national_number_pattern=r"[1-9]\d{8}", possible_length=(9,), possible_length_local_only=(6,)
    )
    plan = NumberingPlan.of(
        PhoneMetadata(id="ZZ", country_code=46, general_desc=numbers, national_prefix_for_parsing="0", register=False)
    )
    assert plan is not None
    digits = pl.DataFrame({"digits": ["0701234567", "0123456", "012345678", "07012345678"]})
    significant = digits.select(plan.significant(pl.col("digits"))).to_series().to_list()
    assert significant == ["701234567", "0123456", "012345678", "7012345678"]


def test_the_library_answers_for_each_distinct_value_and_region() -> None:
    rows = rows_of([("tel:0701740605", "SE"), ("tel:0701740605", "GB"), ("tel:0701740605", None)] * 2)
    answers = phone_library.read(rows).sort("row")
    assert answers["normalized"].to_list() == ["+46701740605", "+44701740605", None] * 2
    assert answers["rejection"].to_list() == [None, None, "no_region"] * 2


def test_the_library_is_not_asked_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    parse = phonenumbers.parse

    def counted(value: str, region: str | None = None) -> phonenumbers.PhoneNumber:
        asked.append(value)
        return parse(value, region)

    monkeypatch.setattr(phonenumbers, "parse", counted)
    rows = rows_of([("tel:0701740605", "SE")]).select(pl.all().repeat_by(200_000).explode())
    answers = phone_library.read(rows.drop("row").with_row_index("row"))
    assert answers["normalized"].unique().to_list() == ["+46701740605"]
    assert len(asked) == 1
