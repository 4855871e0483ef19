"""The recent requests, for tests that must prove what a client did and did not send."""

from __future__ import annotations

from collections import deque
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
