"""Opens the outbox of a feed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import sqlalchemy as sa

from spotify_pipeline.conversions.outbox.bodies import Bodies
from spotify_pipeline.conversions.outbox.database import Database
from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox, OutboxBusy, OutboxError, OutboxMissing
from spotify_pipeline.conversions.outbox.stored import StoredOutbox
from spotify_pipeline.conversions.outbox.views import OutboxViews
from spotify_pipeline.retries import OUTBOX_HELD
from spotify_pipeline.state import Fence, StateError, StateStore, tables

_FEED = re.compile(r"[a-z0-9_]{1,63}", re.ASCII)


def kept_outboxes(state: StateStore) -> list[str]:
    """The feeds that have an outbox, in alphabetical order.

    Raises:
        StateError: the state cannot be read.
    """
    with state.read() as transaction:
        return list(transaction.scalars(sa.select(tables.feed.c.name).order_by(tables.feed.c.name)))


@contextmanager
def open_outbox(
    feed: str,
    state: StateStore,
    *,
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE,
    wait: float = OUTBOX_HELD.within,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[Outbox]:
    """The outbox of a feed, which nobody else holds within the block. It is made where it is missing.

    Args:
        feed: its name.
        state: of the project.
        guarantee: what is done with events that a run left on their way: it died, or raised while it sent them.
        wait: seconds to wait for another run of this feed to end.
        sleep: called between looks.
        clock: gives the time, with its zone.

    Raises:
        OutboxBusy: another run still holds it after that.
        OutboxError: that is no name of a feed, or what the outbox holds cannot be used.
        StateError: the state cannot be used, or its key is missing.
    """
    if not _FEED.fullmatch(feed):
        raise OutboxError(f"Invalid feed name {feed!r}: use 1 to 63 characters of a-z, 0-9 and _.")
    state.require_key()
    busy = OutboxBusy(feed, wait)
    with state.lease(f"feed {feed}", OUTBOX_HELD, busy=busy, within=wait, sleep=sleep) as fence:
        number = _made(feed, state, fence)
        database = Database(state, fence)
        bodies = Bodies(state, database, feed=number)
        outbox = StoredOutbox(database, bodies, feed=number, name=feed, guarantee=guarantee, now=clock())
        try:
            yield outbox
        except BaseException:
            # The next run puts right what this cannot; what went wrong first is what a person must read.
            with suppress(OutboxError, StateError):
                outbox.let_go(clock())
            raise
        outbox.let_go(clock())


@contextmanager
def view_outbox(feed: str, state: StateStore) -> Generator[OutboxViews]:
    """The outbox of a feed, to look at only, as it is when the block begins. No run waits for it.

    Raises:
        OutboxMissing: no day of the feed was ever read.
        StateError: the state cannot be read.
    """
    with state.read() as transaction:
        number = _known(feed, transaction)
        if number is None:
            raise OutboxMissing(f"The feed {feed} has no outbox yet: materialize one of its days first.")
        database = Database(state, within=transaction)
        yield OutboxViews(database, Bodies(state, database, feed=number), feed=number, name=feed)


def _known(feed: str, transaction: sa.Connection) -> int | None:
    return transaction.scalar(sa.select(tables.feed.c.feed).where(tables.feed.c.name == feed))


def _made(feed: str, state: StateStore, fence: Fence) -> int:
    with state.writing(fence) as transaction:
        number = _known(feed, transaction)
        if number is None:
            added = tables.feed.insert().values(name=feed, guarantee=Guarantee.AT_LEAST_ONCE.value)
            number = int(transaction.execute(added.returning(tables.feed.c.feed)).scalar_one())
    return number
