"""What this machine knows of each audience: which one at Spotify is ours, and what was last sent to it.

One small JSON file per audience and ad account. A line is made durable before each write to Spotify that a crash
could leave half known, so that the next run finds out what became of it instead of writing again. Counts, ids and
file digests only: no identifier, no URL, no token.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from spotify_pipeline.home import atomic_private_file

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
