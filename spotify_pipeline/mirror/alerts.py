"""Tells a person what is wrong with an audience: each change once, not once per run, and daily while it stays wrong.

One row of the state per audience and kind of alert says how things stand and what was told last; an alert is due while
the two differ, and again a day after it was told, as long as something is wrong. It counts as told only once its
delivery is known, so a crash in between repeats it: never none.
Sentences hold names, counts and dates; no identifier and no digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import ConfigDict

from spotify_pipeline.mirror.journal import Moment
from spotify_pipeline.state import Document, StateStore, insert_missing
from spotify_pipeline.state import tables as state

AGAIN = timedelta(days=1)
"""After so long, what is still wrong is told again: who was told once may have missed it, and lists age meanwhile."""
_AUDIENCE = re.compile(r"[a-z0-9_]{1,63}(\.[0-9]{1,4}|\.lookalike)?", re.ASCII)


class AlertKind(StrEnum):
    """What an alert is about. The value is in the state."""

    BLOCKED = "blocked"
    """A guard keeps lists from being sent."""
    ERASURE_DUE = "erasure_due"
    """Somebody who asked to be forgotten is still in the audience at Spotify."""
    ORPHAN = "orphan"
    """The audience is at Spotify and not in the configuration."""
    RETENTION = "retention"
    """Files of people are older than they may be."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """How one thing about an audience stands, to be told to a person.

    Attributes:
        audience: the audience's folder name, or the journal's key of a part of it or of its lookalike.
        kind: what it is about.
        codes: what is wrong, in words that stay the same from run to run; empty when it is over.
        sentence: for a person.
        since: when it began to stand so. ISO 8601 with its offset.
    """

    audience: str
    kind: AlertKind
    codes: tuple[str, ...]
    sentence: str
    since: Moment

    @property
    def resolved(self) -> bool:
        """Whether it says that something is over."""
        return not self.codes


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What the row of an audience and kind holds.

    Attributes:
        now: how things stand.
        told: the codes that were told last; none at first, as nobody expects anything to be wrong.
        told_at: when that was; None where nothing was told yet.
        unsure: something else may have been told since: its delivery began and is not known to have ended.
    """

    now: Alert
    told: tuple[str, ...] = ()
    told_at: Moment | None = None
    unsure: bool = False

    __pydantic_config__ = ConfigDict(extra="forbid")

    def due(self, now: datetime) -> bool:
        """Whether it is to be told now."""
        if self.unsure or self.told != self.now.codes:
            return True
        if not self.now.codes:
            return False
        return self.told_at is None or now - datetime.fromisoformat(self.told_at) >= AGAIN


class Alerts:
    """The alerts of all audiences. Every method raises ``StateError`` where the state cannot be used."""

    def __init__(self, store: StateStore, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``clock`` gives the time, with its zone."""
        self._store = store
        self._clock = clock

    def state(
        self,
        audience: str,
        kind: AlertKind,
        codes: Sequence[str],
        sentence: str,
        now: datetime,
        *,
        within: sa.Connection | None = None,
    ) -> None:
        """Say how things stand: ``codes`` for what is wrong, in any order; none where nothing is, or no longer.

        Saying the same again makes no alert, whatever the sentence. ``within``: the caller's transaction in the state;
        by default one of its own.

        Raises:
            ValueError: the audience's name is not one, or ``now`` has no time zone.
        """
        if now.tzinfo is None:
            raise ValueError("The time of an alert needs a time zone.")
        if not _AUDIENCE.fullmatch(audience):
            raise ValueError("An alert is of an audience, named by 1 to 63 characters of a-z, 0-9 and _.")
        since = now.astimezone(UTC).isoformat()
        stated = Alert(
            audience=audience, kind=kind, codes=tuple(sorted(set(codes))), sentence=sentence.strip(), since=since
        )
        with self._store.begin(within) as transaction:
            before = _read(transaction, audience, kind)
            if before is None:
                if stated.codes:
                    # Of two that say it first, at once, either may be the last.
                    row = {"audience": audience, "kind": kind, "content": _RECORD.text(_Record(now=stated))}
                    insert_missing(transaction, state.alert, row)
                return
            if before.now.codes == stated.codes:
                # A newer sentence ("5 days left") is worth telling with an alert that is due anyway.
                stated = replace(stated, since=before.now.since)
            if before.now != stated:
                _write(transaction, replace(before, now=stated))

    def due(self) -> list[Alert]:
        """What is to be told, by audience and kind: what changed, and what was told a day ago and stands."""
        now = self._clock()
        return [each.now for each in self._records() if each.due(now)]

    def standing(self) -> list[Alert]:
        """All that is wrong now, told or not, by audience and kind."""
        return [each.now for each in self._records() if each.now.codes]

    def telling(self, alert: Alert) -> None:
        """Note that the delivery of ``alert`` begins. From here on something is due until it is ``told``.

        Raises:
            StateError: it cannot be written; then do not deliver it.
        """
        self._change(alert, unsure=True)

    def told(self, alert: Alert) -> None:
        """Note that ``alert`` was delivered. What has changed since stays due.

        Raises:
            StateError: it cannot be written; the alert is then delivered again.
        """
        self._change(alert, unsure=False, told=alert.codes, told_at=self._clock().isoformat())

    def _change(self, alert: Alert, **changes: Any) -> None:  # noqa: ANN401 - of a record
        with self._store.begin() as transaction:
            record = _read(transaction, alert.audience, alert.kind)
            if record is not None:
                _write(transaction, replace(record, **changes))

    def _records(self) -> list[_Record]:
        with self._store.read() as transaction:
            kept = [_RECORD.value(each) for each in transaction.scalars(sa.select(state.alert.c.content))]
        return sorted(kept, key=lambda each: (each.now.audience, each.now.kind))


def _read(transaction: sa.Connection, audience: str, kind: AlertKind) -> _Record | None:
    """What stands and was told; nobody else changes it until the transaction ends."""
    row = sa.select(state.alert.c.content).where(state.alert.c.audience == audience, state.alert.c.kind == kind)
    content = transaction.scalar(row.with_for_update())
    return _RECORD.value(content) if content is not None else None


def _write(transaction: sa.Connection, record: _Record) -> None:
    row = state.alert.update().where(
        state.alert.c.audience == record.now.audience, state.alert.c.kind == record.now.kind
    )
    transaction.execute(row.values(content=_RECORD.text(record)))


_RECORD = Document(_Record, version=1, called="an alert")
