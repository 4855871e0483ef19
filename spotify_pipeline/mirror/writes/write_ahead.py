"""The write-ahead log of one audience: each line is durable before the write to Spotify that it announces.

The line that says that a change at Spotify is done and the receipt of that change are one transaction. So whatever ends
a run, every change that the journal knows of has one receipt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import EditAsked, Journal, JournalEntry
from spotify_pipeline.mirror.receipts import RECEIPT_FORMAT, ListEvidence, Receipt, ReceiptBook, ReceiptKind, plain
from spotify_pipeline.mirror.spec import folder_of
from spotify_pipeline.printable import printable
from spotify_pipeline.spotify import Audience
from spotify_pipeline.state import Fence, StateConflict, StateError, StateOvertaken

Also = Callable[[sa.Connection], None]
"""Statements that belong into the same transaction as a line; the connection is that transaction."""
LANDS_WITHIN = timedelta(minutes=15)
"""So long after a creation was asked for without an answer it may still be carried out; later it is not."""

_log = logging.getLogger("spotify_pipeline.mirror")


class WriteAheadLog:
    """The entry of one audience, read when its lease was taken.

    Every method that writes returns once the line is durable, and raises instead if that cannot be had, so that the
    write to Spotify that was to follow is not made:

        HomeError: the state cannot be written.
        MirrorRefused: another run has taken the audience over, or its id at Spotify is another audience's.
    """

    def __init__(
        self,
        journal: Journal,
        fence: Fence,
        *,
        audience: str,
        ad_account_id: str,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._fence = fence
        self._receipts = ReceiptBook(journal.state)
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
        self._last = self._receipts.last(audience, ad_account_id) or (0, "")
        self._told = self._last
        if self._last[0] and self.entry == JournalEntry(ad_account_id=ad_account_id):
            # The entry was lost, and continues where the receipts end.
            self.entry = replace(self.entry, receipts=self._last[0], receipt_head=self._last[1])

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

    def now(self) -> str:
        """By this machine's clock: ISO 8601, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()

    def note(self, sentence: str, *, level: int = logging.INFO) -> None:
        """Note what was found left half done, and log it."""
        self._notes.append(sentence)
        _log.log(level, "%s: %s", self._audience, printable(sentence))

    def write(self, entry: JournalEntry, *also: Also) -> None:
        """Make ``entry`` what is known, and do what belongs to it in the same transaction.

        Raises:
            MirrorRefused: also where it names an audience at Spotify that another entry names (C20).
        """
        try:
            with self._journal.state.writing(self._fence) as transaction:
                self._journal.put(transaction, self._audience, entry)
                for each in also:
                    each(transaction)
        except StateOvertaken:
            raise self._overtaken() from None
        except StateConflict:
            self.refuse_held(*entry.held_ids)
            raise
        self.entry = entry

    def announce(self, entry: JournalEntry) -> None:
        """Make ``entry`` what is known, before the write to Spotify that it names."""
        self.write(entry)

    def refuse_overtaken(self) -> None:
        """Return unless another run has taken the audience over, as far as that can be known now.

        Raises:
            MirrorRefused: one has.
        """
        with suppress(StateError):  # each line asks again
            if not self._journal.state.holds(self._fence):
                raise self._overtaken()

    def _overtaken(self) -> MirrorRefused:
        return MirrorRefused(
            f"Another run has taken {self._audience} over since this one began. This run stopped and writes nothing "
            "more. Run it again when the other has ended."
        )

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

    def done(self, entry: JournalEntry, kind: ReceiptKind, content: Mapping[str, Any], *also: Also) -> None:
        """A change at Spotify is done: make ``entry`` what is known, and write its receipt, in one transaction."""
        traces = list(self.trace_ids())
        receipt = self._receipt(entry, kind, content, traces[self._traces_told :])
        counted = replace(entry, receipts=receipt.number, receipt_head=receipt.digest)
        self.write(counted, partial(self._receipts.append, receipt=receipt), *also)
        self._last, self._traces_told = (receipt.number, receipt.digest), len(traces)
        self.written.append(receipt)

    def continue_behind(self, told: tuple[int, str] | None) -> None:
        """Number and digest of the newest receipt that anything knows: the next one is numbered behind it."""
        self._told = told or self._told

    def _receipt(
        self, entry: JournalEntry, kind: ReceiptKind, content: Mapping[str, Any], traces: Sequence[str]
    ) -> Receipt:
        number, head = max((entry.receipts, entry.receipt_head or ""), self._last, key=lambda each: each[0])
        # Of an older state it goes on behind what else is known, and the receipt says so.
        is_older = self._told[0] > number
        body = {
            "recovered": self.notes,
            **content,
            "format": RECEIPT_FORMAT,
            "number": max(number, self._told[0]) + 1,
            "previous": head,
            **({"continues_behind": [*self._told]} if is_older else {}),
            "kind": str(kind),
            "audience": self._audience,
            "ad_account_id": self._ad_account_id,
            "sp_trace_ids": [*traces],
            "at": self.now(),
        }
        return Receipt(body=plain(body))

    def editing(self, audience: Audience, name: str, description: str) -> None:
        """Before name or description are changed."""
        asked = EditAsked(
            audience_id=audience.id,
            texts=(name, description),
            before=_texts(audience),
            for_list=self.evidence.decided_sha256 if self.evidence is not None else None,
        )
        self.announce(replace(self.entry, edit_begun_at=self.now(), edit_asked=asked))

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
