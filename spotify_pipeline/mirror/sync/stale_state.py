"""Detects that this machine's directory is older than what was sent, by receipts and a checkpoint elsewhere.

A directory, or a file of it, that was put back from a backup looks right by itself. So it is held against what else
remembers: the receipts beside the journal, and a checkpoint elsewhere, such as the storage of whatever runs this. A
checkpoint that knows nothing proves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from spotify_pipeline.mirror.guards import Decision, outdated
from spotify_pipeline.mirror.journal import Journal, JournalEntry
from spotify_pipeline.mirror.receipts import Receipt, ReceiptBook
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.spotify import Audience

MATCHED_WITHIN = timedelta(days=3)
"""Spotify matches a list for so long, and changes its audience by itself meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What somebody else noted of one ad account when audiences were sent.

    Attributes:
        name: who that is, for sentences.
        receipts: by an audience's key in the journal, number and digest of the newest receipt that it knows.
        newest_erasure: the id of the newest request to be forgotten that it knows of; None for none.
    """

    name: str
    receipts: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    newest_erasure: str | None = None


@dataclass(frozen=True, kw_only=True)
class StaleStateCheck:
    """All that remembers what was sent in one ad account.

    Attributes:
        journal: of this project.
        ad_account_id: which.
        ledger: of those who asked to be forgotten; None where it is not to be looked at.
        checkpoint: elsewhere; None where there is none to ask.
    """

    journal: Journal
    ad_account_id: str
    ledger: ErasureLedger | None = None
    checkpoint: Checkpoint | None = None

    @property
    def receipts(self) -> ReceiptBook:
        """Of the same state."""
        return ReceiptBook(self.journal.state)

    def newest_number(self, audience: str) -> tuple[int, str] | None:
        """Number and digest of the newest receipt that anything but the journal knows of an audience; None for none."""
        last = self.receipts.last(audience, self.ad_account_id)
        told = self.checkpoint.receipts.get(audience) if self.checkpoint is not None else None
        return max((each for each in (last, told) if each is not None), key=lambda each: each[0], default=None)

    def doubts(self, audiences: Collection[str]) -> list[str]:
        """Why what this machine knows of these audiences is older than what was sent, as parts of a sentence.

        Raises:
            JournalError, LedgerError, HomeError: what is there cannot be read.
        """
        found: list[str] = []
        for audience in audiences:
            entry = self.journal.read(audience, self.ad_account_id)
            found += self._of_receipts(audience, entry) or self._of_checkpoint(audience, entry)
        return found + self._of_ledger(audiences)

    def judged(self, decision: Decision, audiences: Collection[str]) -> Decision:
        """The decision, which holds the list back where what it was made from is older than what was sent."""
        found = self.doubts(audiences)
        return outdated(decision, found) if found else decision

    def unproven(self, entry: JournalEntry, audience: str, shown: Audience) -> str | None:
        """What Spotify says of an audience that the journal knows and the checkpoint does not, to compare; else None.

        It is only a warning: Spotify changes an audience by itself, too.
        """
        if self.checkpoint is None or entry.snapshot is None or audience in self.checkpoint.receipts:
            return None
        said = [*_changed_since(entry, shown), *self._larger_than_sent(audience, shown)]
        return (
            f"{self.checkpoint.name} knows of no receipt of {audience}, so it does not prove that this machine's "
            f"directory is in its newest state. {' '.join(said) or 'What Spotify says does not contradict it.'}"
        )

    def _of_receipts(self, audience: str, entry: JournalEntry) -> list[str]:
        last = self.receipts.last(audience, self.ad_account_id)
        if last is None or entry == JournalEntry(ad_account_id=self.ad_account_id):
            return []  # a journal that is lost altogether: nothing that is found at Spotify is replaced then
        number, digest = last
        if number > entry.receipts:
            return [f"the journal of {audience} knows {entry.receipts:,} receipts, and there is receipt {number:,}"]
        if number == entry.receipts and digest != entry.receipt_head:
            return [f"receipt {number:,} of {audience} is another one than the journal names"]
        return []

    def _of_checkpoint(self, audience: str, entry: JournalEntry) -> list[str]:
        told = self.checkpoint.receipts.get(audience) if self.checkpoint is not None else None
        if self.checkpoint is None or told is None:
            return []
        number, digest = told
        if number > entry.receipts:
            known = f"the journal {entry.receipts:,} receipts"
            return [f"{self.checkpoint.name} knows receipt {number:,} of {audience}, and {known}"]
        if number == entry.receipts and digest != entry.receipt_head:
            return [f"receipt {number:,} of {audience} is another one than {self.checkpoint.name} knows"]
        return []

    def _of_ledger(self, audiences: Collection[str]) -> list[str]:
        if self.ledger is None:
            return []
        told = {
            self.checkpoint.newest_erasure if self.checkpoint is not None else None: "",
            **{_newest_erasure(self.receipts.read(each, self.ad_account_id)): "" for each in audiences},
        }
        known = self.ledger.known([each for each in told if each is not None])
        return [
            f"the ledger of erasures lacks {each}, which was in it when a list was sent, so people who asked to be "
            "forgotten would be sent again"
            for each in told
            if each is not None and each not in known
        ]

    def _larger_than_sent(self, audience: str, shown: Audience) -> list[str]:
        rows = [each.rows for each in self.receipts.read(audience, self.ad_account_id) if each.rows is not None]
        if not rows or shown.size_min is None or shown.size_min <= rows[-1]:
            return []
        matched = f"Spotify says that at least {shown.size_min:,} people of it matched"
        known = f"the newest list that is known here has {rows[-1]:,} rows"
        return [f"{matched}, and {known}: a larger one was sent. Look for a newer copy of this directory."]


def _newest_erasure(receipts: Sequence[Receipt]) -> str | None:
    """What the newest receipt that says anything of it says was the newest request to be forgotten."""
    for receipt in reversed(receipts):
        evidence = cast("dict[str, Any]", receipt.body.get("evidence") or {})
        newest = cast("dict[str, Any]", evidence.get("erasures") or {}).get("newest")
        if newest is not None:
            return str(newest)
    return None


def _changed_since(entry: JournalEntry, shown: Audience) -> list[str]:
    if entry.accepted_at is None or shown.updated_at is None:
        return []
    accepted = datetime.fromisoformat(entry.accepted_at)
    if shown.updated_at <= accepted + MATCHED_WITHIN:
        return []
    changed = f"Spotify changed it last at {shown.updated_at:%Y-%m-%d %H:%M}"
    known = f"the newest list that is known here was accepted at {accepted:%Y-%m-%d %H:%M}"
    advice = "Look for a newer copy of this directory; an edit in Ads Manager explains it as well."
    return [f"{changed}, and {known}: a newer one may have been sent since. {advice}"]
