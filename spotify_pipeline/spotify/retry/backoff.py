"""How long to wait before a call is repeated. Pure: the clock and the dice are given.

Spotify's documentation of rate limits: 429 carries ``X-RateLimit-Reset``, the seconds left until the window opens
(not a point in time). ``Retry-After`` is RFC 9110 section 10.2.3: seconds, or an HTTP date.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_TRIES = 4
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
PAUSE_WHEN_LIMITED = 30.0
_LONGEST_BACKOFF = 30.0


def pause_before(attempt: int, *, status: int, headers: Mapping[str, str], now: float, dice: float) -> float:
    """Seconds to wait before try number ``attempt`` (2 is the first repetition).

    Args:
        attempt: number of the try to come.
        status: of the answer to the try before.
        headers: of that answer, names in lower case.
        now: seconds since the epoch, for a ``Retry-After`` that is a date.
        dice: a random number from 0 to 1, so that many waiting clients do not come back together.
    """
    asked = requested_pause(status, headers, now)
    if asked is not None:
        return asked + dice
    return backoff(attempt, dice)


def backoff(attempt: int, dice: float) -> float:
    """Exponential with full jitter: 0 to 1, 2, 4 ... at most 30 seconds before try 2, 3, 4 ..."""
    return dice * min(_LONGEST_BACKOFF, 2.0 ** (attempt - 2))


def requested_pause(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """The pause that the server asks for, clamped to 1..60 s; 30 s for a 429 that states none; else None."""
    stated = [_retry_after(headers.get("retry-after"), now)]
    if status == 429:  # other answers carry the header too, and mean nothing by it
        stated.append(_seconds(headers.get("x-ratelimit-reset")))
    pauses = [pause for pause in stated if pause is not None]
    if pauses:
        return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, *pauses))
    return PAUSE_WHEN_LIMITED if status == 429 else None


def stated_allowance(headers: Mapping[str, str]) -> tuple[float, float] | None:
    """``X-RateLimit-Remaining`` and ``-Reset``: calls left, and seconds until there are more. None where unreadable."""
    remaining, reset = (_seconds(headers.get(f"x-ratelimit-{name}")) for name in ("remaining", "reset"))
    return None if remaining is None or reset is None else (remaining, reset)


def _retry_after(value: str | None, now: float) -> float | None:
    seconds = _seconds(value)
    if seconds is not None or value is None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _seconds(value: str | None) -> float | None:
    if value is None or len(value) > 32:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None
