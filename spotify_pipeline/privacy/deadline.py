"""Decides when to alert that an erasure waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from spotify_pipeline.privacy.ledger import ErasureRequest

SOON = timedelta(days=7)
"""Before the deadline."""


def erasure_alert(
    audience: str, requests: Sequence[ErasureRequest], *, blocked: bool, now: datetime, mirrored: bool = True
) -> tuple[tuple[str, ...], str]:
    """What is wrong with the erasures that wait for an audience, as codes, and a sentence for a person.

    A run that was blocked while erasures wait is worth an alert at once; one that was not, a week before the earliest
    deadline. The codes change when that week begins and when the deadline passes, so each is an alert of its own.
    There are none where nothing is wrong.

    Args:
        audience: the audience's folder name.
        requests: those that wait for it.
        blocked: whether the last list was kept from being sent.
        now: with a time zone.
        mirrored: whether a YAML file defines the audience; if not, only a person can carry them out.
    """
    if not requests:
        return (), f"No erasure waits for audience {audience}."
    earliest = min(requests, key=lambda each: each.deadline)
    left = earliest.deadline - now
    if not blocked and left > SOON:
        then = "The next mirror carries them out" if mirrored else "No YAML file defines it, so no mirror will"
        return (), f"{_waiting(requests, audience)}; {_due(earliest, left)}. {then}."
    overdue = left <= timedelta(0)
    codes = ("blocked",) if blocked else ()
    codes += ("overdue",) if overdue else ("soon",) if left <= SOON else ()
    because = ", and its last run was blocked" if blocked else "" if mirrored else ", which no YAML file defines"
    remedy = (
        f"Delete it: spotify-pipeline retire {audience} --policy delete, with a --reason; or put its file back and "
        "materialize it"
        if not mirrored
        else "Look at what blocked it, and fix it or approve that list"
        if blocked
        else f"Materialize {audience}/spotify_audience, or look why its schedule does not"
    )
    head = "Overdue: " if overdue else ""
    return codes, f"{head}{_waiting(requests, audience)}{because}; {_due(earliest, left)}. {remedy}."


def _waiting(requests: Sequence[ErasureRequest], audience: str) -> str:
    count = len(requests)
    return f"{count} erasure request{'s wait' if count > 1 else ' waits'} for audience {audience}"


def _due(request: ErasureRequest, left: timedelta) -> str:
    day = f"{request.deadline:%Y-%m-%d}"
    if left <= timedelta(0):
        return f"{request.id} was due on {day}, {_days(-left)} ago"
    return f"{request.id} is due on {day}, {_days(left)} from now"


def _days(time: timedelta) -> str:
    days = time.days
    return "less than a day" if days == 0 else f"{days} day{'s' if days > 1 else ''}"
