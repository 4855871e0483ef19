"""For tests that look into the files of lists: they keep them in a folder."""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.customer_list import StoredFile


def on_disk(file: StoredFile) -> Path:
    """The same, as a file of this machine."""
    assert isinstance(file, Path)
    return file
