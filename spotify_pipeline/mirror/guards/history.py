"""Compares a list with those that Spotify has or had, as far as this machine keeps them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from spotify_pipeline.customer_list import ComparedList, CustomerListError, SentVersion, SnapshotStore
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.guards.facts import History, PreviousList, SentLately, Twin
from spotify_pipeline.mirror.journal import Journal, JournalEntry, JournalError
from spotify_pipeline.mirror.receipts import AcceptedList, ReceiptBook, accepted_lately
from spotify_pipeline.rows import DigestSet

ALIKE = 0.5
"""Lists that share this much are probably of one audience."""


@dataclass(frozen=True, kw_only=True)
class SentHistory:
    """Of one audience in one ad account.

    Attributes:
        store: of lists.
        journal: of this project.
        audience: the audience's folder name.
        ad_account_id: where it is sent.
        erased: digests of those who asked to be forgotten.
        confirmed: of those of them whose erasure was confirmed.
    """

    store: SnapshotStore
    journal: Journal
    audience: str
    ad_account_id: str
    erased: DigestSet = field(default_factory=DigestSet.of)
    confirmed: DigestSet = field(default_factory=DigestSet.of)

    def list_before(
        self, customer_list: ComparedList, entry: JournalEntry
    ) -> tuple[History, str | None, PreviousList | None]:
        """What is known of the list that Spotify has, what is wrong with it, and how it differs from this one."""
        asked_for = entry.in_creation
        if entry.audience_id is None and entry.snapshot is None and asked_for is None:
            return History.FIRST, None, None
        sha256, snapshot = _live(entry), entry.snapshot
        if sha256 is None and asked_for is not None and asked_for.list is not None:
            # Its audience may be there by now. A list that follows at once is no first one.
            sha256, snapshot = asked_for.list.whole_sha256 or asked_for.list.file_sha256, asked_for.list.snapshot
        if sha256 is None:
            return History.MISSING, "the journal does not say which list that is", None
        named = f"that list ({snapshot}, digest {sha256[:12]})"
        try:
            sent = self.store.find_sent(self.audience, sha256)
            if sent is None:
                return History.MISSING, f"{named} is no longer kept here", None
            return History.KNOWN, None, self._compared(sent, customer_list)
        except CustomerListError:
            return History.MISSING, f"{named} is kept here and cannot be read", None

    def twin(self, customer_list: ComparedList, previous: PreviousList | None) -> Twin | None:
        """The other audience whose list this one is most like, if it is hardly like its own before.

        What cannot be read of another audience is passed over: it stops that one, not this.
        """
        own = _likeness(previous) if previous is not None else 1.0
        if own >= ALIKE:
            return None
        twins: list[Twin] = []
        for other in self.store.audiences():
            with suppress(CustomerListError, HomeError, JournalError):
                sha256 = _live(self.journal.read(other, self.ad_account_id)) if other != self.audience else None
                live = self.store.find_sent(other, sha256) if sha256 is not None else None
                if live is not None:
                    likeness = customer_list.overlap_with(live).likeness
                    twins.append(Twin(audience=other, likeness=likeness, own_likeness=own))
        alike = [each for each in twins if each.likeness >= ALIKE]
        return max(alike, key=lambda each: each.likeness, default=None)

    def other_accounts(self, entry: JournalEntry) -> tuple[str, ...]:
        """Ad accounts to which the audience was sent, where it never was to this one."""
        if _live(entry) is not None:
            return ()
        return tuple(each for each in self.journal.accounts(self.audience) if each != self.ad_account_id)

    def rows_of_erased(self, customer_list: ComparedList) -> int:
        """Rows of the list that hold a digest of somebody who asked to be forgotten."""
        return customer_list.rows_holding(self.erased)

    def lately(self, customer_list: ComparedList, entry: JournalEntry, since: datetime) -> tuple[SentLately, ...]:
        """The largest and the oldest list that Spotify had since then, but for the one it has.

        Of equally large ones the oldest counts. One that is not kept, or damaged, is compared by its rows alone, and so
        the oldest that can be read is compared with, too.
        """
        receipts = ReceiptBook(self.journal.state)
        sent: list[tuple[AcceptedList, SentVersion | None, int]] = []
        for each in accepted_lately(receipts, self.audience, self.ad_account_id, since):
            kept = self.store.find_sent(self.audience, each.sha256) if each.sha256 != _live(entry) else None
            rows = kept.manifest.list_rows if kept is not None else each.rows
            if each.sha256 != _live(entry) and rows is not None:
                sent.append((each, kept, rows))
        if not sent:
            return ()
        largest = max(reversed(sent), key=lambda each: each[2])
        oldest, *newer = reversed(sent)
        compared = [
            SentLately(at=accepted.at, rows_sent=rows, change=self._change_since(kept, customer_list))
            for accepted, kept, rows in ([largest, oldest] if largest is not oldest else [oldest])
        ]
        for accepted, kept, rows in newer if compared[-1].change is None else []:
            change = self._change_since(kept, customer_list)
            if change is not None:
                return (*compared, SentLately(at=accepted.at, rows_sent=rows, change=change))
        return tuple(compared)

    def once(self, customer_list: ComparedList, accepted: AcceptedList) -> SentLately:
        """A list that Spotify had once, compared with this one."""
        kept = self.store.find_sent(self.audience, accepted.sha256)
        rows = kept.manifest.list_rows if kept is not None else accepted.rows or 0
        return SentLately(at=accepted.at, rows_sent=rows, change=self._change_since(kept, customer_list))

    def _change_since(self, kept: SentVersion | None, customer_list: ComparedList) -> PreviousList | None:
        with suppress(CustomerListError):
            return self._compared(kept, customer_list) if kept is not None else None
        return None

    def _compared(self, sent: SentVersion, customer_list: ComparedList) -> PreviousList:
        """How the list differs from one that was sent.

        Raises:
            CustomerListError: the one that was sent is damaged, so nothing can be held against it.
        """
        change = customer_list.change_since(sent, erased=self.erased, confirmed=self.confirmed)
        return PreviousList(manifest=sent.manifest, **vars(change))


def _live(entry: JournalEntry) -> str | None:
    """The digest of the list that Spotify has; of the whole, where it has a part."""
    return entry.whole_sha256 or entry.file_sha256


def _likeness(previous: PreviousList) -> float:
    """Rows in both lists as a share of those in either; 1 for two empty lists."""
    either = previous.staying + previous.added + previous.removed
    return previous.staying / either if either else 1.0
