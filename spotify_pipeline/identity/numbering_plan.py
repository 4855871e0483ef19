"""Numbering plans: libphonenumber's metadata of a region, as Polars expressions over digits.

There is no hand-made list of countries. The patterns are those that ``phonenumbers`` matches with Python's ``re``; on
ASCII digits the regex engine of Polars gives the same matches for the constructs they use (both take the leftmost
alternative that succeeds first). A pattern with any other construct gives no plan, and its region's numbers are left
to the library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Self

import phonenumbers
import polars as pl
from phonenumbers.phonemetadata import PhoneMetadata

# Digits, classes, groups, alternatives and counts: the same in both regex engines.
_PORTABLE = re.compile(r"(?:[0-9|$()\[\]\-?]|\(\?:|\\d|\{[0-9]+(?:,[0-9]*)?\})*")
_NEVER = r"[^\s\S]"
# The library rejects a national number with fewer or more digits, whatever the plan.
_NATIONAL_DIGITS = range(2, 18)


@dataclass(frozen=True, slots=True)
class Prefix:
    """Digits that a number may start with, from the library's metadata: a pattern, in most regions a plain ``0``."""

    pattern: str

    def leads(self, digits: pl.Expr) -> pl.Expr:
        """Whether the digits start with the prefix."""
        if self.pattern.isdigit():
            return digits.str.starts_with(self.pattern)
        return digits.str.contains(_anchored(self.pattern))

    def dropped_from(self, digits: pl.Expr, replacement: str = "") -> pl.Expr:
        """The digits with the prefix replaced; unchanged where they do not start with it."""
        if self.pattern.isdigit() and not replacement:
            return digits.str.strip_prefix(self.pattern)
        return digits.str.replace(_anchored(self.pattern), replacement)

    def last_group(self, digits: pl.Expr) -> pl.Expr:
        """What the last group of the pattern matched; null where it took no part, or there is none."""
        groups = re.compile(self.pattern).groups
        return digits.str.extract(_anchored(self.pattern), groups) if groups else pl.lit(None, pl.String)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberingPlan:
    """How numbers of one region are dialled, and how long they are."""

    country_code: str
    international_prefix: Prefix
    """Dialled before a country code: ``00``, ``011``."""
    national_prefix: Prefix | None
    """Dialled before a national number: ``0``, or a carrier's code."""
    transform_rule: str | None
    """What replaces the national prefix where its last group took part in the match."""
    national_number: str
    """Anchored at both ends."""
    lengths: tuple[int, ...]
    local_lengths: tuple[int, ...]
    """Lengths dialled within an area only."""

    @classmethod
    def of(cls, metadata: PhoneMetadata) -> Self | None:
        """The plan of the metadata; none where Polars may read a pattern differently."""
        numbers = metadata.general_desc
        prefix = metadata.national_prefix_for_parsing
        national_number = (numbers and numbers.national_number_pattern) or _NEVER
        international_prefix = metadata.international_prefix or _NEVER
        patterns = (prefix or _NEVER, national_number, international_prefix)
        if numbers is None or not numbers.possible_length or not all(_is_portable(each) for each in patterns):
            return None
        rule = metadata.national_prefix_transform_rule
        return cls(
            country_code=str(metadata.country_code),
            international_prefix=Prefix(international_prefix),
            national_prefix=Prefix(prefix) if prefix else None,
            transform_rule=re.sub(r"\\([0-9])", r"${\1}", rule) if rule else None,
            national_number=_anchored(national_number) + "$",
            lengths=numbers.possible_length,
            local_lengths=numbers.possible_length_local_only,
        )

    def matches(self, digits: pl.Expr) -> pl.Expr:
        """Whether the digits are a national number of this plan."""
        return digits.str.contains(self.national_number)

    def is_too_long(self, digits: pl.Expr) -> pl.Expr:
        """Whether there are more digits than any number of this plan has."""
        length = digits.str.len_bytes()
        return (length > max(self.lengths)) & ~length.is_in(self.local_lengths)

    def is_possible(self, digits: pl.Expr) -> pl.Expr:
        """Whether a number of this plan may have as many digits, at least within an area."""
        possible = {*self.lengths, *self.local_lengths}.intersection(_NATIONAL_DIGITS)
        return digits.str.len_bytes().is_in(sorted(possible))

    def significant(self, digits: pl.Expr) -> pl.Expr:
        """The national number without its prefix, unless too few digits would be left."""
        stripped = self.without_national_prefix(digits)
        full_length = stripped.str.len_bytes().is_in(self.lengths)
        return pl.when(full_length | self.is_too_long(stripped)).then(stripped).otherwise(digits)

    def without_national_prefix(self, digits: pl.Expr) -> pl.Expr:
        """The digits without national prefix, unless they match the plan with it and not without."""
        prefix = self.national_prefix
        if prefix is None:
            return digits
        stripped = prefix.dropped_from(digits)
        if self.transform_rule is not None:
            transformed = prefix.dropped_from(digits, self.transform_rule)
            stripped = pl.when(prefix.last_group(digits).is_not_null()).then(transformed).otherwise(stripped)
        spoiled = self.matches(digits) & ~self.matches(stripped)
        return pl.when(prefix.leads(digits) & ~spoiled).then(stripped).otherwise(digits)


@cache
def plan_of_region(region: str) -> NumberingPlan | None:
    """The plan of a region by its ISO 3166 alpha-2 code, in upper case."""
    metadata = PhoneMetadata.metadata_for_region(region)
    return NumberingPlan.of(metadata) if metadata else None


@cache
def plan_of_country_code(country_code: str) -> NumberingPlan | None:
    """The plan of a country calling code; of several regions that share it, the main one's."""
    code = int(country_code)
    region = phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    return NumberingPlan.of(metadata) if metadata else None


def _is_portable(pattern: str) -> bool:
    return pattern == _NEVER or _PORTABLE.fullmatch(pattern) is not None


def _anchored(pattern: str) -> str:
    # `\d` is any decimal digit of Unicode; the digits here are ASCII, and the smaller class compiles faster.
    return "^(?:" + pattern.replace(r"\d", "[0-9]") + ")"
