"""The calls of a run, kept to be looked at afterwards: the lines themselves up to a number, and totals of all."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from spotify_pipeline.spotify.transport.response import CallRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTotals:
    """Of all calls that were recorded, kept or not.

    Attributes:
        calls: requests sent; those below are among them.
        repeated: second and later tries.
        refused: answers with a status of 400 or more.
        unanswered: requests that got no answer.
        seconds: from sending to the last byte, summed.
        waited: seconds before sending, for the rate budget and between tries, summed.
    """

    calls: int = 0
    repeated: int = 0
    refused: int = 0
    unanswered: int = 0
    seconds: float = 0.0
    waited: float = 0.0


class CallLog:
    """An observer for :meth:`SpotifyAdsClient.open` that keeps what it is told.

    Of more than ``most`` calls it keeps the first and the last ones, which show how a run began and how it ended.
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
