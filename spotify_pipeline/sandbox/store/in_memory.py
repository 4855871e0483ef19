"""What a sandbox keeps in memory only: recent requests, what is left of a rate limit, and events to be rejected."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from spotify_pipeline.sandbox.store.clock import in_utc_seconds

KEPT_REQUESTS = 10_000


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and the status it got. No path, query, header value or body: those hold secrets."""

    number: int
    at: datetime
    method: str
    operation: str
    route: str
    header_names: tuple[str, ...]
    body_bytes: int
    status: int | None
    """None where there was no answer: the client left, or a fault cut the connection."""
    fault: str | None = None
    """The name of the scripted fault that happened to it."""
    fault_number: int | None = None


class RequestLog:
    """The last 10,000 exchanges, in memory only."""

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT_REQUESTS)
        self._last_number = 0

    def next_number(self) -> int:
        """A number larger than all before it."""
        self._last_number += 1
        return self._last_number

    def add(self, exchange: Exchange) -> None:
        """Remember a finished exchange."""
        self._exchanges.append(exchange)

    def after(self, number: int) -> list[dict[str, object]]:
        """The exchanges with a larger number, in the order in which they began, ready for JSON."""
        return [
            {**asdict(exchange), "at": in_utc_seconds(exchange.at)}
            for exchange in sorted(self._exchanges, key=lambda one: one.number)
            if exchange.number > number
        ]

    def clear(self) -> None:
        """Forget the exchanges; numbers go on."""
        self._exchanges.clear()


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


class RejectedEvents:
    """Ids and content names whose events a test wants rejected. In memory only, like scripted faults."""

    def __init__(self) -> None:
        self._event_ids: frozenset[str] = frozenset()
        self._content_names: frozenset[str] = frozenset()

    @property
    def event_ids(self) -> frozenset[str]:
        """Ids of events that are rejected."""
        return self._event_ids

    @property
    def content_names(self) -> frozenset[str]:
        """Content names whose events are rejected."""
        return self._content_names

    def replace_all(self, event_ids: Collection[str] = (), content_names: Collection[str] = ()) -> None:
        """Reject these from now on, instead of those before."""
        self._event_ids = frozenset(event_ids)
        self._content_names = frozenset(content_names)

    def clear(self) -> None:
        """Reject no event."""
        self.replace_all()

    def field_of(self, event_id: str, content_name: str | None) -> str | None:
        """The field for which an event is rejected, or None."""
        if event_id in self._event_ids:
            return "event_id"
        return "content_name" if content_name in self._content_names else None
