"""Where identifiers and lists lie, and how long they stay."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

from spotify_pipeline.customer_list.build import MANIFEST_NAME
from spotify_pipeline.customer_list.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.manifest import Manifest
from spotify_pipeline.customer_list.normalized_identifiers import read_report
from spotify_pipeline.customer_list.report import IdentifiersReport
from spotify_pipeline.customer_list.workspace import has_workspace, sweep

_AUDIENCE = re.compile(r"[a-z0-9_]{1,63}", re.ASCII)
_LONGEST_NAME = 200

LIST_NAME = "customer_list.csv"


class SnapshotStore:
    """The files of all audiences below one private directory::

        identifiers/<audience>/<snapshot>.parquet
        customer_lists/<audience>/<snapshot>/customer_list.csv
        customer_lists/<audience>/<snapshot>/manifest.json

    An audience is named by its folder: ``[a-z0-9_]``, 1 to 63 characters. A snapshot is named by its partition key,
    which may hold anything: in a file name each byte other than ``A-Z a-z 0-9 - _`` is written ``%XX``.

    Every method raises ``CustomerListError`` for a name that is not one, before it touches a file.
    """

    def __init__(self, root: Path) -> None:
        """``root`` need not exist. What is written below it makes it, private."""
        self._root = root

    def identifiers_path(self, audience: str, snapshot: str) -> Path:
        """Where the normalized identifiers of a snapshot are or will be."""
        return self._identifiers(audience) / f"{_file_name(snapshot)}.parquet"

    def identifiers_report(self, audience: str, snapshot: str) -> IdentifiersReport:
        """What became of the rows of a snapshot's segment.

        Raises:
            CustomerListError: there are no identifiers for the snapshot.
        """
        path = self.identifiers_path(audience, snapshot)
        if not path.is_file():
            raise CustomerListError(
                f"There are no identifiers for snapshot {snapshot!r} of audience {audience}: "
                f"materialize {audience}/identifiers for that partition first."
            )
        return read_report(path)

    def list_path(self, audience: str, snapshot: str) -> Path:
        """Where the list of a snapshot is or will be. ``manifest`` says whether it is."""
        return self._lists(audience) / _file_name(snapshot) / LIST_NAME

    def manifest(self, audience: str, snapshot: str) -> Manifest:
        """The manifest of a snapshot's list.

        Raises:
            CustomerListError: there is no list for the snapshot, or the manifest is of another one.
        """
        path = self.list_path(audience, snapshot).with_name(MANIFEST_NAME)
        missing = CustomerListError(
            f"There is no customer list for snapshot {snapshot!r} of audience {audience}: "
            f"materialize {audience}/customer_list for that partition first."
        )
        if not path.is_file():
            raise missing
        with withheld_errors("Reading the manifest"):
            manifest = Manifest.from_json(path.read_bytes())
        if (manifest.audience, manifest.snapshot) != (audience, snapshot):
            raise missing
        return manifest

    def snapshots(self, audience: str) -> list[str]:
        """Keys of the snapshots that have a list with its manifest, in alphabetical order."""
        folder = self._lists(audience)
        folders = folder.iterdir() if folder.is_dir() else ()
        keys = (_snapshot(entry.name) for entry in folders if (entry / MANIFEST_NAME).is_file())
        return sorted(key for key in keys if key is not None)

    def identifier_snapshots(self, audience: str) -> list[str]:
        """Keys of the snapshots whose identifiers are kept, in alphabetical order."""
        folder = self._identifiers(audience)
        files = folder.glob("[!.]*.parquet") if folder.is_dir() else ()
        keys = (_snapshot(entry.stem) for entry in files)
        return sorted(key for key in keys if key is not None)

    def keep_only_identifiers(self, audience: str, snapshot: str) -> list[str]:
        """Delete the identifiers of all snapshots but this one, which was just read; their keys.

        Raw identifiers are needed for nothing but the list that is built from them next.
        """
        others = [key for key in self.identifier_snapshots(audience) if key != snapshot]
        for key in others:
            with withheld_errors("Deleting identifiers"):
                self.identifiers_path(audience, key).unlink(missing_ok=True)
        return others

    def keep_lists(self, audience: str, count: int) -> list[str]:
        """Delete the lists of all snapshots but the ``count`` that were built last; their keys.

        The time of building decides and not the key, because keys of two cadences do not sort by time.

        Raises:
            CustomerListError: ``count`` is below one, or a list cannot be deleted.
        """
        if count < 1:
            raise CustomerListError(f"At least one customer list must be kept, not {count}.")
        by_time = sorted(self.snapshots(audience), key=lambda key: self.manifest(audience, key).built_at)
        older = by_time[:-count]
        for key in older:
            _delete_list(self.list_path(audience, key).parent)
        return older

    def sweep(self, audience: str) -> int:
        """Delete what killed processes left unfinished of an audience, raw identifiers among it; the number deleted.

        That is every workspace without a living builder, and every list whose manifest was never written.
        """
        swept = sweep(self._identifiers(audience))
        lists = self._lists(audience)
        for folder in [each for each in lists.iterdir() if each.is_dir()] if lists.is_dir() else []:
            swept += sweep(folder)
            if not (folder / MANIFEST_NAME).exists() and not has_workspace(folder):
                _delete_list(folder)
                swept += 1
        return swept

    def _identifiers(self, audience: str) -> Path:
        return self._root / "identifiers" / _audience(audience)

    def _lists(self, audience: str) -> Path:
        return self._root / "customer_lists" / _audience(audience)


def _delete_list(folder: Path) -> None:
    with withheld_errors(f"Deleting the customer list {folder}"):
        # The manifest first: a list without one is not found, so half a deletion is a whole one to readers.
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
        (folder / LIST_NAME).unlink(missing_ok=True)
        # Somebody may have begun to build here in this instant; then the directory is not empty, and stays.
        with suppress(OSError):
            folder.rmdir()


def _audience(name: str) -> str:
    if not _AUDIENCE.fullmatch(name):
        raise CustomerListError(f"{name!r} names no audience: 1 to 63 characters of a-z, 0-9 and _ do.")
    return name


def _file_name(snapshot: str) -> str:
    """A snapshot's key as a file name, from which ``_snapshot`` gives the key again."""
    try:
        # quote() lets these two pass whatever it is told.
        name = quote(snapshot, safe="").replace(".", "%2E").replace("~", "%7E")
    except UnicodeEncodeError:
        name = ""
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise CustomerListError(f"{snapshot!r} is no key of a snapshot: it is empty, too long, or not text.")
    return name


def _snapshot(file_name: str) -> str | None:
    """The key that a file name stands for, None if no key would be written so."""
    key = unquote(file_name, errors="replace")
    return key if key and _file_name(key) == file_name else None
