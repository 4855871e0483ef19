"""Stores the receipts of all audiences: one row for each change at Spotify, chained by digests, and never changed."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.journal import Journal, JournalEntry, JournalError
from spotify_pipeline.mirror.receipts.model import Receipt, ReceiptDamaged
from spotify_pipeline.mirror.receipts.verify import ChainReport, check_chain
from spotify_pipeline.mirror.spec import folder_of
from spotify_pipeline.state import StateStore, tables

_table = tables.receipt
_PAGE = 32
"""Receipts that are read at once where the newest few are enough, as a rule."""


class ReceiptBook:
    """The receipts of one project."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def known(self) -> list[tuple[str, str]]:
        """Ad account and key of all audiences that have receipts."""
        with self._state.read() as transaction:
            found = transaction.execute(sa.select(_table.c.ad_account_id, _table.c.audience).distinct())
            return sorted((row[0], row[1]) for row in found)

    def read(self, audience: str, ad_account_id: str) -> list[Receipt]:
        """The receipts of an audience that can be read, oldest first; ``verify`` says what is wrong with others."""
        return [*self.newest_first(audience, ad_account_id)][::-1]

    def newest_first(self, audience: str, ad_account_id: str) -> Iterator[Receipt]:
        """The receipts of an audience that can be read, the newest first, read as they are asked for."""
        before: int | None = None
        while page := self._newest(audience, ad_account_id, before=before, most=_PAGE):
            yield from (each for each in page.values() if isinstance(each, Receipt))
            before = min(page)

    def last(self, audience: str, ad_account_id: str) -> tuple[int, str] | None:
        """Number and digest of the newest receipt, also of one whose content is damaged; None where there is none."""
        newest = sa.select(_table.c.number, _table.c.digest).where(*_of(audience, ad_account_id))
        with self._state.read() as transaction:
            found = transaction.execute(newest.order_by(_table.c.number.desc()).limit(1)).first()
        return (found.number, found.digest) if found is not None else None

    def without_journal(self) -> list[str]:
        """Folder names of audiences that have receipts and whose entry in the journal is gone."""
        return sorted({folder_of(key) for _, key in {*self.known()}.difference(Journal(self._state).known())})

    def append(self, transaction: sa.Connection, receipt: Receipt) -> None:
        """Write a receipt, which is there for good once ``transaction`` ends.

        Another one under its number, or behind the same one, is a conflict, which the transaction raises.
        """
        transaction.execute(
            _table.insert().values(
                ad_account_id=receipt.ad_account_id,
                audience=receipt.audience,
                number=receipt.number,
                previous=receipt.previous,
                digest=receipt.digest,
                content=receipt.to_bytes(),
            )
        )

    def verify(self, folder: str | None = None) -> list[ChainReport]:
        """A report on each audience that has receipts, or should have; of those of one folder where one is named."""
        journal, known = Journal(self._state), {*self.known()}
        with_entry = {*journal.known()}
        entries = {
            key: _entry(journal, *key) if key in with_entry else None
            for key in sorted(known | with_entry)
            if folder in (None, folder_of(key[1]))
        }
        return [
            check_chain(audience, account, self._newest(audience, account), entry)
            for (account, audience), entry in entries.items()
            if (account, audience) in known or _should_have(entry)
        ]

    def _newest(
        self, audience: str, ad_account_id: str, *, before: int | None = None, most: int | None = None
    ) -> dict[int, Receipt | str]:
        """By number each receipt, or what is wrong with it, the newest first."""
        wanted = sa.select(_table).where(*_of(audience, ad_account_id)).order_by(_table.c.number.desc()).limit(most)
        if before is not None:
            wanted = wanted.where(_table.c.number < before)
        with self._state.read() as transaction:
            return {row.number: _stored(row) for row in transaction.execute(wanted)}


def _of(audience: str, ad_account_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _table.c.ad_account_id == ad_account_id, _table.c.audience == audience


def _stored(row: sa.Row[tuple[object, ...]]) -> Receipt | str:
    try:
        receipt = Receipt.from_bytes(row.content)
    except ReceiptDamaged as damage:
        return str(damage)
    if (receipt.digest, receipt.previous) != (row.digest, row.previous):
        return "is not the one that its row names"
    return receipt


def _entry(journal: Journal, ad_account_id: str, audience: str) -> JournalEntry | str:
    try:
        return journal.read(audience, ad_account_id)
    except (JournalError, HomeError) as error:
        return str(error)


def _should_have(entry: JournalEntry | str | None) -> bool:
    return isinstance(entry, str) or (entry is not None and entry.receipts > 0)
