"""The ledger of people who asked to be forgotten, as digests: they stay out of every list, for good.

It is in the state, whose tables hold the requests, the audiences that each waits for, and its digests, in clear as
lists have them. A request is there as a whole or not at all, so who reads needs no lock. Where its digests are not all
there, that is an error and no shorter list: a run that sends must stop then. A request that was taken back stays,
without its digests.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from pydantic import AwareDatetime, ConfigDict

from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline.privacy.errors import ErasureError, LedgerError
from spotify_pipeline.privacy.identifiers import GivenIdentifier
from spotify_pipeline.rows import DigestSet, prefixes
from spotify_pipeline.state import Document, StateStore, insert_missing
from spotify_pipeline.state import tables as state

_ROWS = 10_000
"""Read, or asked about, at once."""


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """A person's word: who gave it, as they call themselves, and when, UTC."""

    by: str
    at: AwareDatetime

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class ErasureRequest:
    """One call to forget somebody.

    Attributes:
        id: ``erasure-<date>-<random>``; says nothing of anybody.
        requested_at: when, UTC.
        deadline: by when every audience is to be without them, UTC.
        identifiers: how many were given.
        waiting: audiences that may still hold them at Spotify, in alphabetical order.
        in_force_at: from then on every reader found it in the ledger, UTC; None while that is not known.
        confirmed: who confirmed that it is meant, although it takes a large share of an audience; None where
            that was not needed.
        taken_back: who took it back; its digests are gone then, and it waits for nothing.
        rules_version: of the identity rules by which its identifiers were read. What an older version read of a damaged
            one may be somebody else's.
    """

    id: str
    requested_at: datetime
    deadline: datetime
    identifiers: int
    waiting: tuple[str, ...]
    in_force_at: datetime | None = None
    confirmed: Attribution | None = None
    taken_back: Attribution | None = None
    rules_version: int


class ErasureLedger:
    """The requests in a project's state. Every method raises ``StateError`` where that cannot be used."""

    def __init__(self, store: StateStore, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``clock`` gives the time, with its zone."""
        self._store = store
        self._clock = clock

    def requests(self) -> list[ErasureRequest]:
        """All requests ever made, oldest first."""
        with self._store.read() as transaction:
            return _requests(transaction)

    def made(self) -> int:
        """How many requests were ever made."""
        return self._changes()[0]

    def newest(self) -> str | None:
        """The id of the newest request, also of one that was taken back; None where nobody ever asked."""
        order = state.erasure.c.requested_at.desc(), state.erasure.c.id.desc()
        with self._store.read() as transaction:
            return transaction.scalar(sa.select(state.erasure.c.id).order_by(*order).limit(1))

    def known(self, requests: Collection[str]) -> set[str]:
        """Those of these ids that requests in the ledger have."""
        with self._store.read() as transaction:
            wanted = state.erasure.c.id.in_(requests)
            return set(transaction.scalars(sa.select(state.erasure.c.id).where(wanted)))

    def by_older_rules(self) -> list[ErasureRequest]:
        """Those whose identifiers were read by an older version of the identity rules, oldest first.

        One that was entered in a damaged form, which the rules read otherwise now, has to be entered again. Which was,
        nobody can tell: only digests are kept.
        """
        older = state.erasure.c.rules_version < RULES_VERSION
        with self._store.read() as transaction:
            return _requests(transaction, older, state.erasure.c.taken_back.is_(None))

    def waiting(self, audience: str, *, within: sa.Connection | None = None) -> list[ErasureRequest]:
        """Those that wait for ``audience`` to be mirrored, oldest first. ``within`` is as of ``done``."""
        with self._store.read(within) as transaction:
            return _requests(transaction, state.erasure.c.id.in_(_waiting_for(audience)))

    def waiting_audiences(self) -> set[str]:
        """The audiences that any request waits for."""
        with self._store.read() as transaction:
            return set(transaction.scalars(sa.select(state.erasure_waiting.c.audience).distinct()))

    def digests(self) -> DigestSet:
        """The digests of all requests that were not taken back.

        Raises:
            LedgerError: some are missing.
        """
        return self._read_digests(sa.select(state.erasure_digest.c.digest))

    def watched_digests(self) -> Callable[[], DigestSet]:
        """What gives the same as ``digests`` whenever it is asked, and reads again only if the ledger has changed."""
        known: list[tuple[tuple[int, int], DigestSet]] = []

        def digests() -> DigestSet:
            changes = self._changes()
            if not known or known[0][0] != changes:
                known[:] = [(changes, self.digests())]
            return known[0][1]

        return digests

    def confirmed_digests(self) -> DigestSet:
        """Those of confirmed requests: a list may lose these people, however many they are.

        Raises:
            LedgerError: some of any request are missing.
        """
        digests = sa.select(state.erasure_digest.c.digest).join(state.erasure)
        return self._read_digests(digests.where(state.erasure.c.confirmed.is_not(None)))

    def requests_with(self, digests: Collection[str]) -> dict[str, list[ErasureRequest]]:
        """The requests that hold each of these digests, oldest first; digests that none holds are left out."""
        wanted, found = sorted({*digests}), dict[str, list[ErasureRequest]]()
        with self._store.read() as transaction:
            for first in range(0, len(wanted), _ROWS):
                held = state.erasure_digest.c.digest.in_(wanted[first : first + _ROWS])
                asked = _SELECTED.add_columns(state.erasure_digest.c.digest).join(state.erasure_digest).where(held)
                for row in transaction.execute(asked):
                    found.setdefault(row.digest, []).append(_request(row))
        return found

    def require_whole(self) -> None:
        """Return if the digests of every request are there.

        Raises:
            LedgerError: some are missing.
        """
        with self._store.read() as transaction:
            _require_whole(transaction)

    def turn(self) -> AbstractContextManager[None]:
        """Keeps other calls to forget somebody waiting: two that rewrote one list could bring back each other's people.

        Raises:
            StateError: there is no turn to be had.
        """
        return self._store.lock("erasures")

    def record(
        self,
        people: Sequence[GivenIdentifier],
        *,
        requested_at: datetime,
        deadline: datetime,
        waiting: Collection[str],
        confirmed: Attribution | None = None,
    ) -> ErasureRequest:
        """Make a request durable: when this returns, it survives a crash, and every reader finds it.

        Args:
            people: at least one identifier.
            requested_at, deadline: with a time zone.
            waiting: audiences that may hold them.
            confirmed: who confirmed that it is meant, if anybody did.
        """
        digests = {digest for each in people for digest in each.digests}
        request = ErasureRequest(
            id=f"erasure-{requested_at.astimezone(UTC):%Y-%m-%d}-{secrets.token_hex(4)}",
            requested_at=requested_at.astimezone(UTC),
            deadline=deadline.astimezone(UTC),
            identifiers=len({each.digests for each in people}),
            waiting=tuple(sorted({*waiting})),
            confirmed=confirmed,
            rules_version=RULES_VERSION,
        )
        with self._store.begin() as transaction:
            self.take_over(request, digests, transaction)
        return request

    def take_over(self, request: ErasureRequest, digests: Collection[str], within: sa.Connection) -> None:
        """Keep a request as it is, once the transaction ends. One that was taken back has no digests."""
        within.execute(state.erasure.insert().values(**_row(request), digests=len(digests)))
        _wait(within, request.id, request.waiting)
        if digests:
            held = [{"request": request.id, "digest": each} for each in sorted(digests)]
            within.execute(state.erasure_digest.insert(), held)

    def settle(self, request: ErasureRequest, *, waiting: Collection[str], in_force_at: datetime) -> ErasureRequest:
        """Say for which audiences a recorded request waits, once that is known; what is done meanwhile stays done.

        Args:
            request: as ``record`` gave it.
            waiting: audiences that hold them, or may.
            in_force_at: a time after ``record`` returned.
        """
        rows = state.erasure_waiting
        with self._store.begin() as transaction:
            transaction.execute(rows.delete().where(rows.c.request == request.id, rows.c.audience.not_in({*waiting})))
            _wait(transaction, request.id, {*waiting}.difference(request.waiting))
            known = state.erasure.update().where(state.erasure.c.id == request.id)
            transaction.execute(known.values(in_force_at=in_force_at))
            return _requests(transaction, state.erasure.c.id == request.id)[0]

    def take_back(self, request_id: str, *, by: str) -> ErasureRequest:
        """Let the people of a request back in, until its deadline; done twice, it changes nothing.

        The request stays, with who took it back and when. Its digests are gone.

        Raises:
            ErasureError: there is no such request, or its deadline has passed. Nothing was changed.
        """
        with self.turn(), self._store.begin() as transaction:
            found = next(iter(_requests(transaction, state.erasure.c.id == request_id)), None)
            if found is None:
                raise ErasureError(
                    "The ledger of erasures has no such request. Nothing was changed. `spotify-pipeline erasures` "
                    "lists them."
                )
            if found.taken_back is not None:
                return found
            now = self._clock().astimezone(UTC)
            if found.deadline <= now:
                raise ErasureError(
                    f"{found.id} was due on {found.deadline:%Y-%m-%d}: it can be taken back only until then, and it "
                    "stands. Nothing was changed."
                )
            for rows in (state.erasure_waiting, state.erasure_digest):
                transaction.execute(rows.delete().where(rows.c.request == found.id))
            gone = replace(found, waiting=(), taken_back=Attribution(by=by, at=now))
            known = state.erasure.update().where(state.erasure.c.id == found.id)
            transaction.execute(known.values(**_row(gone), digests=0))
        return gone

    def done(self, audience: str, *, decided_at: datetime, within: sa.Connection | None = None) -> list[str]:
        """Take ``audience`` off the requests that were in force when it was decided what it is to hold; their ids.

        Args:
            audience: that Spotify now holds as was decided.
            decided_at: a time before the ledger was read for that decision.
            within: the caller's transaction in the state; by default one of its own.
        """
        request, rows = state.erasure, state.erasure_waiting
        was_in_force = sa.exists().where(request.c.id == rows.c.request, request.c.in_force_at < decided_at)
        with self._store.begin(within) as transaction:
            waited = rows.delete().where(rows.c.audience == audience, was_in_force).returning(rows.c.request)
            done = sorted(transaction.scalars(waited))
            # The process that recorded it was killed. It is in force by now; the next mirror finds it so.
            killed = request.c.in_force_at.is_(None), request.c.id.in_(_waiting_for(audience))
            transaction.execute(request.update().where(*killed).values(in_force_at=self._clock()))
        return done

    def _changes(self) -> tuple[int, int]:
        """How many requests were made, and how many were taken back: nothing else changes what the ledger holds."""
        counts = sa.select(sa.func.count(), sa.func.count(state.erasure.c.taken_back)).select_from(state.erasure)
        with self._store.read() as transaction:
            made, taken_back = transaction.execute(counts).one()
        return made, taken_back

    def _read_digests(self, digests: sa.Select[tuple[str]]) -> DigestSet:
        with self._store.read() as transaction:
            _require_whole(transaction)
            read = transaction.scalars(digests.execution_options(yield_per=_ROWS)).partitions()
            return DigestSet.of_prefixes(*(prefixes(pl.Series(each, dtype=pl.String)) for each in read))


_KEPT_AS_THEY_ARE = ("id", "requested_at", "deadline", "identifiers", "in_force_at", "rules_version")
_WORD = Document(Attribution, version=1, called="somebody's word on an erasure")
_SELECTED = sa.select(
    state.erasure,
    sa.select(sa.func.aggregate_strings(state.erasure_waiting.c.audience, ","))
    .where(state.erasure_waiting.c.request == state.erasure.c.id)
    .scalar_subquery()
    .label("waiting"),
).order_by(state.erasure.c.requested_at, state.erasure.c.id)


def _requests(transaction: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[ErasureRequest]:
    return [_request(row) for row in transaction.execute(_SELECTED.where(*conditions))]


def _waiting_for(audience: str) -> sa.Select[tuple[str]]:
    return sa.select(state.erasure_waiting.c.request).where(state.erasure_waiting.c.audience == audience)


def _wait(transaction: sa.Connection, request_id: str, audiences: Collection[str]) -> None:
    for audience in audiences:
        insert_missing(transaction, state.erasure_waiting, {"request": request_id, "audience": audience})


def _require_whole(transaction: sa.Connection) -> None:
    there = sa.select(sa.func.count()).where(state.erasure_digest.c.request == state.erasure.c.id).scalar_subquery()
    broken = transaction.scalar(sa.select(state.erasure.c.id).where(state.erasure.c.digests != there).limit(1))
    if broken is not None:
        raise LedgerError(
            f"The ledger of erasures cannot be trusted: digests of {broken} are missing. Nothing was sent, because "
            "people who asked to be forgotten could be in it. Restore the newest backup of the state, then run again."
        )


def _row(request: ErasureRequest) -> dict[str, Any]:
    words = {"confirmed": request.confirmed, "taken_back": request.taken_back}
    return {
        **{name: getattr(request, name) for name in _KEPT_AS_THEY_ARE},
        **{name: _WORD.text(word) if word is not None else None for name, word in words.items()},
    }


def _request(row: sa.Row[Any]) -> ErasureRequest:
    return ErasureRequest(
        **{name: getattr(row, name) for name in _KEPT_AS_THEY_ARE},
        waiting=tuple(sorted(row.waiting.split(","))) if row.waiting else (),
        confirmed=_WORD.value(row.confirmed) if row.confirmed is not None else None,
        taken_back=_WORD.value(row.taken_back) if row.taken_back is not None else None,
    )
