"""Where lists are: what a folder of this machine and a folder of a bucket have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from spotify_pipeline.customer_list.model import Manifest
from spotify_pipeline.customer_list.storage.bucket_file import BucketFile

StoredFile: TypeAlias = Path | BucketFile
"""A file of this machine, or an object in a bucket. Both are read alike; what writes one asks which it is."""
StoredList: TypeAlias = tuple[StoredFile, Manifest]
"""A list's file, and the manifest that describes it."""


class ListPlace(Protocol):
    """Where identifiers and lists are. ``names`` are those of folders, from the outermost, then a file's."""

    @property
    def scratch(self) -> Path:
        """A directory of this machine for what is unfinished and belongs to no one list."""
        ...

    def file(self, *names: str, sealed: bool = False) -> StoredFile:
        """A file, which need not exist. ``sealed``: it holds what may be in a bucket only encrypted."""
        ...

    def folders(self, *names: str) -> list[str]:
        """The folders in a folder that have anything in them; unfinished files are nothing."""
        ...

    def files(self, *names: str) -> Mapping[str, datetime]:
        """The files in a folder, and when each was written; no unfinished ones."""
        ...

    def lists(self, *names: str) -> Mapping[str, datetime]:
        """The folders in a folder that hold a list with its manifest, and when that was written."""
        ...

    def read(self, *names: str) -> StoredList | None:
        """The list in a folder; None where no manifest vouches for one.

        Raises:
            CustomerListError: the manifest cannot be read.
        """
        ...

    def copy_list(self, stored: StoredList, manifest: Manifest, *names: str) -> None:
        """Make a folder hold a list that is kept elsewhere, described by ``manifest``."""
        ...

    def delete_list(self, *names: str) -> None:
        """Delete a list's folder; half a deletion is a whole one to readers."""
        ...

    def delete(self, *names: str) -> None:
        """Delete a folder with all that is in it."""
        ...

    def sweep(self, identifiers: tuple[str, ...], lists: tuple[str, ...]) -> int:
        """Delete what dead processes left unfinished in these two folders; the number deleted."""
        ...
