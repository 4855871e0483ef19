"""Opens the outbox of a feed: a file of this machine, or a PostgreSQL that several machines share."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from spotify_pipeline.conversions.outbox.body_files import BodyFiles
from spotify_pipeline.conversions.outbox.duckdb import DuckDBDatabase
from spotify_pipeline.conversions.outbox.model import Guarantee, Outbox, OutboxBusy, OutboxError, OutboxMissing
from spotify_pipeline.conversions.outbox.store import Bodies, Database
from spotify_pipeline.conversions.outbox.stored import StoredOutbox
from spotify_pipeline.conversions.outbox.views import OutboxViews
from spotify_pipeline.locks import exclusive
from spotify_pipeline.retries import OUTBOX_HELD, OUTBOX_LOOK
from spotify_pipeline.spotify import Secret

_FEED = re.compile(r"[a-z0-9_]{1,63}", re.ASCII)


def outbox_file(feed: str, home: Path) -> Path:
    """Where the outbox of a feed is kept, unless in PostgreSQL.

    Raises:
        OutboxError: that is no name of a feed.
    """
    if not _FEED.fullmatch(feed):
        raise OutboxError(f"Invalid feed name {feed!r}: use 1 to 63 characters of a-z, 0-9 and _.")
    return home / "outbox" / f"{feed}.duckdb"


def kept_outboxes(*, home: Path, url: Secret | None = None) -> list[str]:
    """The feeds that have an outbox, in alphabetical order; ``home`` and ``url`` as of ``open_outbox``.

    Raises:
        OutboxError: the PostgreSQL cannot be asked.
    """
    if url is not None:
        from spotify_pipeline.conversions.outbox.postgres import feeds_in

        return feeds_in(url)
    folder = outbox_file("any", home).parent
    files = folder.glob("[!.]*.duckdb") if folder.is_dir() else ()
    return sorted(file.stem for file in files if _FEED.fullmatch(file.stem))


@contextmanager
def open_outbox(
    feed: str,
    *,
    home: Path,
    url: Secret | None = None,
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE,
    wait: float = OUTBOX_HELD.within,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[Outbox]:
    """The outbox of a feed, which nobody else holds within the block. It is made where it is missing.

    Args:
        feed: its name.
        home: the project's own directory.
        url: of a PostgreSQL; None for a file below ``home``.
        guarantee: what is done with events that a run left on their way: it died, or raised while it sent them.
        wait: seconds to wait for another run of this feed to end.
        sleep: called between looks.
        clock: gives the time, with its zone.

    Raises:
        OutboxBusy: another run still holds it after that.
        OutboxError: it cannot be used.
        HomeError: a file cannot be made.
    """
    file = outbox_file(feed, home)
    with _held_store(feed, file, url, wait, sleep) as (database, bodies, number):
        outbox = StoredOutbox(database, bodies, feed=number, name=feed, guarantee=guarantee, now=clock())
        try:
            yield outbox
        except BaseException:
            # The next run puts right what this cannot; what went wrong first is what a person must read.
            with suppress(OutboxError):
                outbox.let_go(clock())
            raise
        outbox.let_go(clock())


@contextmanager
def view_outbox(
    feed: str,
    *,
    home: Path,
    url: Secret | None = None,
    wait: float = OUTBOX_LOOK.within,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[OutboxViews]:
    """The outbox of a feed, to look at only. Be quick: in a file, a run of the feed waits until the block ends.

    Raises:
        OutboxMissing: no day of the feed was ever read.
        OutboxBusy: it is a file, and a run still holds it after ``wait`` seconds.
        OutboxError: it cannot be used.
    """
    file = outbox_file(feed, home)
    if url is not None:
        from spotify_pipeline.conversions.outbox.postgres import PostgresBodies, PostgresDatabase

        database = PostgresDatabase(url, name=feed, read_only=True)
        try:
            yield OutboxViews(database, PostgresBodies(database), feed=database.feed, name=feed)
        finally:
            database.close()
        return
    if not file.exists():
        raise OutboxMissing(f"The feed {feed} has no outbox yet ({file}): materialize one of its days first.")
    with _held(file, feed, wait, sleep):
        kept = DuckDBDatabase(file, name=feed, read_only=True)
        try:
            yield OutboxViews(kept, _body_files(file, kept.feed), feed=kept.feed, name=feed)
        finally:
            kept.close()


@contextmanager
def _held_store(
    feed: str, file: Path, url: Secret | None, wait: float, sleep: Callable[[float], None]
) -> Generator[tuple[Database, Bodies, int]]:
    if url is not None:
        from spotify_pipeline.conversions.outbox.postgres import PostgresBodies, PostgresDatabase

        shared = PostgresDatabase(url, name=feed)
        try:
            shared.hold(wait=wait, sleep=sleep)
            yield shared, PostgresBodies(shared), shared.feed
        finally:
            shared.close()
        return
    with _held(file, feed, wait, sleep):
        own = DuckDBDatabase(file, name=feed)
        try:
            yield own, _body_files(file, own.feed), own.feed
        finally:
            own.close()


def _body_files(file: Path, feed: int) -> BodyFiles:
    return BodyFiles(file.with_suffix(".bodies"), feed=feed)


def _held(file: Path, feed: str, wait: float, sleep: Callable[[float], None]) -> AbstractContextManager[int]:
    lock = file.with_suffix(".lock")
    return exclusive(lock, OUTBOX_HELD, busy=OutboxBusy(feed, wait), within=wait, sleep=sleep)
