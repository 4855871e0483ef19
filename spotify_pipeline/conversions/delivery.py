"""Sends what waits in the outbox, a batch a call, and settles every event."""

from __future__ import annotations

import random as dice
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from spotify_pipeline.conversions.isolation import Isolation, Refusal
from spotify_pipeline.conversions.outbox import Claimed, Guarantee, Outbox, OutboxError, Settled
from spotify_pipeline.conversions.verdict import Dead, Filtered, State
from spotify_pipeline.spotify import InvalidRequest, RateLimited, SpotifyError, SpotifyUnavailable, UnexpectedAnswer

Send: TypeAlias = Callable[[Sequence[str]], None]
"""Sends the bodies (JSON) of some events in one request; returns if Spotify accepted all of them, else raises a
:class:`SpotifyError`: InvalidRequest where one of them may be at fault; any other is about none of them."""


Screen: TypeAlias = Callable[[Sequence[Claimed]], Collection[int]]
"""Names, by their numbers, events that are not to be sent as their person asked to be forgotten."""

MOST_REFUSED = 10
"""So many events of a batch refused alone, and nothing accepted yet: the rest of it waits until something was."""
MOST_SUSPECTS = 30
"""So many events refused alone, and nothing accepted: it is not the events."""
NOTED_TOGETHER = 10
"""So many delivered batches are noted in one transaction, for a transaction costs as much as sending a batch."""
FEW_REFUSED = 3
"""As many refused events are a sign of the same where there are no more."""


class _NothingAccepted(Exception):
    """Of this batch, and of all before it."""


class FeedRefused(Exception):
    """Spotify refuses everything that the feed sends. Nothing became a dead letter; all of it is pending."""


@dataclass(frozen=True, kw_only=True)
class DeliveryPlan:
    """How events are sent.

    Attributes:
        batch_events: in one request. Spotify states no limit; 100 by default.
        batch_bytes: of the bodies in one request. Spotify states no limit; below 1 MB by default.
        guarantee: see there. The outbox is to be opened with the same.
        pauses: at least once, seconds at most before each further batch while Spotify cannot be reached; when they are
            used up, one after the other, the delivery ends.
    """

    batch_events: int = 100
    batch_bytes: int = 900_000
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0)


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What one delivery did.

    Attributes:
        delivered: events that Spotify accepted.
        dead: events that became dead letters, by reason.
        filtered: events that were dropped at the last moment, by reason (their person asked to be forgotten).
        calls: requests, without the repetitions that the client makes by itself.
        extra_calls: those among them that were made to find events at fault.
    """

    delivered: int = 0
    dead: Mapping[str, int] = field(default_factory=dict[str, int])
    filtered: Mapping[str, int] = field(default_factory=dict[str, int])
    calls: int = 0
    extra_calls: int = 0


def deliver(
    outbox: Outbox,
    send: Send,
    plan: DeliveryPlan,
    *,
    clock: Callable[[], datetime],
    screen: Screen | None = None,
    on_batch: Callable[[DeliveryReport], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = dice.random,
) -> DeliveryReport:
    """Send everything that is pending in the outbox, oldest day first.

    Whatever ends it, an event is settled or pending; at most once, one whose answer was lost is a dead letter.
    Where Spotify cannot be reached it pauses and goes on, if events may be sent at least once; where it asks for fewer
    requests, in any case.

    Args:
        outbox: held by this process.
        send: see there.
        plan: how.
        clock: gives the time, with its zone.
        screen: is asked about each batch before it is sent; by default nobody is left out.
        on_batch: is told, after each batch, what was done so far.
        sleep, random: for the pauses; random from 0 to 1.

    Raises:
        FeedRefused: Spotify accepts nothing, so it cannot be the events.
        SpotifyError: as ``send`` raised it; it is about none of the events.
        OutboxError: the outbox cannot be used.
    """
    delivery = _Delivery(outbox=outbox, send=send, plan=plan, clock=clock)
    unreached = 0
    try:
        while batch := outbox.claim(plan.batch_events, plan.batch_bytes):
            try:
                delivery.take(batch, screen)
                unreached = 0
            except (SpotifyUnavailable, RateLimited) as error:
                # At most once, each further try could cost a batch whose answer is lost.
                costly = plan.guarantee is Guarantee.AT_MOST_ONCE and not isinstance(error, RateLimited)
                if costly or unreached == len(plan.pauses):
                    raise
                delivery.release()
                sleep(random() * plan.pauses[unreached])
                unreached += 1
            if on_batch is not None:
                on_batch(delivery.report())
        delivery.end()
    except BaseException:
        # The next run puts right what this cannot; what went wrong first is what a person must read.
        with suppress(OutboxError):
            delivery.release()
        raise
    return delivery.report()


@dataclass(kw_only=True)
class _Delivery:
    """One delivery under way.

    Attributes:
        claimed: events that are not settled yet, by number.
        to_note: delivered events that the outbox does not know of yet. Until then it would have them sent again after a
            crash, so at most once there are none.
        in_flight: those whose answer is awaited.
        suspects: refused alone while nothing was accepted yet: it may not be them.
        waiting: the rest of batches of which so many became suspects; still claimed.
        most: see Isolation.
    """

    outbox: Outbox
    send: Send
    plan: DeliveryPlan
    clock: Callable[[], datetime]
    claimed: dict[int, Claimed] = field(default_factory=dict[int, Claimed])
    to_note: set[int] = field(default_factory=set[int])
    in_flight: set[int] = field(default_factory=set[int])
    suspects: list[Refusal] = field(default_factory=list[Refusal])
    waiting: set[int] = field(default_factory=set[int])
    most: int | None = None
    delivered: int = 0
    dead: Counter[str] = field(default_factory=Counter[str])
    filtered: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    extra_calls: int = 0
    _suspects_before: int = 0

    def take(self, batch: Sequence[Claimed], screen: Screen | None) -> None:
        self.claimed.update((each.number, each) for each in batch)
        erased = set(screen(batch)) if screen is not None else set[int]()
        if erased:
            self._settle(erased, Settled(state=State.FILTERED, reason=Filtered.ERASED.value))
            self.filtered[Filtered.ERASED.value] += len(erased)
        to_send = [each for each in batch if each.number not in erased]
        if not to_send:
            return
        calls, self._suspects_before = self.calls, len(self.suspects)
        isolation = Isolation(self._send, self._accepted, self._refused, self.most)
        try:
            isolation.settle(to_send)
        except _NothingAccepted:
            self.waiting |= {each.number for each in to_send} - {each.event.number for each in self.suspects}
        finally:
            self.most = isolation.most
            self.extra_calls += self.calls - calls - 1

    def end(self) -> None:
        """Whoever is a suspect still is so as nothing was accepted."""
        if len(self.suspects) >= FEW_REFUSED:
            raise self._refused_by_spotify()
        self._bury()
        self._note()

    def release(self) -> None:
        """What is not settled is pending again; at most once, what may have arrived is a dead letter."""
        lost = set[int]()
        if self.plan.guarantee is Guarantee.AT_MOST_ONCE:
            lost = self.in_flight & self.claimed.keys()
        self._settle(self.claimed.keys() - lost, Settled(state=State.PENDING))
        if lost:
            self._settle(lost, Settled(state=State.DEAD, reason=Dead.UNCONFIRMED.value))
            self.dead[Dead.UNCONFIRMED.value] += len(lost)
        self.suspects, self.waiting = [], set()
        self._note()

    def report(self) -> DeliveryReport:
        return DeliveryReport(
            delivered=self.delivered,
            dead=dict(self.dead),
            filtered=dict(self.filtered),
            calls=self.calls,
            extra_calls=self.extra_calls,
        )

    def _send(self, events: Sequence[Claimed]) -> None:
        self.in_flight = {each.number for each in events}
        self.calls += 1
        try:
            self.send([each.body for each in events])
        except SpotifyError as error:
            if not error.may_have_happened:
                self.in_flight = set()
            elif isinstance(error, InvalidRequest) and self.plan.guarantee is Guarantee.AT_MOST_ONCE:
                # Part of them may have been accepted, so they cannot be sent in halves.
                raise UnexpectedAnswer(
                    error.message, status=error.status, trace_id=error.trace_id, may_have_happened=True
                ) from None
            raise
        # They stay in flight until they are settled.

    def _accepted(self, events: Sequence[Claimed]) -> None:
        numbers = {each.number for each in events}
        if self.plan.guarantee is Guarantee.AT_MOST_ONCE:
            self._settle(numbers, Settled(state=State.DELIVERED))
        else:
            self.to_note |= numbers
            for number in numbers:
                self.claimed.pop(number, None)
            if len(self.to_note) >= NOTED_TOGETHER * self.plan.batch_events:
                self._note()
        self.in_flight = set()
        self.delivered += len(events)
        self._bury()

    def _note(self) -> None:
        """Let the outbox know of what was delivered."""
        if self.to_note:
            self.outbox.settle(dict.fromkeys(self.to_note, Settled(state=State.DELIVERED)), at=self.clock())
            self.to_note = set()

    def _refused(self, refusal: Refusal) -> None:
        self.suspects.append(refusal)
        if self.delivered:
            self._bury()
        elif len(self.suspects) >= MOST_SUSPECTS:
            raise self._refused_by_spotify()
        elif len(self.suspects) - self._suspects_before >= MOST_REFUSED:
            raise _NothingAccepted

    def _bury(self) -> None:
        """The suspects are dead letters: others were accepted, or they are few. What waited because of them goes on."""
        for refusal in self.suspects:
            self._settle({refusal.event.number}, Settled(state=State.DEAD, reason=refusal.reason.value))
            self.dead[refusal.reason.value] += 1
        self._settle(self.waiting, Settled(state=State.PENDING))
        self.suspects, self.waiting = [], set()

    def _settle(self, numbers: Collection[int], settled: Settled) -> None:
        if numbers:
            self.outbox.settle(dict.fromkeys(numbers, settled), at=self.clock())
            for number in numbers:
                self.claimed.pop(number, None)

    def _refused_by_spotify(self) -> FeedRefused:
        last = self.suspects[-1].error
        return FeedRefused(
            f"Spotify refused each of {len(self.suspects)} events that were sent alone and accepted none beside them, "
            "so it is not single events that are at fault. Check the connection id and what all events share (names, "
            f"currency, identifiers), then run again; all events are pending. The last refusal: {last}"
        )
