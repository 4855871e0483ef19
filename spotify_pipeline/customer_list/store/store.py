"""Where identifiers and lists are kept, and for how long."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Generator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from spotify_pipeline.customer_list.model import CustomerListError, IdentifiersReport, Manifest, withheld_errors
from spotify_pipeline.customer_list.normalize import read_declined, read_report
from spotify_pipeline.customer_list.read import SentVersion, StoredList, sent_version
from spotify_pipeline.customer_list.storage import (
    LIST_NAME,
    MANIFEST_NAME,
    audience_folder,
    file_name,
    forget_erased,
    forget_found,
    has_workspace,
    is_audience,
    snapshot_key,
    sweep,
    workspace,
    write_manifest,
)
from spotify_pipeline.rows import DigestSet

_IDENTIFIERS = "identifiers"
_LISTS = "customer_lists"
_DECLINED = ".declined"
_COMPARISON = "comparison"
_FOLDERS = (_IDENTIFIERS, _LISTS)


class SnapshotStore:
    """The files of all audiences below one private directory::

        identifiers/<audience>/<snapshot>.parquet
        identifiers/<audience>/<snapshot>.declined
        customer_lists/<audience>/<snapshot>/customer_list.csv
        customer_lists/<audience>/<snapshot>/manifest.json

    An audience is named by its folder: ``[a-z0-9_]``, 1 to 63 characters. A snapshot is named by its partition key,
    which may hold anything: in a file name each byte other than ``A-Z a-z 0-9 - _`` is written ``%XX``.

    Every method raises ``CustomerListError`` for a name that is not one, before it touches a file.
    """

    def __init__(self, root: Path) -> None:
        """``root`` need not exist. What is written below it makes it, private."""
        self._root = root

    @classmethod
    def in_home(cls, home: Path) -> SnapshotStore:
        """That of the project's own directory."""
        return cls(home / "data")

    def identifiers_path(self, audience: str, snapshot: str) -> Path:
        """Where the normalized identifiers of a snapshot are or will be."""
        return self._identifiers(audience) / f"{file_name(snapshot)}.parquet"

    def declined_path(self, audience: str, snapshot: str) -> Path:
        """Where it is kept, from when the identifiers are read until the list is built, who of them declined."""
        return self.identifiers_path(audience, snapshot).with_suffix(_DECLINED)

    def take_declined(self, audience: str, snapshot: str) -> DigestSet | None:
        """Who declined when the identifiers of a snapshot were read; None where that is not kept. Its file is deleted.

        Raises:
            CustomerListError: it cannot be deleted.
        """
        path, declined = self.declined_path(audience, snapshot), None
        with suppress(CustomerListError):
            declined = read_declined(path)
        with withheld_errors(f"Deleting who declined of {audience}"):
            path.unlink(missing_ok=True)
        return declined

    def identifiers_report(self, audience: str, snapshot: str) -> IdentifiersReport:
        """The counts of a snapshot's segment: rows kept, dropped and rejected.

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
        return self._lists(audience) / file_name(snapshot) / LIST_NAME

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
        keys = (snapshot_key(entry.name) for entry in folders if (entry / MANIFEST_NAME).is_file())
        return sorted(key for key in keys if key is not None)

    def identifier_snapshots(self, audience: str) -> list[str]:
        """Keys of the snapshots whose identifiers are kept, in alphabetical order."""
        folder = self._identifiers(audience)
        files = folder.glob("[!.]*.parquet") if folder.is_dir() else ()
        keys = (snapshot_key(entry.stem) for entry in files)
        return sorted(key for key in keys if key is not None)

    def audiences(self) -> list[str]:
        """All audiences of which anything is kept, in alphabetical order; also those that are configured no more."""
        places = [self._root / each for each in _FOLDERS if (self._root / each).is_dir()]
        folders = [
            folder for place in places for folder in place.iterdir() if folder.is_dir() and any(folder.iterdir())
        ]
        return sorted({folder.name for folder in folders if is_audience(folder.name)})

    def lists(self, audience: str) -> list[StoredList]:
        """The lists of an audience with their manifests, the one built last first, and before it what was issued of it
        last. Those that cannot be read are not among them: they cannot be used either.
        """
        found: list[StoredList] = []
        for key in self.snapshots(audience):
            with suppress(CustomerListError):
                stored = self.list_path(audience, key), self.manifest(audience, key)
                if stored[0].is_file():
                    found.append(stored)
        return sorted(found, key=_age, reverse=True)

    def find_list(self, audience: str, sha256: str) -> StoredList | None:
        """The list whose file has, or had before people were withdrawn, this SHA-256, as it is now; None if it is not
        kept. A list that has it now goes before those that had.
        """
        sent = self.find_sent(audience, sha256)
        return sent.stored if sent is not None else None

    def find_sent(self, audience: str, sha256: str) -> SentVersion | None:
        """The list with this SHA-256 as it was sent, though people may have been erased from it; None if not kept."""
        found = [each for each in (sent_version(stored, sha256) for stored in self.lists(audience)) if each is not None]
        as_it_is = (each for each in found if each.kept.sha256 == sha256)
        as_it_was = (each for each in found if each.manifest.sha256 == sha256)
        return next(as_it_is, None) or next(as_it_was, None) or next(iter(found), None)

    def holds(self, manifest: Manifest) -> bool:
        """Whether the very list is kept under its name already. From then on it counts as written now."""
        path = self.list_path(manifest.audience, manifest.snapshot)
        with suppress(CustomerListError):
            if self.manifest(manifest.audience, manifest.snapshot).sha256 == manifest.sha256 and path.is_file():
                os.utime(path.with_name(MANIFEST_NAME))
                return True
        return False

    @contextmanager
    def parts_directory(self, audience: str, snapshot: str) -> Generator[Path]:
        """Give a private directory for the parts of a snapshot's list; it is gone after the block.

        One that a dead process left is deleted by ``sweep`` and by the next that is made.

        Raises:
            CustomerListError: there is no list for the snapshot.
            HomeError: the directory cannot be made.
        """
        self.manifest(audience, snapshot)
        with workspace(self.list_path(audience, snapshot).with_name("parts")) as folder:
            yield folder

    @contextmanager
    def comparison_directory(self) -> Generator[Path]:
        """Give a private directory for comparing lists of several audiences; it is gone after the block.

        One that a dead process left is deleted by ``sweep`` and by the next that is made.

        Raises:
            HomeError: the directory cannot be made.
        """
        with workspace(self._root / _COMPARISON) as folder:
            yield folder

    def keep_identifiers(self, audience: str, count: int, *, older_than: datetime | None = None) -> list[str]:
        """Delete the identifiers of all snapshots but the ``count`` that were written last; their keys.

        Raw identifiers are needed for nothing but the list that is built from them next, so ``count`` may be 0.

        Args:
            audience: whose.
            count: how many snapshots' to keep.
            older_than: of those to be kept, delete, too, what was written before this time, which has a time zone.

        Raises:
            CustomerListError: ``count`` is below zero, or a file cannot be deleted.
        """
        if count < 0:
            raise CustomerListError(f"The number of snapshots whose identifiers are kept is not {count}.")
        with withheld_errors(f"Deleting identifiers of {audience}"):
            written = {
                key: self.identifiers_path(audience, key).stat().st_mtime for key in self.identifier_snapshots(audience)
            }
            newest_first = sorted(written, key=lambda key: (written[key], key), reverse=True)
            oldest = older_than.timestamp() if older_than is not None else 0
            gone = [key for at, key in enumerate(newest_first) if at >= count or written[key] < oldest]
            for key in gone:
                self.identifiers_path(audience, key).unlink(missing_ok=True)
            for file in self._identifiers(audience).glob(f"[!.]*{_DECLINED}"):
                if not file.with_suffix(".parquet").exists():
                    file.unlink(missing_ok=True)
        return sorted(gone)

    def keep_lists(self, audience: str, count: int, *, sent: Collection[str] = ()) -> list[str]:
        """Delete the lists of all snapshots but the ``count`` that were built last; their keys.

        The time of building decides and not the key, because keys of two cadences do not sort by time. Lists that
        cannot be read go as well. Of the thinned lists that were issued from one that is kept, the newest stays: it may
        be about to be sent, or to be approved.

        Args:
            audience: whose.
            count: how many to keep.
            sent: SHA-256 of the lists that the next is compared with: the one that Spotify has or may have, and those
                it had lately. They are kept besides, also if people were withdrawn from them since. Of other lists it
                is known no longer who was erased from them.

        Raises:
            CustomerListError: ``count`` is below one, or a list cannot be deleted.
        """
        if count < 1:
            raise CustomerListError(f"At least one customer list must be kept, not {count}.")
        lists = self.lists(audience)
        compared = [found.stored for found in (self.find_sent(audience, each) for each in sent) if found is not None]
        kept = [*[each for each in lists if each[1].issued_from is None][:count], *compared]
        kept += self._newest_issues(lists, {sha for _, each in kept for sha in (each.sha256, *each.former_sha256)})
        keys = {manifest.snapshot for _, manifest in kept}
        gone = [key for key in self.snapshots(audience) if key not in keys]
        for key in gone:
            _delete_list(self.list_path(audience, key).parent)
        known = {sha for _, each in kept for sha in (each.sha256, *each.former_sha256)}
        for path, manifest in kept:
            forget_found(path, but_since=known)
            if manifest.sent_versions and not {each.sha256 for each in manifest.sent_versions}.intersection(sent):
                write_manifest(replace(manifest, sent_versions=()), path)
                forget_erased(path)
        return gone

    def _newest_issues(self, lists: list[StoredList], origins: Collection[str]) -> list[StoredList]:
        newest: dict[str, StoredList] = {}
        issued = [(each, each[1].issued_from) for each in lists]
        for each, origin in sorted(issued, key=lambda pair: _written_at(pair[0])):
            if origin is not None and origin.sha256 in origins:
                newest[origin.snapshot] = each
        return list(newest.values())

    def forget_found(self, audience: str) -> None:
        """Delete what was found in the lists of an audience: it depends on who asked to be forgotten.

        Raises:
            CustomerListError: something cannot be deleted.
        """
        with withheld_errors(f"Deleting what was found in the lists of {audience}"):
            for key in self.snapshots(audience):
                forget_found(self.list_path(audience, key))

    def forget_audience(self, audience: str) -> None:
        """Delete everything that is kept of an audience: identifiers, lists, manifests and what was left unfinished.

        Raises:
            CustomerListError: something cannot be deleted.
        """
        with withheld_errors(f"Deleting what is kept of {audience}"):
            for key in self.snapshots(audience):
                _delete_list(self.list_path(audience, key).parent)
            for folder in (self._identifiers(audience), self._lists(audience)):
                if folder.exists():
                    shutil.rmtree(folder)

    def sweep(self, audience: str) -> int:
        """Delete what killed processes left unfinished of an audience, raw identifiers among it; the number deleted.

        That is every workspace without a living builder, of comparisons too, and every list whose manifest was never
        written.
        """
        swept = sweep(self._root) + sweep(self._identifiers(audience))
        lists = self._lists(audience)
        for folder in [each for each in lists.iterdir() if each.is_dir()] if lists.is_dir() else []:
            swept += sweep(folder)
            if not (folder / MANIFEST_NAME).exists() and not has_workspace(folder):
                _delete_list(folder)
                swept += 1
        return swept

    def _identifiers(self, audience: str) -> Path:
        return self._root / _IDENTIFIERS / audience_folder(audience)

    def _lists(self, audience: str) -> Path:
        return self._root / _LISTS / audience_folder(audience)


def _age(stored: StoredList) -> tuple[datetime, float]:
    """By when lists were built; what was issued of a list, without a time of its own, comes after it."""
    return stored[1].built_at, _written_at(stored) if stored[1].issued_from is not None else 0.0


def _written_at(stored: StoredList) -> float:
    try:
        return stored[0].with_name(MANIFEST_NAME).stat().st_mtime
    except FileNotFoundError:  # deleted meanwhile
        return 0.0


def _delete_list(folder: Path) -> None:
    with withheld_errors(f"Deleting the customer list {folder}"):
        # The manifest first: a list without one is not found, so half a deletion is a whole one to readers.
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
        (folder / LIST_NAME).unlink(missing_ok=True)
        forget_erased(folder / LIST_NAME)
        forget_found(folder / LIST_NAME)
        # Somebody may have begun to build here in this instant; then the directory is not empty, and stays.
        with suppress(OSError):
            folder.rmdir()
