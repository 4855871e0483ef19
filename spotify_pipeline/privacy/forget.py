"""Forgets people: first in the ledger, then in everything that this machine keeps of them.

The order is the safety. Once the ledger names them, they are dropped from each list that is built, and each list is
held against the ledger once more before it is sent. So nothing need be locked: a list that is being built meanwhile may
still hold them, but it is not sent. After a crash, repeat the call: each call takes everybody that the
ledger names out of every list. Until then the request waits for every audience, since nobody looked which hold them.
What a list at Spotify would lose is said before the first change, and somebody may have to confirm it.
Two calls at a time take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from spotify_pipeline.customer_list import CustomerListError, SnapshotStore, redact_list
from spotify_pipeline.home import HomeError
from spotify_pipeline.privacy.identifiers import GivenIdentifier
from spotify_pipeline.privacy.ledger import Attribution, ErasureLedger, ErasureRequest
from spotify_pipeline.privacy.live_lists import LiveLists, not_kept
from spotify_pipeline.privacy.losses import LiveLoss, live_losses
from spotify_pipeline.rows import DigestSet

_NO_LISTS: LiveLists = {}
DEADLINE = timedelta(days=30)
"""From the request; the GDPR's month, in its shortest usual reading."""


Review = Callable[[Sequence[LiveLoss]], Attribution | None]
"""Is told, before anything is changed, what lists at Spotify would lose. Raises to refuse; returns who confirmed
that it is meant, or None where nobody did."""


@dataclass(frozen=True, kw_only=True)
class RewrittenList:
    """A kept list from which people were taken: of which audience and snapshot, and how many rows."""

    audience: str
    snapshot: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """What was done.

    Attributes:
        request: as the ledger has it now.
        rewritten: the lists that held somebody, by audience and snapshot.
        identifiers_deleted: files of normalized identifiers that were deleted. The next run reads them again.
        problems: what could not be rewritten or deleted, in sentences. It may hold them still.
    """

    request: ErasureRequest
    rewritten: tuple[RewrittenList, ...]
    identifiers_deleted: int
    problems: tuple[str, ...] = ()


def forget(
    people: Sequence[GivenIdentifier],
    store: SnapshotStore,
    ledger: ErasureLedger,
    *,
    now: Callable[[], datetime],
    live: LiveLists,
    compared: LiveLists = _NO_LISTS,
    live_now: Callable[[], LiveLists] | None = None,
    review: Review = lambda _: None,
    deadline: timedelta = DEADLINE,
) -> Forgotten:
    """Keep people out of every list from now on, and take them out of those that are kept.

    The request then waits for the audiences at Spotify that held them, and for those that may: of which Spotify has a
    list that is not kept as it was sent. Of an audience that was never sent, Spotify has nobody.

    Args:
        people: at least one identifier.
        store: the lists and identifiers of this machine.
        ledger: where they are entered.
        now: gives the time, with its zone.
        live: the lists that Spotify has.
        compared: the lists that it had lately, with which the next list is compared. Of these and of ``live`` it stays
            known who was taken out, as long as they are compared with: what Spotify has does not shrink by this call.
        live_now: asked once the lists are rewritten, as an audience may have been created meanwhile; by default
            ``live`` holds. An upload whose list was rewritten under it stops by itself.
        review: see there; by default nobody is asked.
        deadline: from now, until which every audience has to be without them.

    Raises:
        LedgerError: the ledger cannot be trusted. Nothing was changed.
        HomeError: the ledger cannot be written. Run it again.
        Exception: what ``review`` raises. Nothing was changed.
    """
    with ledger.turn():
        # Before anything is changed: a ledger of which some digests are lost cannot say who is to be taken out.
        everybody = ledger.digests() | DigestSet.of(*(pl.Series(each.digests, dtype=pl.String) for each in people))
        confirmed = review(live_losses(people, store, ledger, live))
        audiences = store.audiences()
        requested_at = now()
        request = ledger.record(
            people,
            requested_at=requested_at,
            deadline=requested_at + deadline,
            waiting={*audiences, *live},
            confirmed=confirmed,
        )
        in_force_at = now()
        cleaned = _Cleaned()
        for audience in audiences:
            _delete_raw(store, audience, cleaned)
            sent = {*live.get(audience, ()), *compared.get(audience, ())}
            _rewrite_lists(store, audience, everybody, sent, cleaned)
        at_spotify = live_now() if live_now is not None else live
        waiting = {*cleaned.holding.intersection(at_spotify), *not_kept(store, at_spotify)}
        settled = ledger.settle(request, waiting=waiting, in_force_at=in_force_at)
    return Forgotten(
        request=settled,
        rewritten=tuple(cleaned.rewritten),
        identifiers_deleted=cleaned.identifiers_deleted,
        problems=tuple(cleaned.problems),
    )


@dataclass
class _Cleaned:
    """What was done so far, and ``holding``: the audiences that held them, or may still."""

    identifiers_deleted: int = 0
    rewritten: list[RewrittenList] = field(default_factory=list[RewrittenList])
    problems: list[str] = field(default_factory=list[str])
    holding: set[str] = field(default_factory=set[str])


def _delete_raw(store: SnapshotStore, audience: str, cleaned: _Cleaned) -> None:
    """Delete normalized identifiers, and what killed processes left unfinished, which may hold them too."""
    try:
        store.sweep(audience)
        store.forget_found(audience)
        cleaned.identifiers_deleted += len(store.keep_identifiers(audience, 0))
    except (CustomerListError, HomeError) as error:
        cleaned.problems.append(f"Identifiers of {audience}: {error}")


def _rewrite_lists(
    store: SnapshotStore, audience: str, everybody: DigestSet, sent: Collection[str], cleaned: _Cleaned
) -> None:
    for snapshot in store.snapshots(audience):
        try:
            path, manifest = store.stored(audience, snapshot)
            left = redact_list(path, manifest, everybody, sent=sent)
        except (CustomerListError, HomeError) as error:
            if snapshot not in store.snapshots(audience):
                continue  # a run has deleted it meanwhile, as too old
            cleaned.holding.add(audience)
            cleaned.problems.append(f"List of {audience}, snapshot {snapshot}: {error}")
            continue
        if left is not manifest:
            cleaned.holding.add(audience)
            rows = left.rows_withdrawn - manifest.rows_withdrawn
            cleaned.rewritten.append(RewrittenList(audience=audience, snapshot=snapshot, rows=rows))
