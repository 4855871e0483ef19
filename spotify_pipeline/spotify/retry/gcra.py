"""Decides how many calls may be made and when: the arithmetic of the rate limiter. Pure: the time is given.

Spotify's Ads API documentation, "Rate limits": 1,500 requests in any 30 seconds per client id and user. This is the
generic cell rate algorithm (GCRA) with one number, the time at which the next call would be due if all were spaced
evenly. A call takes the slot that this time gives it; a process that dies before its slot has cost the others one.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace

from spotify_pipeline.spotify.lenient_json import parse_object

MAX_AHEAD = 120.0
"""Seconds. No slot is given further ahead; a stored time beyond it is from before this machine's last boot."""
_SHORTEST_TERM, _LONGEST_TERM = 1.0, 60.0
_SPARE = 0.8  # a response that leaves this share of the limit is no reason to slow down
_SLOWEST_INTERVAL = 10.0
_RESERVE = 10.0  # retries
_EARNED_BY_SUCCESS = 0.1
_EARNED_PER_SECOND = _RESERVE / 3600


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``burst`` calls at once, and ``per_second`` on average.

    In any W seconds at most ``per_second`` * W + ``burst`` slots begin. A call reaches the server later than its
    slot, but a caller has one call open at a time, so the server counts at most one more for each caller.
    """

    per_second: float
    burst: int

    @property
    def interval(self) -> float:
        """Seconds between two calls in the long run."""
        return 1.0 / self.per_second

    @property
    def tolerance(self) -> float:
        """Seconds that a call may be ahead of an even spacing."""
        return (self.burst - 1) / self.per_second


SPOTIFY_RATE_LIMIT = RateLimit(per_second=48, burst=12)
"""48 * 30 + 12 = 1,452 in any 30 seconds, which leaves room for 48 callers at once: 96 % of the limit is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GcraState:
    """What all processes of a key share. Times are seconds of one clock.

    Attributes:
        due: when the next call would be due if all were spaced evenly.
        paused_until: no calls until then, as Spotify asked.
        interval: seconds between two calls that Spotify's own count allows, until ``slow_until``.
        repetitions: how many calls may be retried at ``counted_at``.
    """

    due: float = -math.inf
    paused_until: float = -math.inf
    interval: float = 0.0
    slow_until: float = -math.inf
    repetitions: float = _RESERVE
    counted_at: float = -math.inf

    def slot(self, now: float, limit: RateLimit) -> float:
        """When a call that asks now may be made: now or later."""
        if now < self.slow_until:
            return max(now, self.due, self.paused_until)
        return max(now, self.due - limit.tolerance, self.paused_until)

    def taken(self, slot: float, now: float, limit: RateLimit) -> GcraState:
        """After a call has taken ``slot``."""
        interval = max(limit.interval, self.interval) if now < self.slow_until else limit.interval
        return replace(self, due=max(self.due, slot) + interval)

    def paused(self, seconds: float, now: float, limit: RateLimit) -> GcraState:
        """After Spotify asked for a pause of ``seconds``. Calls then go out one by one, without a burst."""
        until = max(self.paused_until, now + seconds)
        return replace(self, paused_until=until, due=max(self.due, until + limit.tolerance))

    def slowed_by(self, remaining: float, reset: float, now: float, limit: RateLimit) -> GcraState:
        """After a response that says ``remaining`` calls are left for ``reset`` seconds; it can only slow us down.

        That happens where another machine uses the same key, whose calls only Spotify can count.
        """
        term = min(max(reset, _SHORTEST_TERM), _LONGEST_TERM)
        if remaining <= 0:
            return self.paused(term, now, limit)
        surely = term - 1.0  # the reset is in whole seconds, rounded up
        if remaining >= _SPARE * limit.per_second * surely:
            return self
        interval = min(surely / remaining, _SLOWEST_INTERVAL)
        return replace(self, interval=interval, slow_until=now + term)

    def succeeded(self, now: float) -> GcraState:
        """After a call that needs no retry: ten of them earn one retry."""
        return self._earning(_EARNED_BY_SUCCESS, now)

    def retried(self, now: float) -> GcraState | None:
        """After one retry; None when there is none left. A quiet hour restores all of them."""
        earned = self._earning(0.0, now)
        return replace(earned, repetitions=earned.repetitions - 1) if earned.repetitions >= 1 else None

    def _earning(self, amount: float, now: float) -> GcraState:
        quiet = max(0.0, now - self.counted_at)
        earned = min(_RESERVE, self.repetitions + amount + min(quiet, 3600.0) * _EARNED_PER_SECOND)
        return replace(self, repetitions=earned, counted_at=now)

    def plausible(self, now: float) -> GcraState:
        """A fresh state if this one cannot be from the current boot: a reboot restarts the clock."""
        latest = now + MAX_AHEAD
        times = (self.due, self.paused_until, self.slow_until, self.counted_at)
        if any(math.isnan(time) or time > latest for time in times):
            return GcraState()
        sane = 0 <= self.interval <= _SLOWEST_INTERVAL and 0 <= self.repetitions <= _RESERVE
        return self if sane else GcraState()

    def to_json(self) -> bytes:
        """As it is kept; JSON has no infinity."""
        return json.dumps({name: value if value > -math.inf else None for name, value in asdict(self).items()}).encode()

    @staticmethod
    def from_json(content: bytes) -> GcraState:
        """What ``to_json`` gave; of anything else what can be read, at worst a fresh state."""
        stored = parse_object(content) or {}
        numbers = {field.name: stored.get(field.name) for field in fields(GcraState)}
        return GcraState(**{name: value for name, value in numbers.items() if isinstance(value, float)})
