"""Sends the events of one batch, and finds those at fault with few requests where Spotify refuses the batch.

Spotify says of a refused batch neither which event is at fault nor, officially, that it took none of the others. So a
batch is halved: a half that is accepted is delivered; one that is refused is halved again, and its sibling set aside.
What was set aside goes in one request at the end. One event at fault among 1,000 costs 12 requests more than none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from spotify_pipeline.conversions.model import Dead
from spotify_pipeline.conversions.outbox import Claimed
from spotify_pipeline.spotify import InvalidRequest

_TOO_LARGE = 413


@dataclass(frozen=True)
class Refusal:
    """An event that was refused although it was sent alone, and what was said."""

    event: Claimed
    error: InvalidRequest

    @property
    def reason(self) -> Dead:
        return Dead.TOO_LARGE if self.error.status == _TOO_LARGE else Dead.REFUSED


@dataclass
class Bisection:
    """The sending of one batch.

    Attributes:
        send: sends some events in one request; returns if Spotify accepted them, raises InvalidRequest if one of them
            may be at fault.
        accepted: is told of events that Spotify accepted, at once.
        refused: is told of an event that was refused alone, at once. It may raise, to end it.
        most: events that fit in a request, as far as Spotify showed; None for no limit.
    """

    send: Callable[[Sequence[Claimed]], None]
    accepted: Callable[[Sequence[Claimed]], None]
    refused: Callable[[Refusal], None]
    most: int | None = None
    _to_do: list[Sequence[Claimed]] = field(default_factory=list[Sequence[Claimed]])

    def settle(self, batch: Sequence[Claimed]) -> None:
        """Send until every event of the batch was accepted, or refused alone."""
        self._to_do = [batch]
        while self._to_do:
            self._in_parts(self._to_do.pop())

    def _in_parts(self, events: Sequence[Claimed]) -> None:
        if self.most is not None and len(events) > self.most:
            self._to_do += [events[self.most :], events[: self.most]]
            return
        error = self._error_of(events)
        if error is None:
            self.accepted(events)
        elif _is_too_large(error, events):
            self.most = (len(events) + 1) // 2
            self._to_do.append(events)
        else:
            self._narrow(events, error)

    def _narrow(self, suspects: Sequence[Claimed], error: InvalidRequest) -> None:
        """Find one event at fault among those that were refused together; the others wait, in one piece."""
        aside: list[Claimed] = []
        known: InvalidRequest | None = error  # what was said of exactly these suspects, None if they are only inferred
        while len(suspects) > 1:
            half = (len(suspects) + 1) // 2
            first, second = suspects[:half], suspects[half:]
            found = self._error_of(first)
            if found is None:
                self.accepted(first)
                suspects, known = second, None
            else:
                aside = [*second, *aside]
                suspects, known = first, found
        if aside:
            self._to_do.append(aside)
        known = known or self._error_of(suspects)
        if known is None:
            self.accepted(suspects)
        else:
            self.refused(Refusal(suspects[0], known))

    def _error_of(self, events: Sequence[Claimed]) -> InvalidRequest | None:
        try:
            self.send(events)
        except InvalidRequest as error:
            return error
        return None


def _is_too_large(error: InvalidRequest, events: Sequence[Claimed]) -> bool:
    return error.status == _TOO_LARGE and len(events) > 1
