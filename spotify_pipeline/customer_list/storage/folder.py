"""Lists in a folder of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from spotify_pipeline.customer_list.model import Manifest
from spotify_pipeline.customer_list.storage.paths import (
    LIST_NAME,
    MANIFEST_NAME,
    erased_rows_file,
    forget_erased,
    forget_found,
    write_manifest,
)
from spotify_pipeline.customer_list.storage.place import StoredFile, StoredList
from spotify_pipeline.customer_list.storage.staging import has_workspace, sweep, workspace


class Folder:
    """A private directory. Files in it are replaced whole, flushed to disk, and 0600. See ``ListPlace``."""

    def __init__(self, root: Path) -> None:
        """``root`` need not exist. What is written below it makes it, private."""
        self._root = root

    def __str__(self) -> str:
        return str(self._root)

    @property
    def scratch(self) -> Path:
        """The directory itself."""
        return self._root

    def file(self, *names: str, sealed: bool = False) -> Path:  # noqa: ARG002 - this machine's own files are private
        """A file in it."""
        return self._root.joinpath(*names)

    def folders(self, *names: str) -> list[str]:
        """The folders in a folder that have anything in them."""
        folder = self.file(*names)
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(each.name for each in found if each.is_dir() and any(each.glob("*")))

    def files(self, *names: str) -> Mapping[str, datetime]:
        """The files in a folder, and when each was written."""
        folder = self.file(*names)
        found: dict[str, datetime] = {}
        for each in folder.glob("[!.]*") if folder.is_dir() else ():
            with suppress(FileNotFoundError):  # deleted meanwhile
                found[each.name] = _written(each)
        return found

    def lists(self, *names: str) -> Mapping[str, datetime]:
        """The folders in a folder that hold a list with its manifest, and when that was written."""
        folder = self.file(*names)
        found: dict[str, datetime] = {}
        for each in folder.iterdir() if folder.is_dir() else ():
            with suppress(FileNotFoundError, NotADirectoryError):
                found[each.name] = _written(each / MANIFEST_NAME)
        return found

    def read(self, *names: str) -> StoredList | None:
        """The list in a folder."""
        path = self.file(*names, LIST_NAME)
        manifest = path.with_name(MANIFEST_NAME)
        return (path, Manifest.from_json(manifest.read_bytes())) if manifest.is_file() else None

    def copy_list(self, stored: tuple[StoredFile, Manifest], manifest: Manifest, *names: str) -> None:
        """Link a list to another folder: it is never written to again, as a list that changes is a new file."""
        path, was = stored
        kept = self.file(*names, LIST_NAME)
        # The workspace says that somebody is at work here: another process's sweep deletes a list without a manifest.
        with workspace(kept):
            originals = [path, erased_rows_file(path, was.sha256)] if was.sent_versions else [path]
            for original in originals:
                with suppress(FileExistsError):
                    os.link(str(original), kept.with_name(original.name))
            write_manifest(manifest, kept)

    def delete_list(self, *names: str) -> None:
        """Delete a list's folder, the manifest first: a list without one is not found."""
        path = self.file(*names, LIST_NAME)
        path.with_name(MANIFEST_NAME).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        forget_erased(path)
        forget_found(path)
        # Somebody may have begun to build here in this instant; then the directory is not empty, and stays.
        with suppress(OSError):
            path.parent.rmdir()

    def delete(self, *names: str) -> None:
        """Delete a folder with all that is in it."""
        if self.file(*names).exists():
            shutil.rmtree(self.file(*names))

    def sweep(self, identifiers: tuple[str, ...], lists: tuple[str, ...]) -> int:
        """Delete workspaces without a living builder, and lists whose manifest was never written."""
        swept = sweep(self._root) + sweep(self.file(*identifiers))
        folder = self.file(*lists)
        for each in [each for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []:
            swept += sweep(each)
            if not (each / MANIFEST_NAME).exists() and not has_workspace(each):
                self.delete_list(*lists, each.name)
                swept += 1
        return swept


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
