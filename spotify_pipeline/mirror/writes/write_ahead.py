"""The write-ahead log of one audience: each line is durable before the write to Spotify that it announces.

A change at Spotify and its receipt are made durable in three steps: the line of the journal that says that it is done
also holds the receipt that is due; then the receipt; then the line that counts it. A run that finds one due writes it
first. So whatever ends a run, every change has one receipt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import EditAsked, Journal, JournalEntry, Lease
from spotify_pipeline.mirror.receipts import RECEIPT_FORMAT, ListEvidence, Receipt, ReceiptBook, ReceiptKind, plain
from spotify_pipeline.mirror.spec import folder_of
from spotify_pipeline.printable import printable
from spotify_pipeline.spotify import Audience

LANDS_WITHIN = timedelta(minutes=15)
"""So long after a creation was asked for without an answer it may still be carried out; later it is not."""

_log = logging.getLogger("spotify_pipeline.mirror")


class WriteAheadLog:
    """The entry of one audience, read when its lease was taken.

    Every method that writes returns once the line is durable, and raises instead if that cannot be had, so that the
    write to Spotify that was to follow is not made:

        HomeError: the disk is full, or the directory cannot be written.
        MirrorRefused: another run has taken the audience over, or its id at Spotify is another audience's.
    """

    def __init__(
        self,
        journal: Journal,
        lease: Lease,
        receipts: ReceiptBook,
        *,
        audience: str,
        ad_account_id: str,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._lease = lease
        self._receipts = receipts
        self._audience = audience
        self._ad_account_id = ad_account_id
        self._clock = clock
        self._notes: list[str] = []
        self._traces_told = 0
        self.trace_ids: Callable[[], Sequence[str]] = tuple
        """The trace ids of Spotify's answers to this run so far."""
        self.evidence: ListEvidence | None = None
        """What receipts say of the list of this run, once it is decided that it may be sent."""
        self.written: list[Receipt] = []
        """The receipts that this run wrote."""
        self.entry = journal.read(audience, ad_account_id)
        self._newest = receipts.last(audience, ad_account_id)
        if self._newest is not None and self.entry == JournalEntry(ad_account_id=ad_account_id):
            # The journal was lost, and continues where the receipts end.
            self.entry = replace(self.entry, receipts=self._newest[0], receipt_head=self._newest[1])

    @property
    def notes(self) -> str | None:
        """What the run found left half done and how it went on, or None where there was nothing."""
        return " ".join(self._notes) or None

    @property
    def creation_may_land(self) -> bool:
        """Whether the creation was asked for so lately, and not refused, that it may yet be carried out."""
        begun = self.entry.in_creation
        if begun is None or begun.asked_at is None:
            return False
        return datetime.fromisoformat(self.now()) - datetime.fromisoformat(begun.asked_at) < LANDS_WITHIN

    def file_of(self, audience: str) -> Path:
        """Where the entry of an audience of this ad account is kept."""
        return self._journal.file(audience, self._ad_account_id)

    def now(self) -> str:
        """By this machine's clock: ISO 8601, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()

    def note(self, sentence: str, *, level: int = logging.INFO) -> None:
        """Note what was found left half done, and log it."""
        self._notes.append(sentence)
        _log.log(level, "%s: %s", self._audience, printable(sentence))

    def write(self, entry: JournalEntry) -> None:
        """Make ``entry`` what is known.

        Raises:
            MirrorRefused: also where it names an audience at Spotify that another entry names (C20).
        """
        self._lease.require()
        taken = entry.held_ids - self.entry.held_ids
        if taken:
            with self._journal.taking():
                self.refuse_held(*taken)
                self._journal.write(self._audience, entry)
        else:
            self._journal.write(self._audience, entry)
        self.entry = entry

    def not_carried_out(self, before: JournalEntry) -> None:
        """After Spotify refused a write for certain: ``before`` is what is known again.

        Where that cannot be written, the write counts as one that may have been carried out, which is safe.
        """
        with suppress(HomeError, MirrorRefused):
            self.write(before)

    def refuse_held(self, *audience_ids: str) -> None:
        """Refuse audiences at Spotify that the journal has for another audience of this project.

        Raises:
            MirrorRefused: one is. Two that write to one would overwrite each other's lists.
        """
        for audience_id in audience_ids:
            holder = self.holder(audience_id)
            if holder is not None:
                raise MirrorRefused(
                    f"The journal says that audience {audience_id} is the one of {holder} in this project, so it was "
                    f"not taken for the one of {self._audience}: the two would overwrite each other's lists. Nothing "
                    f"was written to it. Look in Ads Manager whose it is. If {holder} is no longer mirrored, run: "
                    f"spotify-pipeline retire {folder_of(holder)} --policy leave."
                )

    def holder(self, audience_id: str) -> str | None:
        """The other audience of this project, if any, that has ``audience_id`` at Spotify."""
        return self._journal.holder(audience_id, self._ad_account_id, other_than=self._audience)

    def done(self, entry: JournalEntry, kind: ReceiptKind, content: Mapping[str, Any]) -> None:
        """A change at Spotify is done: make ``entry`` what is known, and write its receipt."""
        self.write(self.with_due(entry, kind, content))
        self.flush()

    def continue_behind(self, newest: tuple[int, str] | None) -> None:
        """Number and digest of the newest receipt that anything knows: the next one is numbered behind it."""
        self._newest = newest

    def with_due(self, entry: JournalEntry, kind: ReceiptKind, content: Mapping[str, Any]) -> JournalEntry:
        """``entry``, with the receipt that is due for a change that is done."""
        traces = list(self.trace_ids())
        # Of an older journal it goes on behind what else is known, and the receipt says so.
        number, digest = self._newest or (0, "")
        is_older = number > entry.receipts
        body = {
            "recovered": self.notes,
            **content,
            "format": RECEIPT_FORMAT,
            "number": max(entry.receipts, number) + 1,
            "previous": entry.receipt_head or "",
            **({"continues_behind": [number, digest]} if is_older else {}),
            "kind": str(kind),
            "audience": self._audience,
            "ad_account_id": self._ad_account_id,
            "sp_trace_ids": traces[self._traces_told :],
            "at": self.now(),
        }
        self._traces_told = len(traces)
        return replace(entry, receipt_due=plain(body))

    def flush(self) -> None:
        """Write the receipt that is due, if one is."""
        if self.entry.receipt_due is None:
            return
        receipt = Receipt(body=self.entry.receipt_due)
        self._lease.require()
        self._receipts.append(receipt)
        counted = replace(self.entry, receipts=receipt.number, receipt_head=receipt.digest, receipt_due=None)
        self.write(counted)
        self.written.append(receipt)

    def editing(self, audience: Audience, name: str, description: str) -> None:
        """Before name or description are changed."""
        asked = EditAsked(
            audience_id=audience.id,
            texts=(name, description),
            before=_texts(audience),
            for_list=self.evidence.decided_sha256 if self.evidence is not None else None,
        )
        self.write(replace(self.entry, edit_begun_at=self.now(), edit_asked=asked))

    def edited(self, shown: Audience) -> None:
        """After the texts of an audience were seen: where a change of them was asked for and made, its receipt."""
        asked = self.entry.edit_asked
        if asked is None:
            return
        settled = replace(self.entry, edit_asked=None)
        if asked.audience_id != shown.id or asked.texts != _texts(shown):
            if not self.is_ignored(shown, *asked.texts):
                self.write(settled)
            return
        content = {
            "audience_id": shown.id,
            "name": shown.name,
            "description": shown.description,
            "name_before": asked.before[0],
            "description_before": asked.before[1],
            "decision": self.evidence.decision if self.evidence is not None else None,
        }
        self.done(settled, ReceiptKind.RENAMED, content)

    def ignored(self, shown: Audience) -> None:
        """After Spotify took a change of texts and shows others all the same: remembered, so as not to ask again."""
        if self.entry.edit_asked is not None:
            asked = replace(self.entry.edit_asked, ignored=_texts(shown), for_list=None)
            self.write(replace(self.entry, edit_asked=asked))

    def is_ignored(self, shown: Audience, name: str, description: str) -> bool:
        """Whether these very texts were asked for without success, and Spotify shows what it showed then."""
        asked = self.entry.edit_asked
        known = (asked.audience_id, asked.texts, asked.ignored) if asked is not None else None
        return known == (shown.id, (name, description), _texts(shown))


def _texts(audience: Audience) -> tuple[str, str]:
    return audience.name, audience.description or ""


def flush_receipts(
    journal: Journal,
    receipts: ReceiptBook,
    audience: str,
    ad_account_id: str,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    wait: float = 0.0,
) -> tuple[Receipt, ...]:
    """Write the receipt of an audience that a run which ended early left due, if one is; without any call to Spotify.

    Raises:
        MirrorRefused: a run of the audience is under way, which writes it itself.
        HomeError, JournalError: the journal or the receipt cannot be read or written.
    """
    with journal.lease(audience, ad_account_id, wait=wait, sleep=sleep) as lease:
        wal = WriteAheadLog(journal, lease, receipts, audience=audience, ad_account_id=ad_account_id, clock=clock)
        wal.flush()
        return tuple(wal.written)
