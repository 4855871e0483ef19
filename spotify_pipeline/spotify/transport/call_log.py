"""Records of calls as they may be logged: without address, header or body; and a log that keeps a run's records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_SHORTEST_SHOWN = 0.001  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call: a route template instead of an address, and no header or body.

    Attributes:
        service: "ads-api", "accounts", "storage" or "capi".
        route: template such as ``/ad_accounts/{ad_account_id}/audiences``.
        status: HTTP status, or None when there was no response.
        seconds: from sending to the last byte of the response.
        attempt: 1 for the first try.
        waited: seconds before it was sent, for the rate limiter and between tries.
    """

    service: str
    method: str
    route: str
    status: int | None
    seconds: float
    attempt: int
    trace_id: str | None
    waited: float = 0.0

    def __str__(self) -> str:
        outcome = "no response" if self.status is None else str(self.status)
        line = f"{self.method} {self.service} {self.route}: {outcome} in {self.seconds:.3f} s, try {self.attempt}"
        if self.waited >= _SHORTEST_SHOWN:
            line += f", waited {self.waited:.3f} s"
        return f"{line}, trace {self.trace_id}" if self.trace_id else line


Observer = Callable[[CallRecord], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTotals:
    """Totals of all calls that were recorded, kept or not.

    Attributes:
        calls: requests sent; those below are among them.
        repeated: second and later tries.
        refused: responses with a status of 400 or more.
        unanswered: requests without a response.
        seconds: from sending to the last byte, summed.
        waited: seconds before sending, for the rate limiter and between tries, summed.
    """

    calls: int = 0
    repeated: int = 0
    refused: int = 0
    unanswered: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class CallLog:
    """An observer for :meth:`SpotifyAdsClient.open` that keeps the records.

    Of more than ``most`` calls it keeps the first and the last, which show how a run began and ended.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._first: list[CallRecord] = []
        self._last: deque[CallRecord] = deque(maxlen=most // 2)
        self._room = most - most // 2
        self._totals = CallTotals()

    def __call__(self, record: CallRecord) -> None:
        if len(self._first) < self._room:
            self._first.append(record)
        else:
            self._last.append(record)
        self._totals = _added(self._totals, record)

    @property
    def records(self) -> list[CallRecord]:
        """The calls that were kept, in the order in which they ended."""
        return [*self._first, *self._last]

    @property
    def left_out(self) -> int:
        """How many calls were not kept: all of them between the two halves of ``records``."""
        return self._totals.calls - len(self._first) - len(self._last)

    @property
    def totals(self) -> CallTotals:
        return self._totals


def _added(totals: CallTotals, record: CallRecord) -> CallTotals:
    return CallTotals(
        calls=totals.calls + 1,
        repeated=totals.repeated + (record.attempt > 1),
        refused=totals.refused + (record.status is not None and record.status >= 400),
        unanswered=totals.unanswered + (record.status is None),
        seconds=totals.seconds + record.seconds,
        waited=totals.waited + record.waited,
    )
