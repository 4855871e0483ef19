"""Every character of Unicode: around an e-mail address, inside it, beside a sigma, lower-cased, in a phone number."""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from collections.abc import Iterator

import polars as pl
import pytest

from spotify_pipeline_tests.identity import reference
from spotify_pipeline_tests.identity.comparison import assert_as_reference
from spotify_pipeline_tests.identity.normalizing import normalize_as

SURROGATES = range(0xD800, 0xE000)
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if code not in SURROGATES]
BASIC_PLANE = [character for character in CHARACTERS if ord(character) <= 0xFFFF]
# Beyond the basic plane, most code points are ideographs or unassigned: one in 16, and all that have a case.
SAMPLE = [
    character
    for character in CHARACTERS
    if ord(character) <= 0xFFFF or ord(character) % 16 == 3 or character.lower() != character.upper()
]


def chunks(characters: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(characters), 100_000):
        yield characters[start : start + 100_000]


def test_every_character_inside_an_address() -> None:
    for characters in chunks(CHARACTERS):
        assert_as_reference("email", [f"us{character}er@example.com" for character in characters])


@pytest.mark.parametrize("template", ["user@{}a.example", "user@exa{}.example", "{}@a.example"])
def test_characters_at_the_ends_of_a_label(template: str) -> None:
    assert_as_reference("email", [template.format(character) for character in SAMPLE])


@pytest.mark.parametrize(
    "template", ["{0}user@example.com{0}", "{0}", " {0}user@example.com", "user@example.com{0}\u200b"]
)
def test_every_character_around_an_address(template: str) -> None:
    outcomes = assert_as_reference("email", [template.format(character) for character in SAMPLE])
    assert outcomes["invalid"] >= len(reference.WHITE_SPACE)


@pytest.mark.parametrize("template", ["Α{}Σ@example.com", "ΑΣ{}@example.com", "ΑΣ{}Α@example.com"])
def test_every_character_beside_a_sigma(template: str) -> None:
    assert_as_reference("email", [template.format(character) for character in SAMPLE])


def test_every_character_in_a_phone_number_and_a_device_id() -> None:
    phones = [f"070{character}1234567" for character in BASIC_PLANE]
    assert_as_reference("phone", phones, ["SE"] * len(phones))
    padded = [f"{character}ea7583cda66748bcb80642ecb2b48606{character}" for character in BASIC_PLANE]
    inside = [f"ea7583cd{character}a66748bcb80642ecb2b48606" for character in BASIC_PLANE]
    spelled = [f"ea7583cd-a667-48bc-b806-42ecb2b4860{character}" for character in BASIC_PLANE]
    assert_as_reference("device_id", padded + inside + spelled)


def test_what_is_stripped_is_exactly_white_space_nul_and_format_characters() -> None:
    values = pl.Series([f"{character}user@example.com{character}" for character in CHARACTERS])
    normalized = normalize_as(values, "email")["normalized"]
    stripped = {CHARACTERS[row] for row in (normalized == "user@example.com").arg_true()}
    white_space = (
        "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
        "\u2028\u2029\u202f\u205f\u3000"
    )
    format_characters = {each for each in CHARACTERS if unicodedata.category(each) == "Cf"}
    format_characters -= reference.NEWER_FORMAT_CHARACTERS
    # Quotes are no padding, but one pair of them may stand around the whole.
    assert stripped == {*white_space, "\0", *format_characters, "'", '"'}


def test_lower_case_is_that_of_one_unicode_version_whatever_the_python() -> None:
    # Another Python that changes this changes digests: that needs a new version of the rules.
    values = pl.Series([f"{character}@example.com" for character in CHARACTERS])
    normalized = normalize_as(values, "email")["normalized"].fill_null("")
    seen = hashlib.sha256("\n".join(normalized).encode()).hexdigest()
    assert seen == "2b9153863a59c6c87c9c2c3bd6da54e36c76894d7c722f14912320021160a592"
