"""The outbox: the state of every event that was ever read, kept through crashes.

It holds no personal data but the body of events that are still to be sent. Bodies of settled events are gone as soon as
the outbox is closed or, after a crash, as soon as it is opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Protocol, TypeAlias

import polars as pl
from pydantic import TypeAdapter

from spotify_pipeline.conversions.model import State
from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.rows import DigestSet, withheld_errors


class OutboxError(ExpectedError):
    """The outbox cannot be used; the message says why and what to do."""


withheld = partial(withheld_errors, raised=OutboxError)
"""``withheld_errors`` that raises an OutboxError."""


class OutboxBusy(OutboxError):
    """Another run holds this feed's outbox, and did so for ``waited`` seconds."""

    def __init__(self, feed: str, waited: float) -> None:
        super().__init__(
            f"Another run holds the outbox of the feed {feed} and has not ended within {waited:.0f} seconds. Try again "
            "when it has; nothing was read or sent."
        )


class OutboxMissing(OutboxError):
    """The feed has no outbox yet: none of its days was ever read."""


class Guarantee(StrEnum):
    """What is done with an event whose answer was lost."""

    AT_LEAST_ONCE = "at_least_once"
    """It is sent again with the same id, by which Spotify tells that it is the same."""
    AT_MOST_ONCE = "at_most_once"
    """It is not sent again: it becomes a dead letter (unconfirmed), for a person to decide about."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one reading of one day brought.

    Attributes:
        rows: that were validated, = new + known + repeated + not_wanted.
        new: events that the outbox did not know.
        known: events that it knew, and that are this day's, be it that this reading took them over from another.
        repeated: rows of an id of which another row counts, of this day or another.
        not_wanted: rows that are no events, as nobody wants them.
        judged_again: known events that were not sent yet and whose row was validated again.
        withdrawn: events that were not sent yet and have no row any more.
    """

    day: date
    rows: int
    new: int
    known: int
    repeated: int
    not_wanted: int
    judged_again: int
    withdrawn: int


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """An event that is about to be sent: its number in the outbox, its day, and its body as JSON."""

    number: int
    day: date
    event_id: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How a claimed event came out: delivered, dead, filtered, or pending again."""

    state: State
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why a feed sends nothing until a person has looked: an answer that is not known to mean that events were taken.

    Attributes:
        at: when it came.
        answer: it, without anything that may be personal.
        known: the answers that were known then, one a line.
    """

    at: datetime
    answer: str
    known: str

    def to_text(self) -> str:
        """For the state."""
        return _STOP.dump_json(self).decode()

    @staticmethod
    def of_text(text: str) -> Stop:
        """What ``to_text`` gave."""
        return _STOP.validate_json(text)

    def sentence(self, feed: str = "FEED") -> str:
        """What was seen, and what a person can do now."""
        return (
            f"The feed is stopped: on {self.at:%Y-%m-%d at %H:%M} UTC Spotify answered {self.answer}, which is not "
            "known to mean that events were taken. Look in Spotify's diagnostics whether they arrived. If this is how "
            "Spotify says so now, state the answer as `delivery.taken_answers` in the feed's YAML; if it is not, have "
            f"the feed send again with `spotify-pipeline conversions resume {feed}`. Until then nothing is sent; what "
            "waits is pending."
        )


_STOP = TypeAdapter(Stop)


@dataclass(frozen=True, kw_only=True)
class DayAccount:
    """The account of one day (A10): read = delivered + dead + pending + filtered.

    Attributes:
        read: events that all readings of the day brought, and rows of the newest one that are no events (``repeated``
            and ``not_wanted``): a number kept beside the events, not counted from them.
        delivered, pending: events.
        filtered, dead: events by reason; the rows that are no events are among the filtered.
        left_out: events that were sent, or are to be, without a parameter whose value cannot be used.
        read_at: of the newest reading; None if the day was never read, or that reading was broken off.
        first_read_at: of the first reading; None if the day was never read.
    """

    day: date
    read: int
    delivered: int
    pending: int
    filtered: Mapping[str, int] = field(default_factory=dict[str, int])
    dead: Mapping[str, int] = field(default_factory=dict[str, int])
    left_out: int = 0
    read_at: datetime | None = None
    first_read_at: datetime | None = field(default=None, compare=False)

    @property
    def accounted_for(self) -> int:
        return self.delivered + self.pending + sum(self.filtered.values()) + sum(self.dead.values())

    @property
    def adds_up(self) -> bool:
        return self.read == self.accounted_for


@dataclass(frozen=True, kw_only=True)
class DayVerdicts:
    """What the newest reading of a day said of its rows.

    Attributes:
        rows: how many, by what was said of them: a reason, or `pending`, be they sent by now or not.
        accepted: the same of the last reading that was let pass; None where none was.
    """

    day: date
    rows: Mapping[str, int]
    accepted: Mapping[str, int] | None = None


ErasureFilter: TypeAlias = Callable[[Sequence[Claimed]], Collection[int]]
"""Names, by their numbers, events that are not to be sent as their person asked to be forgotten."""


class Outbox(Protocol):
    """The outbox of one feed, open, and held by this process alone (or for looking at only, as it was opened)."""

    def record(self, day: date, verdicts: Iterable[pl.DataFrame], *, at: datetime) -> Reading:
        """Take over the verdicts (see ``VERDICTS``) on all rows of a day.

        They are taken over in steps, each of them a short transaction. Until the last one is durable the day counts as
        not read: nothing of it is claimed, and it is among ``pending_days``. Read again, it comes out the same.

        New events are added. Of rows with one key one counts, by the rule of ``recording``. A known event of the day
        that is pending, filtered, dead by our own judgement, or marked for replay, takes the new verdict, or is
        withdrawn where its row is gone; one that was sent stays as it is. An event of another day is taken over only
        by a row that ranks higher. If ``verdicts`` raises, nothing of the day is recorded.

        Raises:
            OutboxError: the day was forgotten (``forget_before``), or the outbox cannot be written.
        """
        ...

    def claim(self, most: int, most_bytes: int) -> Sequence[Claimed]:
        """The next events to be sent, oldest day first: at most so many, and so many bytes of body, but at least one.

        They are `sending` from now on, durably: if they are found so after a crash, they may have been sent.
        """
        ...

    def ends(self, most: int) -> Sequence[int]:
        """The last pending event of each day, then the first of each, newest day first: at most so many numbers."""
        ...

    def claim_these(self, numbers: Sequence[int]) -> Sequence[Claimed]:
        """Claim these pending events, as ``claim`` does it; oldest day first."""
        ...

    def settle(self, outcomes: Mapping[int, Settled], *, at: datetime) -> None:
        """How claimed events came out, by their number, in one transaction that is durable when this returns.

        Raises:
            OutboxError: one of them is not claimed; then none is settled.
        """
        ...

    def stop(self, stop: Stop) -> None:
        """Note durably that nothing is to be sent."""
        ...

    def stopped(self) -> Stop | None:
        """Why nothing is to be sent; None if nothing is in the way."""
        ...

    def resume(self) -> bool:
        """Let events be sent again; whether anything was in the way."""
        ...

    def readings(self) -> Sequence[DayVerdicts]:
        """What the newest reading of every day said, oldest day first."""
        ...

    def accept(self, days: Sequence[date]) -> None:
        """Let what the newest readings of these days said pass."""
        ...

    def accounts(self, days: Sequence[date] | None = None) -> Sequence[DayAccount]:
        """The account of each of these days, or of every day, oldest first."""
        ...

    def dead_letters(self, day: date | None = None, most: int = 1_000) -> pl.DataFrame:
        """Columns day, event_id (or key), event_name, reason, fields, settled_at; oldest first: no values."""
        ...

    def replay(self, day: date | None = None, reason: str | None = None) -> Mapping[date, int]:
        """Mark events so that their days are read and validated again; how many of each day.

        Any reason of a dead letter or a filtered event does; without one all dead letters are marked. A dead letter
        that is Spotify's to say and whose row that reading does not find stays as it is, and is no longer marked.
        """
        ...

    def pending_days(self) -> Sequence[date]:
        """Days with events that are still to be sent, or marked for replay, or whose last reading was broken off."""
        ...

    def delivered_by_hour(self, since: datetime, until: datetime) -> pl.DataFrame:
        """Columns hour (UTC, its beginning), event_name, events: what was delivered in these hours, by when it was."""
        ...

    def erase(self, digests: DigestSet, *, at: datetime) -> int:
        """Filter what waits to be sent of people who asked to be forgotten, and delete its bodies; how many events.

        None of it may be claimed by now.
        """
        ...

    def forget_before(self, day: date) -> int:
        """Drop the events of older days whose account is closed (nothing pending), keeping their accounts' totals.

        Such a day cannot be recorded again, as all its events would look new. Returns how many events were dropped.
        """
        ...
