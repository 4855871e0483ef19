"""Words and rounding that all guards share in what they say."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from math import ceil

SMALL = 20
"""Counts below it are not shown: they would say something of single people."""


def counted(number: int) -> str:
    """A count, in words where it is small."""
    return f"fewer than {SMALL}" if 0 < number < SMALL else f"{number:,}"


def exact(share: float) -> Fraction:
    """The number that was written: 0.3 is three tenths, and not the float beside it.

    Raises:
        ValueError: it is no finite number, so nothing can be held against it.
    """
    return Fraction(str(share))


def share_of(part: int, whole: int) -> Fraction:
    """A part of a whole; nothing of nothing is nothing."""
    return Fraction(part, whole) if whole else Fraction(0)


def percent(share: Fraction) -> str:
    """A share of a hundred, rounded up to a tenth, so that what is just above a limit does not look like it."""
    return f"{ceil(share * 1000) / 10:,.1f}".removesuffix(".0") + " %"


def hours(age: timedelta) -> str:
    """A time span in hours, rounded up to a tenth."""
    tenths = ceil(Fraction(age // timedelta(microseconds=1), 360_000_000))
    return f"{tenths / 10:,.1f}".removesuffix(".0") + " hours"
