"""The journal: what this project knows of each audience: its id at Spotify, its list, and what was left half done.

One row per audience and ad account. A line is made durable before each write to Spotify, so that a run after a crash
knows which write may have been carried out, looks for its outcome, and writes again only what was not. Counts, ids and
file digests only: no identifier, no URL, no token. The session of an upload under way is sealed in a column of its
own, as anybody who holds its URI may write to it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict

import sqlalchemy as sa
from pydantic import TypeAdapter

from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal.entry import JournalEntry
from spotify_pipeline.retries import AUDIENCE_HELD
from spotify_pipeline.spotify import OpenUpload, Secret, canonical_id
from spotify_pipeline.state import Fence, StateError, StateStore, place_of, tables

FORMAT = 4
_log = logging.getLogger("spotify_pipeline.mirror")
_table, _held = tables.audience, tables.held_audience


class JournalError(ExpectedError):
    """An entry of the journal cannot be read; the message says where it is and what to do."""


class Journal:
    """The entries of all audiences of one project."""

    def __init__(self, state: StateStore) -> None:
        self.state = state

    def known(self) -> list[tuple[str, str]]:
        """Ad account and key of all audiences that have an entry, readable or not."""
        with self.state.read() as transaction:
            found = transaction.execute(sa.select(_table.c.ad_account_id, _table.c.audience))
            return sorted((row[0], row[1]) for row in found)

    def lease(
        self, audience: str, ad_account_id: str, *, wait: float, sleep: Callable[[float], None]
    ) -> AbstractContextManager[Fence]:
        """Hold an audience against other runs, on any machine. What it gives is required with each line.

        Args:
            audience, ad_account_id: which.
            wait: seconds to wait for another run to end.
            sleep: called between looks.

        Raises:
            MirrorRefused: another run still holds it after that.
            StateError: the state cannot be used.
        """
        name = f"audience {ad_account_id}/{audience}"
        told: list[str] = []

        def waiting(seconds: float) -> None:
            if not told:
                told.append(self.state.holder(name) or "unknown")
                _log.info("Another run is mirroring %s (%s). Waiting for it to end.", audience, told[0])
            sleep(seconds)

        busy = MirrorRefused(
            f"Another run is mirroring {audience} right now. Nothing was sent by this one; run it again when the other "
            "has ended."
        )
        return self.state.lease(name, AUDIENCE_HELD, busy=busy, within=wait, sleep=waiting)

    def read(self, audience: str, ad_account_id: str) -> JournalEntry:
        """What is known of an audience; an empty entry when nothing is.

        Raises:
            JournalError: what is there is no journal entry, or one of another format. It is left as it is: what would
                be lost with it is for a person to weigh.
        """
        with self.state.read() as transaction:
            content = transaction.scalar(sa.select(_table.c.content).where(*_of(audience, ad_account_id)))
        if content is None:
            return JournalEntry(ad_account_id=ad_account_id)
        try:
            stored = json.loads(content)
            stated = stored.pop("format")
            if isinstance(stated, int) and stated != FORMAT:
                raise JournalError(
                    f"The entry of {audience} in the journal ({self.state.place}) was written by another version of "
                    f"this project (format {stated}; this one reads {FORMAT}). Nothing was sent. Run the version that "
                    "wrote it."
                )
            return _ENTRY.validate_python(stored)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise JournalError(
                f"The entry of {audience} in the journal ({self.state.place}) is damaged. Nothing was sent. Restore "
                "the newest backup of the state, or delete its row from the table audience: the audience is then found "
                "again by the key in its description, or by name and description, and its next list needs an "
                "approval. Lost with it: which list was sent last (an older one would be sent after it), whether the "
                "audience is suspect, and a creation under way (look in Ads Manager for an audience of this name "
                "first)."
            ) from None

    def put(self, transaction: sa.Connection, audience: str, entry: JournalEntry) -> None:
        """Make an entry what is known, and its audiences at Spotify this one's, once ``transaction`` ends.

        An upload's session goes with the entry that speaks of it. An audience at Spotify that is another entry's, in
        any ad account, is a conflict, which the transaction raises (C20).
        """
        key = {"ad_account_id": entry.ad_account_id, "audience": audience}
        values: dict[str, str | None] = {"content": json.dumps({"format": FORMAT, **asdict(entry)})}
        if not entry.keeps_session:
            values["session"] = None
        mine = _table.update().where(*_of(audience, entry.ad_account_id))
        if transaction.execute(mine.values(values)).rowcount == 0:
            transaction.execute(_table.insert().values({**key, **values}))
        transaction.execute(_held.delete().where(*_of(audience, entry.ad_account_id, _held)))
        for held in sorted({canonical_id(each) for each in entry.held_ids}):
            transaction.execute(_held.insert().values(spotify_id=held, **key))

    def holder(self, audience_id: str, ad_account_id: str, *, other_than: str) -> str | None:
        """The other audience of this project, if any, whose entry names ``audience_id`` as its own at Spotify.

        It may be in any ad account: an id is of one audience, wherever that is.
        """
        with self.state.read() as transaction:
            found = transaction.execute(sa.select(_held).where(_held.c.spotify_id == canonical_id(audience_id))).first()
        is_other = found is not None and (found.ad_account_id, found.audience) != (ad_account_id, other_than)
        return found.audience if found is not None and is_other else None

    def accounts(self, audience: str) -> list[str]:
        """The ad accounts in which Spotify accepted a list of an audience that was not retired since.

        Raises:
            JournalError: an entry cannot be read, so what is accepted there is not known.
        """
        entries = (self.read(audience, account) for account, key in self.known() if key == audience)
        return [each.ad_account_id for each in entries if each.snapshot is not None and each.retired_at is None]

    def session(self, audience: str, ad_account_id: str) -> OpenUpload | None:
        """The session of the upload under way; None where there is none.

        Raises:
            JournalError: it cannot be opened. That is no loss: the list is then sent from its beginning.
        """
        with self.state.read() as transaction:
            sealed = transaction.scalar(sa.select(_table.c.session).where(*_of(audience, ad_account_id)))
        if sealed is None:
            return None
        try:
            content = json.loads(self.state.open(sealed, place_of(_table.c.session, ad_account_id, audience)))
        except StateError:
            raise JournalError(
                f"The saved upload session of {audience} cannot be read. The list is then sent from its beginning; "
                "nothing is lost."
            ) from None
        uri = Secret(content.pop("uri"))
        return OpenUpload(uri=uri, **content)

    def sealed(self, audience: str, ad_account_id: str, opened: OpenUpload) -> bytes:
        """An open session as ``put_session`` takes it; made before the transaction, as it needs one of its own."""
        content = {**asdict(opened), "uri": opened.uri.reveal()}
        return self.state.seal(json.dumps(content).encode(), place_of(_table.c.session, ad_account_id, audience))

    def put_session(self, transaction: sa.Connection, audience: str, ad_account_id: str, sealed: bytes | None) -> None:
        """Keep the session of the upload under way, or forget it, once ``transaction`` ends."""
        transaction.execute(_table.update().where(*_of(audience, ad_account_id)).values(session=sealed))


def _of(audience: str, ad_account_id: str, table: sa.Table = _table) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.ad_account_id == ad_account_id, table.c.audience == audience


_ENTRY = TypeAdapter(JournalEntry)
