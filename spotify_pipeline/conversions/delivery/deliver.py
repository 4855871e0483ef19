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

from spotify_pipeline.conversions.delivery.bisect import Bisection, Refusal
from spotify_pipeline.conversions.model import Dead, Filtered, State
from spotify_pipeline.conversions.outbox import Claimed, ErasureFilter, Guarantee, Outbox, OutboxError, Settled, Stop
from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.retries import DELIVERY, RetryPolicy
from spotify_pipeline.spotify import (
    CONTRACT,
    InvalidRequest,
    RateLimited,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedResponse,
    UnknownSuccess,
)
from spotify_pipeline.state import StateError

Send: TypeAlias = Callable[[Sequence[str]], None]
"""Sends the bodies (JSON) of some events in one request; returns if Spotify accepted all of them, else raises a
:class:`SpotifyError`: InvalidRequest where one of them may be at fault; any other is about none of them."""


MOST_REFUSED = 10
"""So many events refused alone, one after the other, and none accepted between them: is it the events, or Spotify?"""
MOST_PROBES = 100
"""So many events of all days are then sent alone at most, until one is accepted."""
NOTED_TOGETHER = 10
"""So many delivered batches are noted in one transaction, for a transaction costs as much as sending a batch."""
FEW_REFUSED = 3
"""As many refused events are a sign of the same where nothing else was sent."""


class _InDoubt(Exception):
    """Whether the events are at fault that were refused."""


class FeedStopped(ExpectedError):
    """Spotify gave an answer that is not known, and nobody has looked since. Nothing was sent."""


class FeedRefused(ExpectedError):
    """Spotify refuses what the feed sends, whichever day it is of. What it refused is pending, as all the rest."""


@dataclass(frozen=True, kw_only=True)
class DeliveryPlan:
    """How events are sent.

    Attributes:
        batch_events: in one request. Spotify states no limit; 100 by default.
        batch_bytes: of the bodies in one request. Spotify states no limit; below 1 MB by default.
        guarantee: see there. The outbox is to be opened with the same.
        taken_answers: those that ``send`` takes for a success, as a feed's YAML states them.
        retries: while Spotify cannot be reached.
    """

    batch_events: int = 100
    batch_bytes: int = 900_000
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE
    taken_answers: tuple[str, ...] = (CONTRACT,)
    retries: RetryPolicy = DELIVERY


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What one delivery did.

    Attributes:
        delivered: events that Spotify accepted.
        dead: events that became dead letters, by reason.
        filtered: events that were dropped at the last moment, by reason (their person asked to be forgotten).
        refused: events that Spotify refused alone and that are pending, as it accepted no other that would tell that
            it is them.
        calls: requests, without the repetitions that the client makes by itself.
        extra_calls: those among them that were made to find events at fault.
    """

    delivered: int = 0
    dead: Mapping[str, int] = field(default_factory=dict[str, int])
    filtered: Mapping[str, int] = field(default_factory=dict[str, int])
    refused: int = 0
    calls: int = 0
    extra_calls: int = 0


def deliver(
    outbox: Outbox,
    send: Send,
    plan: DeliveryPlan,
    *,
    clock: Callable[[], datetime],
    erasure_filter: ErasureFilter | None = None,
    on_batch: Callable[[DeliveryReport], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    random: Callable[[], float] = dice.random,
) -> DeliveryReport:
    """Send everything that is pending in the outbox, oldest day first.

    Whatever ends it, an event is settled or pending; at most once, one whose answer was lost is a dead letter.
    An event that Spotify refuses alone is a dead letter as soon as it accepts another one, which tells that it is the
    event. Until then it is a suspect. Where ``MOST_REFUSED`` are suspects, events of every day are tried, and if none
    of them is accepted the delivery ends. Where nothing is left to try, suspects are dead letters if this delivery
    accepted anything before them, and pending if it did not.
    Where Spotify cannot be reached or asks for fewer requests it pauses and goes on; at most once only if a request was
    surely not carried out.

    Args:
        outbox: held by this process.
        send: see there.
        plan: how.
        clock: gives the time, with its zone.
        erasure_filter: is asked about each batch before it is sent; by default nobody is left out.
        on_batch: is told, after each batch, what was done so far.
        sleep, random: for the pauses; random from 0 to 1.

    Raises:
        FeedStopped: an earlier delivery got an answer that is not known, nobody has resumed the feed since, and
            ``plan.taken_answers`` is what it was.
        UnknownSuccess: such an answer came. The feed is stopped.
        FeedRefused: Spotify accepts nothing (any more), so it may not be the events.
        SpotifyError: as ``send`` raised it; it is about none of the events. At most once, one that may pass comes as
            UnexpectedResponse if events may have arrived: nobody is to try again by itself.
        OutboxError, StateError: the outbox cannot be used.
    """
    if (stop := active_stop(outbox, plan)) is not None:
        raise FeedStopped(stop.sentence())
    delivery = _Delivery(outbox=outbox, send=send, plan=plan, clock=clock, erasure_filter=erasure_filter)
    unreached = 0
    try:
        while batch := outbox.claim(plan.batch_events, plan.batch_bytes):
            try:
                delivery.take(batch)
                unreached = 0
            except (SpotifyUnavailable, RateLimited) as error:
                if plan.guarantee is Guarantee.AT_MOST_ONCE and error.may_have_happened:
                    # Each retry of a transient failure could cost as many events.
                    raise UnexpectedResponse(
                        f"{error.message} As the feed sends at most once, the {len(delivery.in_flight)} events of that "
                        "request are dead letters now (unconfirmed), and the delivery stops.",
                        next_step="All others are pending and go with the next run. Look in Spotify's diagnostics "
                        "whether these arrived before you replay them.",
                        status=error.status,
                        trace_id=error.trace_id,
                        may_have_happened=True,
                    ) from None
                unreached += 1
                if unreached == plan.retries.tries:
                    raise
                delivery.release()
                sleep(plan.retries.pause(unreached, random()))
            if on_batch is not None:
                on_batch(delivery.report())
        delivery.end()
    except UnknownSuccess as unknown:
        # Sent again by each run, the same events could be counted again and again.
        stop = Stop(
            at=clock(),
            answer=unknown.shown or f"{unknown.status} with errors in it",
            known="\n".join(plan.taken_answers),
        )
        with suppress(OutboxError, StateError):
            delivery.release()
            outbox.stop(stop)
        raise
    except BaseException:
        # The next run puts right what this cannot; what went wrong first is what a person must read.
        with suppress(OutboxError, StateError):
            delivery.release()
        raise
    return delivery.report()


def active_stop(outbox: Outbox, plan: DeliveryPlan) -> Stop | None:
    """Why this feed may send nothing now. A stop ends once the YAML lists other answers than it knew."""
    stop = outbox.stopped()
    if stop is not None and stop.known != "\n".join(plan.taken_answers):
        outbox.resume()
        return None
    return stop


@dataclass(kw_only=True)
class _Delivery:
    """One delivery under way.

    Attributes:
        claimed: events that are not settled yet, by number.
        to_note: delivered events that the outbox does not know of yet. Until then it would have them sent again after a
            crash, so at most once there are none.
        in_flight: those whose answer is awaited.
        suspects: refused alone, and nothing was accepted since: it may not be them. They stay claimed, but while
            others are tried.
        most: see Bisection.
    """

    outbox: Outbox
    send: Send
    plan: DeliveryPlan
    clock: Callable[[], datetime]
    erasure_filter: ErasureFilter | None
    claimed: dict[int, Claimed] = field(default_factory=dict[int, Claimed])
    to_note: set[int] = field(default_factory=set[int])
    in_flight: set[int] = field(default_factory=set[int])
    suspects: list[Refusal] = field(default_factory=list[Refusal])
    most: int | None = None
    delivered: int = 0
    dead: Counter[str] = field(default_factory=Counter[str])
    filtered: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    extra_calls: int = 0
    refused: int = 0

    def take(self, batch: Sequence[Claimed]) -> None:
        to_send = self._without_erased(batch)
        if not to_send:
            return
        calls = self.calls
        bisection = Bisection(self._send, self._accepted, self._refused, self.most)
        try:
            bisection.settle(to_send)
        except _InDoubt:
            self._put_back(to_send)
            self._probe()
        finally:
            self.most = bisection.most
            self.extra_calls += self.calls - calls - 1

    def _without_erased(self, batch: Sequence[Claimed]) -> Sequence[Claimed]:
        """Those of the events that may be sent; the others are settled."""
        self.claimed.update((each.number, each) for each in batch)
        erased = set(self.erasure_filter(batch)) if self.erasure_filter is not None else set[int]()
        if erased:
            self._settle(erased, Settled(state=State.FILTERED, reason=Filtered.ERASED.value))
            self.filtered[Filtered.ERASED.value] += len(erased)
        return [each for each in batch if each.number not in erased]

    def end(self) -> None:
        """Nothing is left to be tried: settle the suspects."""
        if self.delivered:
            self._bury()
        elif len(self.suspects) >= FEW_REFUSED:
            raise self._refused_by_spotify()
        else:
            self.refused, suspects = len(self.suspects), [each.event for each in self.suspects]
            self.suspects = []
            self._put_back(suspects)
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
        self.suspects = []
        self._note()

    def report(self) -> DeliveryReport:
        return DeliveryReport(
            delivered=self.delivered,
            dead=dict(self.dead),
            filtered=dict(self.filtered),
            refused=self.refused,
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
                unknown = UnknownSuccess if (error.status or 0) < 300 else UnexpectedResponse
                raise unknown(
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
        if len(self.suspects) >= MOST_REFUSED:
            raise _InDoubt

    def _probe(self) -> None:
        """Try events of every day, alone, until one is accepted: then it is the suspects that are at fault.

        Meanwhile no other event is claimed than the one that is tried: a process that dies here has sent no other.

        Raises:
            FeedRefused: none was accepted.
        """
        ends = self.outbox.ends(MOST_PROBES)
        self._settle(set(self.claimed), Settled(state=State.PENDING))
        for number in ends:
            for each in self._without_erased(self.outbox.claim_these([number])):
                try:
                    self._send([each])
                except InvalidRequest as error:
                    self.suspects.append(Refusal(each, error))
                    self._settle({number}, Settled(state=State.PENDING))
                else:
                    self._accepted([each])
                    return
        raise self._refused_by_spotify()

    def _bury(self) -> None:
        """The suspects are dead letters."""
        put_back = [each.event.number for each in self.suspects if each.event.number not in self.claimed]
        if put_back:
            self.claimed.update((each.number, each) for each in self.outbox.claim_these(put_back))
        for refusal in self.suspects:
            self._settle({refusal.event.number}, Settled(state=State.DEAD, reason=refusal.reason.value))
            self.dead[refusal.reason.value] += 1
        self.suspects = []

    def _put_back(self, events: Sequence[Claimed]) -> None:
        """Those among these events that are neither settled nor suspects are pending again."""
        suspects = {each.event.number for each in self.suspects}
        self._settle({each.number for each in events} & self.claimed.keys() - suspects, Settled(state=State.PENDING))

    def _settle(self, numbers: Collection[int], settled: Settled) -> None:
        if numbers:
            self.outbox.settle(dict.fromkeys(numbers, settled), at=self.clock())
            for number in numbers:
                self.claimed.pop(number, None)

    def _refused_by_spotify(self) -> FeedRefused:
        last = self.suspects[-1].error
        return FeedRefused(
            f"Spotify refused each of {len(self.suspects)} events that were sent alone, of whichever day, and accepted "
            "none beside them, so it is not single events that are at fault. Check the connection id and what all "
            "events share (names, currency, identifiers), then run again; all events are pending. The last refusal: "
            f"{last}"
        )
