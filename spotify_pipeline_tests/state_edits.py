"""What somebody who can write to the database may do to it, past the project; and what tests put there."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa

from spotify_pipeline.mirror import Journal, JournalEntry, Receipt, ReceiptBook
from spotify_pipeline.state import StateStore, tables

_audience = tables.audience


def keep(journal: Journal, audience: str, entry: JournalEntry) -> None:
    """Put an entry into the journal."""
    with journal.state.begin() as transaction:
        journal.put(transaction, audience, entry)


def add(state: StateStore, *receipts: Receipt) -> None:
    """Put receipts into the book."""
    with state.begin() as transaction:
        for receipt in receipts:
            ReceiptBook(state).append(transaction, receipt)


def lose(journal: Journal, audience: str, ad_account_id: str | None = None) -> None:
    """Delete an audience's entries; with an ad account, the one there."""
    there = () if ad_account_id is None else (_audience.c.ad_account_id == ad_account_id,)
    with journal.state.begin() as transaction:
        transaction.execute(_audience.delete().where(_audience.c.audience == audience, *there))


def damage(journal: Journal, audience: str, ad_account_id: str, content: str = "{") -> None:
    """Write something else than an entry into its place."""
    if (ad_account_id, audience) not in journal.known():
        keep(journal, audience, JournalEntry(ad_account_id=ad_account_id))
    mine = _audience.update().where(_audience.c.ad_account_id == ad_account_id, _audience.c.audience == audience)
    with journal.state.begin() as transaction:
        transaction.execute(mine.values(content=content))


def stored(journal: Journal, audience: str, ad_account_id: str) -> str | None:
    """What is written in an entry's place; None for nothing."""
    mine = sa.select(_audience.c.content).where(
        _audience.c.ad_account_id == ad_account_id, _audience.c.audience == audience
    )
    with journal.state.read() as transaction:
        return transaction.scalar(mine)


def overtake(state: StateStore) -> None:
    """Take every lease, as another machine does once the database has ended the sessions of this one."""
    with state.begin() as transaction:
        transaction.execute(tables.lease.update().values(fence=tables.lease.c.fence + 1))


@contextmanager
def tampering(state: StateStore) -> Generator[sa.Connection]:
    """A transaction that may change and remove receipts: whoever owns the tables can take their triggers away."""
    with state.begin() as transaction:
        if transaction.dialect.name == "sqlite":
            triggers = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'receipt'")
            for name in [*transaction.execute(triggers).scalars()]:
                transaction.execute(sa.text(f"DROP TRIGGER {name}"))
        else:
            transaction.execute(sa.text("ALTER TABLE receipt DISABLE TRIGGER USER"))
        yield transaction
