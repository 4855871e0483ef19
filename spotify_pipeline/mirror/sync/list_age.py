"""Refuses lists that are too old, or dated by a wrong clock. Makes no calls to Spotify."""

from __future__ import annotations

from datetime import datetime, timedelta

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.journal import JournalEntry
from spotify_pipeline.state import Place

CLOCK_MAY_ERR = timedelta(days=1)
"""A list that was built later than this after now was dated by a clock that is wrong, or is looked at by one."""


def from_the_future(manifest: Manifest, now: datetime) -> str | None:
    """Why a list must not be sent because of its date, or None.

    Were it accepted, every list that is built by a right clock would be refused as older.
    """
    if manifest.built_at <= now + CLOCK_MAY_ERR:
        return None
    return (
        f"The list of {manifest.audience} for {manifest.snapshot} was built at {manifest.built_at.isoformat()}, and "
        f"this machine's clock says {now.isoformat(timespec='seconds')}. Nothing was sent. Set the clock right, then "
        "materialize the customer list again, then the audience."
    )


def older_list(manifest: Manifest, entry: JournalEntry, *, now: datetime, place: Place) -> str | None:
    """Why a list is too old to send, or None when Spotify has none that is newer, and cannot be about to.

    Args:
        manifest: of the list.
        entry: what is known of the audience.
        now: by this machine's clock.
        place: of the state, named where only a person can correct it.
    """
    begun = entry.unfinished.list if entry.unfinished is not None else None
    for known in (entry.built_at, begun and begun.built_at):
        known_at = datetime.fromisoformat(known) if known is not None else None
        if known_at is not None and known_at > max(now + CLOCK_MAY_ERR, manifest.built_at):
            return (
                f"The journal of {manifest.audience} says that a list built at {known} was sent, and this machine's "
                f"clock says {now.isoformat(timespec='seconds')}: one of the two is wrong. Nothing was sent. Set the "
                "clock right if it is behind. If it was ahead when that list was built, write when it was truly built "
                f"as built_at into the row of {manifest.audience} in the table audience of {place}, then run again."
            )
    if entry.built_at is not None and manifest.built_at < datetime.fromisoformat(entry.built_at):
        return (
            f"The list of {manifest.audience} for {manifest.snapshot} was built before the one Spotify has "
            f"({entry.snapshot}). Nothing was sent. Materialize the customer list again for the partition that is "
            "open, then the audience."
        )
    if begun is not None and manifest.built_at < datetime.fromisoformat(begun.built_at):
        return (
            f"The list of {manifest.audience} for {manifest.snapshot} was built before another ({begun.snapshot}) "
            "whose sending was begun and may have reached Spotify. Nothing was sent by this run. Run the newer one "
            "again, or materialize the customer list again, then the audience."
        )
    return None
