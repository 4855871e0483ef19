"""A delivery's progress as lines of the run's log: a line every ten seconds, and one for each call that went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable

from spotify_pipeline.spotify import CallRecord

SILENCE = 10.0
"""Seconds after which it is said again how many requests were accepted. A line a request would be 10,000 of them for a
million events, and Dagster keeps each for ever."""


class DeliveryProgressLog:
    """Says what became of calls."""

    def __init__(
        self, say: Callable[[str], None], warn: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say, self._warn, self._clock = say, warn, clock
        self._accepted = 0
        self._said_at: float | None = None

    def __call__(self, call: CallRecord) -> None:
        """Take note of a call that ended."""
        if call.status is None or not 200 <= call.status < 300:
            self._warn(str(call))
            return
        self._accepted += 1
        if self._said_at is None or self._clock() - self._said_at >= SILENCE:
            self._said_at = self._clock()
            self._say(f"{self._accepted:,} requests accepted. The last: {call}")
