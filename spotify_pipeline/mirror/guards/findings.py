"""Words and rounding that all guards share in what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from math import ceil

from spotify_pipeline.mirror.guards.base import Finding, GuardName, Outcome

NOTHING: Mapping[str, Fraction] = {}
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


def found(
    guard: GuardName,
    *,
    figure: str,
    limit: str,
    blocks: bool = False,
    beyond: Mapping[str, Fraction] = NOTHING,
    sentence: str = "",
) -> Finding:
    """A guard's finding, which blocks if anything is beyond its limit; the sentence is kept only then."""
    stopped = blocks or bool(beyond)
    return Finding(
        guard=guard,
        outcome=Outcome.BLOCKED if stopped else Outcome.PASSED,
        figure=figure,
        limit=limit,
        sentence=sentence if stopped else "",
        beyond={what: round(float(share), 4) for what, share in beyond.items()},
    )


def not_applicable(guard: GuardName, *, figure: str, limit: str) -> Finding:
    """The finding of a guard that has nothing to hold against its limit."""
    return Finding(guard=guard, outcome=Outcome.NOT_APPLICABLE, figure=figure, limit=limit)
