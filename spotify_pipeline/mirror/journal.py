"""What this machine knows of each audience: which one at Spotify is ours, and what was last sent to it.

One small JSON file per audience and ad account. A line is made durable before each write to Spotify that a crash
could leave half known, so that the next run finds out what became of it instead of writing again. Counts, ids and
file digests only: no identifier, no URL, no token.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from spotify_pipeline.home import atomic_private_file, private_directory
from spotify_pipeline.mirror.refusal import MirrorRefused

FORMAT = 1


class JournalError(Exception):
    """The journal cannot be read; the message says where it is and what to do."""


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """The state of one audience in one ad account."""

    ad_account_id: str
    audience_id: str | None = None
    """The audience at Spotify that is ours, once there is one."""
    pending_audience_id: str | None = None
    """The id of a new audience whose list is uploaded and whose creation was begun, until its outcome is known."""
    snapshot: str | None = None
    """The partition last accepted by Spotify."""
    built_at: str | None = None
    """When that list was built, ISO 8601 in UTC. Keys of two cadences do not sort by time; this does."""
    fingerprint: str | None = None
    """The membership fingerprint of that list."""
    file_sha256: str | None = None
    """The SHA-256 of the file of that list."""


class Journal:
    """The entries of all audiences, below one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def exclusive(self, audience: str, ad_account_id: str) -> Generator[None]:
        """Hold an audience against other runs on this machine. A killed process lets go at once.

        Raises:
            MirrorRefused: another run is mirroring the audience right now.
        """
        lock = self._file(audience, ad_account_id).with_suffix(".lock")
        private_directory(lock.parent)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MirrorRefused(
                    f"Another run is mirroring {audience} right now. Nothing was sent by this one; run it again when "
                    "the other has ended."
                ) from None
            yield
        finally:
            os.close(descriptor)

    def read(self, audience: str, ad_account_id: str) -> JournalEntry:
        """What is known of an audience; an empty entry when nothing is.

        Raises:
            JournalError: the file is there but is not a journal entry. It is left as it is: without it the audience
                is looked up at Spotify, so it must be removed by a person, not overwritten.
        """
        file = self._file(audience, ad_account_id)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return JournalEntry(ad_account_id=ad_account_id)
        try:
            stored = json.loads(text)
            if stored.pop("format") != FORMAT:
                raise ValueError
            return JournalEntry(**stored)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise JournalError(
                f"The journal of {audience} ({file}) is damaged. Move it away: the audience is then found again at "
                "Spotify by its id, its key or its name."
            ) from None

    def write(self, audience: str, entry: JournalEntry) -> None:
        """Make an entry durable: when this returns, it survives a crash.

        Raises:
            HomeError: it cannot be written.
        """
        with atomic_private_file(self._file(audience, entry.ad_account_id)) as file:
            file.write(json.dumps({"format": FORMAT, **asdict(entry)}, indent=1).encode())

    def update(self, audience: str, entry: JournalEntry, **changes: str | None) -> JournalEntry:
        """Write ``entry`` with some fields changed, and return it."""
        changed = replace(entry, **changes)
        self.write(audience, changed)
        return changed

    def _file(self, audience: str, ad_account_id: str) -> Path:
        return self._directory / ad_account_id / f"{audience}.json"
