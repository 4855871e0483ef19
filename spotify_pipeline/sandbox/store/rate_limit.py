"""Spotify's rate limit: so many requests per client and user in any window of 30 seconds."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left of a key's budget after a request."""

    granted: bool
    limit: int
    remaining: int
    reset_seconds: int
    """Whole seconds until the oldest counted request leaves the window."""

    def headers(self) -> dict[str, str]:
        """The three headers Spotify documents. The reset is a number of seconds left, not a time of day."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_seconds),
        }


class RateLimiter:
    """Counts the granted requests of each key in a sliding window of real time. Refused ones are not counted."""

    def __init__(self, limit: int, window_seconds: float, monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._window = window_seconds
        self._monotonic = monotonic
        self._granted: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take(self, key: str) -> Allowance:
        """Ask for one request of ``key``."""
        with self._lock:
            now = self._monotonic()
            times = self._granted[key]
            while times and now - times[0] >= self._window:
                times.popleft()
            granted = len(times) < self._limit
            if granted:
                times.append(now)
            reset = math.ceil(times[0] + self._window - now)
            return Allowance(granted, self._limit, self._limit - len(times), reset)

    def clear(self) -> None:
        """Forget every request."""
        with self._lock:
            self._granted.clear()
