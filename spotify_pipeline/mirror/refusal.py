"""Lists that must not be sent, whatever called for it. Decided from what this machine knows, without asking Spotify."""

from __future__ import annotations

from datetime import datetime

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.journal_entry import JournalEntry


class MirrorRefused(Exception):
    """The list is not sent and the audience is left as it is; the message says why and what to do."""


def too_few_rows(manifest: Manifest, min_rows: int) -> str | None:
    """Why a list is too short to send, or None when it is long enough.

    Spotify replaces the whole list, so an empty or nearly empty one takes the audience off the air; and it is reported
    to ignore lists of fewer than 1,000 rows.
    """
    if manifest.list_rows >= min_rows:
        return None
    return (
        f"The list of {manifest.audience} for {manifest.snapshot} has {manifest.list_rows:,} rows and at least "
        f"{min_rows:,} are needed. Nothing was sent; the audience at Spotify is as it was. Look at the segment "
        f"({manifest.rows_read:,} people read, {manifest.rows_kept:,} kept) or change guards.min_rows."
    )


def older_list(manifest: Manifest, entry: JournalEntry) -> str | None:
    """Why a list is too old to send, or None when Spotify has none that is newer, and cannot be about to."""
    if entry.built_at is not None and manifest.built_at < datetime.fromisoformat(entry.built_at):
        return (
            f"The list of {manifest.audience} for {manifest.snapshot} was built before the one Spotify has "
            f"({entry.snapshot}). Nothing was sent. Materialize the customer list again for the partition that is "
            "open, then the audience."
        )
    begun = entry.unfinished.list if entry.unfinished is not None else None
    if begun is not None and manifest.built_at < datetime.fromisoformat(begun.built_at):
        return (
            f"The list of {manifest.audience} for {manifest.snapshot} was built before another ({begun.snapshot}) "
            "whose sending was begun and may have reached Spotify. Nothing was sent by this run. Run the newer one "
            "again, or materialize the customer list again, then the audience."
        )
    return None
