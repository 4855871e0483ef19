"""Decides whether a feed may send: is what its days say of their rows what they usually say? Pure.

A mistake somewhere before the feed (a suppression list that holds everybody, a consent that was not loaded, a name
that is mapped to nothing, a load that did not run) filters events, or lets through what should not be. It shows as a
day that is unlike the days before it. Such a day holds the delivery until it is fixed or a person approves, once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

from spotify_pipeline.conversions.model import Dead, Filtered, State
from spotify_pipeline.conversions.outbox import DayVerdicts
from spotify_pipeline.errors import ExpectedError

USUAL_DAYS = 14
"""So many days before a day say what is usual."""
NEVER_EMPTY_DAYS = 7
_SURE = 4.0
"""Standard deviations: what chance may do to the share of a few events."""
_UNLIKELY = 0.005
_MOSTLY_GONE = 0.25
"""Of what is not filtered usually, so much must be left, however small a share it is."""


class FeedHeld(ExpectedError):
    """A guard holds the feed, and nobody has approved; the message says why and what to do. Nothing was sent."""


class FeedGuard(StrEnum):
    """What may hold a feed."""

    NO_CONSENT = "no_consent"
    SUPPRESSED = "suppressed"
    NOT_WANTED = "not_wanted"
    DEAD = "dead"
    NO_CONSENT_AT_ALL = "no_consent_at_all"
    EMPTY_DAY = "empty_day"


@dataclass(frozen=True, kw_only=True)
class FeedLimits:
    """How far a day may differ from those before it. Shares are numbers: 0.3 is 30 percentage points.

    Attributes:
        min_events: days with fewer rows are not judged, as chance alone makes them differ.
        max_no_consent_rise: of the share of wanted rows without consent.
        max_suppressed_rise: of the share of suppressed people among those who consented.
        max_not_wanted_rise: of the share of rows that nobody wants.
        max_dead_rise: of the share of dead letters among what is neither filtered nor unwanted.
    """

    min_events: int = 10
    max_no_consent_rise: float = 0.30
    max_suppressed_rise: float = 0.20
    max_not_wanted_rise: float = 0.30
    max_dead_rise: float = 0.20


@dataclass(frozen=True, kw_only=True)
class HeldDay:
    """Why one day holds the feed.

    Attributes:
        found, usual: shares; None for an empty day.
        sentence: what is unusual, without a count of people.
    """

    day: date
    guard: FeedGuard
    found: float | None
    usual: float | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class FeedDecision:
    """Whether the feed may send.

    Attributes:
        held: the days that are unlike the others; none: it may.
        accepted: the days that were judged and may be taken for usual from now on.
    """

    held: tuple[HeldDay, ...]
    accepted: tuple[date, ...]

    @property
    def allowed(self) -> bool:
        return not self.held

    @property
    def digest(self) -> str:
        """What an approval is given for: these days, each for its reason, and nothing else."""
        named = sorted(f"{each.day} {each.guard.value}" for each in self.held)
        return hashlib.sha256("\n".join(named).encode()).hexdigest()


_Part = Callable[[Mapping[str, int]], tuple[int, int]]
"""How many rows of how many, of what a day says of its rows."""


def decide_feed(readings: Sequence[DayVerdicts], limits: FeedLimits, *, open_day: date) -> FeedDecision:
    """Judge each day whose newest reading was not accepted yet, the oldest first.

    Args:
        readings: of all days that were read.
        limits: of the feed.
        open_day: is not over yet, so it may be empty.
    """
    usual: list[tuple[date, Mapping[str, int]]] = []
    held: list[HeldDay] = []
    accepted: list[date] = []
    for each in sorted(readings, key=lambda reading: reading.day):
        if each.rows == each.accepted:
            usual.append((each.day, each.rows))
            continue
        is_over = each.day < open_day
        found = _held(each, usual, limits, is_over=is_over)
        held += found
        if not found:
            usual.append((each.day, each.rows))
            if is_over or _total(each.rows):
                accepted.append(each.day)
        elif each.accepted is not None:
            usual.append((each.day, each.accepted))
    return FeedDecision(held=tuple(held), accepted=tuple(accepted))


def _held(
    reading: DayVerdicts, before: Sequence[tuple[date, Mapping[str, int]]], limits: FeedLimits, *, is_over: bool
) -> list[HeldDay]:
    rows = reading.rows
    if not _total(rows):
        return [_empty(reading.day)] if is_over and _has_rows_usually(reading.day, before, limits) else []
    known = [said for _, said in before[-USUAL_DAYS:]]
    nobody = _nobody_consented(reading, known, limits)
    found = [nobody] if nobody is not None else []
    for guard, part, limit in (
        (FeedGuard.NO_CONSENT, _without_consent, limits.max_no_consent_rise),
        (FeedGuard.SUPPRESSED, _suppressed, limits.max_suppressed_rise),
        (FeedGuard.NOT_WANTED, _of_all, limits.max_not_wanted_rise),
        (FeedGuard.DEAD, _dead, limits.max_dead_rise),
    ):
        count, of = part(rows)
        usual = _usual(part, known, reading.accepted, limits.min_events)
        if usual is None or of < limits.min_events or (nobody is not None and guard is FeedGuard.NO_CONSENT):
            continue
        share, (expected, seen) = count / of, usual
        smoothed = (expected * of + 1) / (of + 2)
        chance = _SURE * math.sqrt(smoothed * (1 - smoothed) * (1 / of + 1 / seen))
        has_risen = share - expected > limit or 1 - share < (1 - expected) * _MOSTLY_GONE
        if has_risen and share - expected > chance:
            found.append(_risen(reading.day, guard, share, expected, limit))
    return found


def _usual(
    part: _Part, before: Sequence[Mapping[str, int]], accepted: Mapping[str, int] | None, fewest: int
) -> tuple[float, int] | None:
    """The share that is usual, and of how many rows it is known; None where nothing is known.

    What was accepted last is usual too: what a person approved yesterday needs no other approval today.
    """
    shares = [(count / of, of) for count, of in map(part, before) if of >= fewest]
    own = [(count / of, of) for count, of in map(part, [accepted] if accepted is not None else []) if of >= fewest]
    if not shares and not own:
        return None
    candidates = [*own, *shares[-1:]]
    if shares:
        candidates.append((median(share for share, _ in shares), sum(of for _, of in shares)))
    return max(candidates)


def _nobody_consented(reading: DayVerdicts, before: Sequence[Mapping[str, int]], limits: FeedLimits) -> HeldDay | None:
    count, of = _without_consent(reading.rows)
    if count < of or of < limits.min_events:
        return None
    usual = _usual(_without_consent, before, reading.accepted, limits.min_events)
    if usual is not None and usual[0] ** of > _UNLIKELY:
        return None
    sentence = f"Of {reading.day}, not one row has consent. Was the consent loaded?"
    return HeldDay(
        day=reading.day,
        guard=FeedGuard.NO_CONSENT_AT_ALL,
        found=1.0,
        usual=usual[0] if usual is not None else None,
        sentence=sentence,
    )


def _has_rows_usually(day: date, before: Sequence[tuple[date, Mapping[str, int]]], limits: FeedLimits) -> bool:
    """Whether the same day of the week before has enough rows; where it is not known, the days lately, each of them."""
    totals = {known: _total(rows) for known, rows in before}
    a_week_ago = totals.get(day - timedelta(days=7))
    if a_week_ago is not None:
        return a_week_ago >= limits.min_events
    lately = list(totals.values())[-NEVER_EMPTY_DAYS:]
    return bool(lately) and all(lately) and median(lately) >= limits.min_events


def _empty(day: date) -> HeldDay:
    sentence = f"{day} has no row at all, and the days before it have. Did the load run?"
    return HeldDay(day=day, guard=FeedGuard.EMPTY_DAY, found=None, usual=None, sentence=sentence)


_IN_WORDS = {
    FeedGuard.NO_CONSENT: "rows have no consent",
    FeedGuard.SUPPRESSED: "rows with consent are of suppressed people",
    FeedGuard.NOT_WANTED: "rows have a name that `names` ignores",
    FeedGuard.DEAD: "events are dead letters",
}


def _risen(day: date, guard: FeedGuard, share: float, usual: float, limit: float) -> HeldDay:
    sentence = (
        f"Of {day}, {share:.0%} of the {_IN_WORDS[guard]}; usual are {usual:.0%}. The limit is {limit * 100:.0f} "
        "points more, and a quarter of the others must be left."
    )
    return HeldDay(day=day, guard=guard, found=share, usual=usual, sentence=sentence)


def _total(rows: Mapping[str, int]) -> int:
    return sum(rows.values())


def _of_all(rows: Mapping[str, int]) -> tuple[int, int]:
    return rows.get(Filtered.NOT_WANTED.value, 0), _total(rows)


def _without_consent(rows: Mapping[str, int]) -> tuple[int, int]:
    unwanted, total = _of_all(rows)
    return rows.get(Filtered.NO_CONSENT.value, 0), total - unwanted


def _suppressed(rows: Mapping[str, int]) -> tuple[int, int]:
    without, wanted = _without_consent(rows)
    return rows.get(Filtered.SUPPRESSED.value, 0), wanted - without


def _dead(rows: Mapping[str, int]) -> tuple[int, int]:
    dead = sum(rows.get(each.value, 0) for each in Dead)
    return dead, dead + rows.get(State.PENDING.value, 0)
