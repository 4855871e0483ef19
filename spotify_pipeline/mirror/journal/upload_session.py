"""Keeps the upload session under way, in a private file beside the journal.

Anyone who holds a session's URI may write to it, so it is kept apart from the journal, 0600, and only while its upload
is unfinished. It is no loss when it cannot be read: the list is then sent from its beginning.
"""

from __future__ import annotations

import json
import math
from glob import escape
from pathlib import Path

from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.spotify import OpenUpload, Secret


def save_session(file: Path, opened: OpenUpload) -> None:
    """Make an open session durable.

    Raises:
        HomeError: it cannot be written.
    """
    content = {
        "audience_id": opened.audience_id,
        "uri": opened.uri.reveal(),
        "opened_at": opened.opened_at,
        "size": opened.size,
        "crc32c": opened.crc32c,
    }
    with atomic_private_file(file) as saved:
        saved.write(json.dumps(content).encode())


def saved_session(file: Path) -> OpenUpload | None:
    """The session that was saved; None where there is none, or the file does not hold one."""
    try:
        content = json.loads(file.read_bytes())
        if not math.isfinite(float(content["opened_at"])):
            return None
        return OpenUpload(
            audience_id=str(content["audience_id"]),
            uri=Secret(str(content["uri"])),
            opened_at=float(content["opened_at"]),
            size=int(content["size"]),
            crc32c=str(content["crc32c"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def forget_session(file: Path) -> None:
    """Remove the saved session."""
    file.unlink(missing_ok=True)
    remove_leftovers(file)


def remove_leftovers(file: Path) -> None:
    """Remove what killed processes left of sessions that they were saving: it holds a session's URI too."""
    for left in file.parent.glob(f".{escape(file.name)}.*.tmp"):
        left.unlink(missing_ok=True)
