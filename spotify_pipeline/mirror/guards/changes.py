"""Measures how a list differs from one that was sent, in shares. Pure."""

from __future__ import annotations

from fractions import Fraction

from spotify_pipeline.customer_list import NO_CONSENT, SUPPRESSED, Manifest
from spotify_pipeline.mirror.guards.facts import GuardFacts, PreviousList
from spotify_pipeline.mirror.guards.limits import GuardLimits, Limit, LimitKind
from spotify_pipeline.mirror.guards.words import counted, exact, share_of

MAX_SHRINK = Limit(
    field="max_shrink",
    kind=LimitKind.SHARE,
    default=0.30,
    meaning="how much shorter a list may be than the one Spotify has, as it was sent; and for each type of identifier, "
    'how many of its values may be gone, unless the list lost as much. Write shares as `"30%"` or `0.3`; a bare `30` '
    "is refused; at most 99%, except `max_growth`, at most 10,000%",
)
ENOUGH_VALUES = 100
"""Fewer values of a type say nothing about its column."""
_MEANINGFUL = Fraction(5, 100)
_NEARLY_ALL = Fraction(90, 100)


def lost(before: PreviousList, now: Manifest) -> Fraction:
    """How much shorter the list is, but for people whose erasure was confirmed."""
    return share_of(max(before.rows - now.list_rows, 0), before.rows)


def exchanged(before: PreviousList, now: Manifest) -> dict[str, Fraction]:
    """How many are others than before, as a share of the fewer: of the ``people``, and of each type's values.

    By type, too, since somebody stays by any identifier: all e-mail addresses may be strangers' while phones stay.
    Types that few people have, or had, are left out.
    """
    gone = before.removed - before.confirmed
    shares = {"people": share_of(min(before.added, gone), min(before.rows, now.list_rows))}
    for kind, change in before.types.items():
        had = change.before - change.confirmed
        if min(had, change.now) >= ENOUGH_VALUES and share_of(had, before.rows) >= _MEANINGFUL:
            shares[kind] = share_of(min(change.added, change.removed), min(had, change.now))
    return shares


def columns_lost(before: PreviousList, now: Manifest, allowed: Fraction) -> dict[str, Fraction]:
    """The types of which more values than ``allowed`` are gone, and more than the list is shorter; with that share.

    Of a type that few people had, it says something only if nearly all is gone.
    """
    shorter = lost(before, now)
    losses: dict[str, Fraction] = {}
    for kind, count in before.manifest.digests.items():
        had = count - (before.types[kind].confirmed if kind in before.types else 0)
        share = share_of(max(had - now.digests.get(kind, 0), 0), had)
        most = allowed if had >= ENOUGH_VALUES else max(allowed, _NEARLY_ALL)
        if share > max(most, shorter) and share_of(had, before.rows) >= _MEANINGFUL:
            losses[kind] = share
    return losses


def erased_people(before: PreviousList) -> str:
    """Of those gone, how many were erased, as the end of a phrase; empty where nobody was."""
    if not before.erased:
        return ""
    said = "confirmed" if before.confirmed >= before.erased else f"{counted(before.confirmed)} of them confirmed"
    apart = " apart from those confirmed" if before.confirmed else ""
    return (
        f"{apart}; {counted(before.erased)} of those gone were erased, {said if before.confirmed else 'not confirmed'}"
    )


def moved_by_rules(facts: GuardFacts, limits: GuardLimits) -> tuple[int, int] | None:
    """The versions of the identity rules, before and now, if they differ and nothing else explains that people moved.

    The same values can be read otherwise by other rules. So the segment must be much as it was: neither its rows nor
    those without consent or suppressed, when it was built or since, may have changed by more than a list may shrink.
    """
    if facts.previous is None:
        return None
    before, now = facts.previous.manifest, facts.manifest
    if before.rules_version == now.rules_version:
        return None
    most = exact(limits[MAX_SHRINK])
    kept_out = [
        each.rows_withdrawn + sum(each.rows_dropped.get(why, 0) for why in (NO_CONSENT, SUPPRESSED))
        for each in (before, now)
    ]
    moves = (abs(now.rows_read - before.rows_read), abs(kept_out[1] - kept_out[0]))
    if any(share_of(move, before.rows_read) > most for move in moves):
        return None
    return before.rules_version, now.rules_version
