"""Retires an audience that is no longer mirrored: deletes it at Spotify, or leaves it there, with a receipt.

A person decides which. Until then the audience is an orphan: nobody updates it, and it keeps its last list's people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import (
    Journal,
    JournalEntry,
    JournalError,
    RetirementOrder,
)
from spotify_pipeline.mirror.receipts import Receipt, ReceiptBook, ReceiptKind
from spotify_pipeline.mirror.spec import folder_of, lookalike_key
from spotify_pipeline.mirror.writes import Deletion, WriteAheadLog
from spotify_pipeline.retries import AUDIENCE_HELD
from spotify_pipeline.spotify import SpotifyAdsClient


class RemovalPolicy(StrEnum):
    """What is done at Spotify with an audience that is no longer mirrored."""

    LEAVE = "leave"
    """It stays there as it is, and ages."""
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class Retired:
    """A retired audience, part of one or lookalike.

    Attributes:
        key: in the journal.
        audience_id: at Spotify; None where none was known.
        receipt: what says so.
    """

    key: str
    audience_id: str | None
    receipt: Receipt


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """An audience that is ours and that no YAML defines, so that nobody updates it.

    Attributes:
        audience: the folder's name.
        ad_account_id: where it is.
        keys: its own in the journal, and those of its parts and its lookalike, as far as they are there.
        audience_ids: at Spotify, as far as they are known.
        snapshot: the partition that was sent last.
        accepted_at: when Spotify was last proven to hold a list of it; ISO 8601.
        problem: why the journal of one of them cannot be read; None where it can.
        waits_only: it was retired, or the journal does not know it; but an erasure waits for it.
    """

    audience: str
    ad_account_id: str | None
    keys: tuple[str, ...] = ()
    audience_ids: tuple[str, ...] = ()
    snapshot: str | None = None
    accepted_at: str | None = None
    problem: str | None = None
    waits_only: bool = False


def orphans(journal: Journal, configured: Collection[str], *, waiting: Collection[str] = ()) -> list[Orphan]:
    """The audiences that were sent to Spotify, were not retired, and are defined by no YAML.

    Args:
        journal: of this project.
        configured: folder names of all audiences that are defined.
        waiting: folder names of those that an erasure waits for. Of these also what a person left at Spotify, and what
            the journal does not know, is reported where no YAML defines it: no run will take anybody out of it.
    """
    keys: dict[tuple[str, str], list[str]] = {}
    for account, key in journal.known():
        if folder_of(key) not in configured:
            keys.setdefault((account, folder_of(key)), []).append(key)
    found = (_orphan(journal, account, audience, theirs) for (account, audience), theirs in keys.items())
    reported = [each for each in found if each is not None]
    waiting_only = {*waiting}.difference(configured, (each.audience for each in reported))
    return reported + [_left_waiting(journal, keys, audience) for audience in sorted(waiting_only)]


def sent_before(journal: Journal, audience: str) -> bool:
    """Whether anything of an audience was begun at Spotify, in any ad account, so that people of it may be there.

    What the journal cannot say counts, as where it is lost and receipts are there; so does what a person left there;
    what was deleted does not.
    """
    if audience in ReceiptBook(journal.state).without_journal():
        return True
    for account, key in journal.known():
        if folder_of(key) == audience:
            try:
                entry = journal.read(key, account)
            except (JournalError, HomeError):
                return True
            if entry.audience_id is not None or entry.unfinished is not None:
                return True
    return False


def retire(
    client: SpotifyAdsClient | None,
    journal: Journal,
    *,
    audience: str,
    ad_account_id: str,
    policy: RemovalPolicy,
    reason: str,
    by: str,
    trace_ids: Callable[[], Sequence[str]] = tuple,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = AUDIENCE_HELD.within,
) -> list[Retired]:
    """Retire an audience, with its lookalike and the parts it was split into. Call it again after any error.

    Retiring a part, such as ``lapsed.2``, retires the parts after it too, and the list is then sent in fewer parts:
    the way back when a list fits again.

    Args:
        client: signed in; only a deletion asks for it.
        journal: of this project.
        audience: the folder's name, or the key of a part.
        ad_account_id: where it is.
        policy: what is done with it at Spotify.
        reason: the person's, in a sentence.
        by: who, as they call themselves.
        trace_ids: the trace ids of Spotify's answers so far, for the receipts.
        clock, sleep, wait: as of ``AudienceMirror``.

    Raises:
        MirrorRefused: the journal knows no such audience or says that it was retired so already, a campaign uses it,
            two could be it, a creation of it may yet be carried out, or a run has it. Unless the message says
            otherwise, nothing was deleted.
        HomeError, JournalError: the journal or a receipt cannot be read or written.
        SpotifyError: Spotify refused or was not reached.
    """
    receipts = ReceiptBook(journal.state)
    order = RetirementOrder(policy=str(policy), by=by, why=reason)
    with ExitStack() as leases:
        pages: dict[str, WriteAheadLog] = {}
        first: WriteAheadLog | None = None
        folder, first_to_go = folder_of(audience), part_number(audience)
        parts = _parts(journal, folder, ad_account_id)
        for key in _keys(journal, folder, ad_account_id, parts):
            fence = leases.enter_context(journal.lease(key, ad_account_id, wait=wait, sleep=sleep))
            wal = WriteAheadLog(journal, fence, audience=key, ad_account_id=ad_account_id, clock=clock)
            wal.trace_ids = trace_ids
            if first_to_go is not None and (part_number(key) or 1) < first_to_go:
                first = wal if key == folder else first
                continue
            if _is_to_go(wal.entry, policy, was_sent=key in parts):
                pages[key] = wal
        if not pages:
            raise MirrorRefused(
                f"There is no audience {audience} in ad account {ad_account_id} to retire. Nothing was changed. Check "
                "the name and the ad account."
            )
        if policy is RemovalPolicy.LEAVE:
            _send_in_fewer(first, first_to_go)
            return [_left(key, wal, order, _named(receipts, key, ad_account_id)) for key, wal in pages.items()]
        if client is None:
            raise MirrorRefused(f"Sign in first: deleting {audience} needs a call to Spotify. Nothing was deleted.")
        deletions = {
            key: Deletion(client, wal, key, ad_account_id, sleep=sleep, named=_named(receipts, key, ad_account_id))
            for key, wal in pages.items()
        }
        for deletion in deletions.values():
            deletion.refuse_unless_possible()
        # Before the first is deleted: as long as a part is there, it counts by its own entry.
        _send_in_fewer(first, first_to_go)
        return [_deleted(deletions[key], key, wal, order) for key, wal in pages.items()]


def part_number(key: str) -> int | None:
    """Which part of a list a key is of, from 2; None for that of a whole audience, which is the first, or a lookalike.

    Raises:
        MirrorRefused: it is the key of nothing.
    """
    folder, _, rest = key.partition(".")
    if not rest or key == lookalike_key(folder):
        return None
    if not (rest.isascii() and rest.isdecimal() and int(rest) > 1):
        raise MirrorRefused(f"{key} is not an audience or a part of one: parts are called {folder}.2 and so on.")
    return int(rest)


def _send_in_fewer(first: WriteAheadLog | None, first_to_go: int | None) -> None:
    if first is not None and first_to_go is not None:
        first.write(replace(first.entry, parts=first_to_go - 1 if first_to_go > 2 else None))


def _keys(journal: Journal, audience: str, ad_account_id: str, parts: Collection[str]) -> list[str]:
    """The lookalike first, then the parts from the last to the first: what depends on another goes before it."""
    known = {key for account, key in journal.known() if account == ad_account_id and folder_of(key) == audience}
    return sorted(known.union(parts), key=lambda key: (key == lookalike_key(audience), len(key), key), reverse=True)


def _parts(journal: Journal, audience: str, ad_account_id: str) -> list[str]:
    """The further parts that were sent, by the entry of the first: the journal of one of them may be lost."""
    parts = journal.read(audience, ad_account_id).parts or 1
    return [f"{audience}.{number}" for number in range(2, parts + 1)]


def _is_to_go(entry: JournalEntry, policy: RemovalPolicy, *, was_sent: bool) -> bool:
    """Whether there is something to retire; what was left at Spotify may still be deleted."""
    if entry.retired_policy == RemovalPolicy.DELETE or (entry.retired_at is not None and policy is RemovalPolicy.LEAVE):
        return False
    return was_sent or entry.audience_id is not None or entry.unfinished is not None


def _named(receipts: ReceiptBook, key: str, ad_account_id: str) -> str | None:
    """The audience's id by its newest receipt, unless that says that it was deleted."""
    written = receipts.read(key, ad_account_id)[-1:]
    named = [each.body.get("audience_id") for each in written if each.kind is not ReceiptKind.DELETED]
    return cast("str | None", next(iter(named), None))


def _left(key: str, wal: WriteAheadLog, order: RetirementOrder, named: str | None) -> Retired:
    entry = wal.entry
    audience_id = entry.audience_id or named
    left = replace(entry, retired_at=wal.now(), retired_policy=str(RemovalPolicy.LEAVE))
    return _noted(key, wal, left, ReceiptKind.LEFT, order, {"audience_id": audience_id})


def _deleted(deletion: Deletion, key: str, wal: WriteAheadLog, order: RetirementOrder) -> Retired:
    entry = wal.entry
    how = deletion.carry_out(order)
    gone = JournalEntry(
        ad_account_id=entry.ad_account_id,
        built_at=entry.built_at,  # a list older than the last must not be sent, should it ever be mirrored again
        receipts=wal.entry.receipts,
        receipt_head=wal.entry.receipt_head,
        retired_at=wal.now(),
        retired_policy=str(RemovalPolicy.DELETE),
    )
    content = {"audience_id": deletion.audience_id, "name": deletion.name, "how": how}
    return _noted(key, wal, gone, ReceiptKind.DELETED, order, content)


def _noted(
    key: str,
    wal: WriteAheadLog,
    entry: JournalEntry,
    kind: ReceiptKind,
    order: RetirementOrder,
    content: Mapping[str, str | None],
) -> Retired:
    known = wal.entry
    last = {"snapshot": known.snapshot, "built_at": known.built_at, "sha256": known.file_sha256}
    approval = {"by": order.by, "why": order.why, "at": wal.now()}
    wal.done(entry, kind, {**content, "policy": order.policy, "approval": approval, "last_list": last})
    return Retired(key=key, audience_id=content["audience_id"], receipt=wal.written[-1])


def _orphan(journal: Journal, ad_account_id: str, audience: str, keys: list[str]) -> Orphan | None:
    entries: dict[str, JournalEntry] = {}
    problem = None
    for key in keys:
        try:
            entry = journal.read(key, ad_account_id)
        except (JournalError, HomeError) as error:
            problem = str(error)
        else:
            if entry.may_exist:
                entries[key] = entry
    if not entries and problem is None:
        return None
    return _described(audience, ad_account_id, entries, problem)


def _left_waiting(journal: Journal, keys: Mapping[tuple[str, str], list[str]], audience: str) -> Orphan:
    """Of an audience of which every entry can be read and is one of leave."""
    accounts = [account for account, folder in keys if folder == audience]
    entries = {key: journal.read(key, account) for account in accounts for key in keys[account, audience]}
    at_spotify = {key: entry for key, entry in entries.items() if entry.audience_id is not None}
    return replace(_described(audience, next(iter(accounts), None), at_spotify, None), waits_only=True)


def _described(
    audience: str, ad_account_id: str | None, entries: Mapping[str, JournalEntry], problem: str | None
) -> Orphan:
    newest = max(entries.values(), key=lambda each: each.built_at or "", default=JournalEntry(ad_account_id=""))
    return Orphan(
        audience=audience,
        ad_account_id=ad_account_id,
        keys=tuple(entries),
        audience_ids=tuple(each.audience_id for each in entries.values() if each.audience_id is not None),
        snapshot=newest.snapshot,
        accepted_at=newest.accepted_at,
        problem=problem,
    )
