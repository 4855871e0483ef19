"""Keeps what this machine knows of each audience: its id at Spotify, its list, and what was left half done.

One small JSON file per audience and ad account. A line is made durable before each write to Spotify, so that a run
after a crash knows which write may have been carried out, looks for its outcome, and writes again only what was not.
Counts, ids and file digests only: no identifier, no URL, no token. The session of an upload under way is in a
file of its own (:mod:`spotify_pipeline.mirror.journal.upload_session`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from spotify_pipeline.home import HomeError, atomic_private_file
from spotify_pipeline.locks import exclusive
from spotify_pipeline.mirror.journal.entry import JournalEntry
from spotify_pipeline.mirror.journal.lease import Lease, leased
from spotify_pipeline.spotify import same_id

FORMAT = 3


class JournalError(Exception):
    """The journal cannot be read; the message says where it is and what to do."""


class Journal:
    """The entries of all audiences, below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def in_home(cls, home: Path) -> Journal:
        """That of the project's own directory."""
        return cls(home / "journal")

    @property
    def directory(self) -> Path:
        """Where the entries are: a directory per ad account."""
        return self._directory

    def known(self) -> list[tuple[str, str]]:
        """Ad account and key of all audiences that have an entry, readable or not."""
        files = (file for file in self._directory.glob("*/*.json") if not file.name.startswith("."))
        return sorted((file.parent.name, file.stem) for file in files)

    def lease(
        self, audience: str, ad_account_id: str, *, wait: float, sleep: Callable[[float], None]
    ) -> AbstractContextManager[Lease]:
        """Hold an audience against other runs; see :func:`spotify_pipeline.mirror.journal.lease.leased`."""
        return leased(self._file(audience, ad_account_id, ".lock"), audience, wait=wait, sleep=sleep)

    def read(self, audience: str, ad_account_id: str) -> JournalEntry:
        """What is known of an audience; an empty entry when nothing is.

        Raises:
            JournalError: the file is there but is not a journal entry, or one of another format. It is left as it
                is: what would be lost with it is for a person to weigh.
        """
        file = self._file(audience, ad_account_id, ".json")
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return JournalEntry(ad_account_id=ad_account_id)
        except OSError as error:
            raise HomeError(f"The journal of {audience} ({file}) cannot be read: {error.strerror}.") from None
        try:
            stored = json.loads(text)
            stated = stored.pop("format")
            if isinstance(stated, int) and stated != FORMAT:
                raise JournalError(
                    f"The journal of {audience} ({file}) was written by another version of this project (format "
                    f"{stated}; this one reads {FORMAT}). Nothing was sent. Run the version that wrote it."
                )
            return _ENTRY.validate_python(stored)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise JournalError(
                f"The journal of {audience} ({file}) is damaged. Nothing was sent. Restore it from a backup, or move "
                "it away: the audience is then found again by the key in its description, or by name and description, "
                "and its next list needs an approval. Lost with it: which list was sent last (an older one would be "
                "sent after it), whether the audience is suspect, and a creation under way (look in Ads Manager for an "
                "audience of this name first)."
            ) from None

    def write(self, audience: str, entry: JournalEntry) -> None:
        """Make an entry durable: when this returns, it survives a crash.

        Raises:
            HomeError: it cannot be written.
        """
        with atomic_private_file(self._file(audience, entry.ad_account_id, ".json")) as file:
            file.write(json.dumps({"format": FORMAT, **asdict(entry)}, indent=1).encode())

    def file(self, audience: str, ad_account_id: str) -> Path:
        """Where the entry of an audience is kept, for sentences that name it."""
        return self._file(audience, ad_account_id, ".json")

    def holder(self, audience_id: str, ad_account_id: str, *, other_than: str) -> str | None:
        """The other audience of this project, if any, whose entry names ``audience_id`` as its own at Spotify.

        It may be in any ad account: an id is of one audience, wherever that is. Entries that cannot be read are passed
        over: they stop their own audience, not this one.
        """
        for account, audience in self.known():
            if (account, audience) == (ad_account_id, other_than):
                continue
            with suppress(JournalError, HomeError):
                if any(same_id(audience_id, each) for each in self.read(audience, account).held_ids):
                    return audience
        return None

    def taking(self) -> AbstractContextManager[int]:
        """Lock out every other run that is about to name an audience at Spotify as its own, in this process or another.

        Raises:
            HomeError: the lock file cannot be used.
        """
        return exclusive(self._directory / ".taking.lock")

    def accounts(self, audience: str) -> list[str]:
        """The ad accounts in which Spotify accepted a list of an audience that was not retired since.

        Raises:
            JournalError: an entry cannot be read, so what is accepted there is not known.
        """
        entries = (self.read(audience, account) for account, key in self.known() if key == audience)
        return [each.ad_account_id for each in entries if each.snapshot is not None and each.retired_at is None]

    def session_file(self, audience: str, ad_account_id: str) -> Path:
        """Where the session of an audience's upload under way is kept."""
        return self._file(audience, ad_account_id, ".session")

    def _file(self, audience: str, ad_account_id: str, suffix: str) -> Path:
        return self._directory / ad_account_id / f"{audience}{suffix}"


_ENTRY = TypeAdapter(JournalEntry)
