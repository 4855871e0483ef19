"""Why a former home cannot be taken over."""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.home import HomeError


class FormerHomeError(HomeError):
    """A file of a former home cannot be taken over; the message says which. Nothing was taken over."""


def damaged(file: Path) -> FormerHomeError:
    """A file that is not what a former version wrote."""
    return FormerHomeError(
        f"{file} is damaged, or of another version than the last one before the state. Nothing was taken over. Restore "
        "it from a backup; or, if it is not needed, move it away."
    )
