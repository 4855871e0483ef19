"""Lists that must not be sent, whatever called for it. Decided here, before anything is asked of Spotify."""

from __future__ import annotations

from spotify_pipeline.customer_list import Manifest


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
