"""Where identifiers and lists are kept, and for how long."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from spotify_pipeline.customer_list.model import CustomerListError, IdentifiersReport, Manifest, withheld_errors
from spotify_pipeline.customer_list.normalize import read_declined, read_report
from spotify_pipeline.customer_list.read import SentVersion, sent_version
from spotify_pipeline.customer_list.storage import (
    LIST_NAME,
    Folder,
    ListPlace,
    StoredFile,
    StoredList,
    audience_folder,
    file_name,
    forget_erased,
    forget_found,
    is_audience,
    snapshot_key,
    workspace,
    write_manifest,
)
from spotify_pipeline.rows import DigestSet

_IDENTIFIERS = "identifiers"
LISTS = "customer_lists"
_PARQUET, _DECLINED = ".parquet", ".declined"
_COMPARISON = "comparison"


class SnapshotStore:
    """The files of all audiences in one place: below a private directory, or in a folder of a bucket::

        identifiers/<audience>/<snapshot>.parquet
        identifiers/<audience>/<snapshot>.declined
        customer_lists/<audience>/<snapshot>/customer_list.csv
        customer_lists/<audience>/<snapshot>/manifest.json

    In a bucket, a list is called by its digest and its manifests are numbered (``BucketFile``), and identifiers and who
    declined are encrypted.

    An audience is named by its folder: ``[a-z0-9_]``, 1 to 63 characters. A snapshot is named by its partition key,
    which may hold anything: in a file name each byte other than ``A-Z a-z 0-9 - _`` is written ``%XX``.

    Every method raises ``CustomerListError`` for a name that is not one, before it touches a file.
    """

    def __init__(self, place: Path | ListPlace) -> None:
        """``place``: a directory, which need not exist, or what keeps the files elsewhere."""
        self.place: ListPlace = Folder(place) if isinstance(place, Path) else place

    @classmethod
    def in_home(cls, home: Path) -> SnapshotStore:
        """That of the project's own directory."""
        return cls(home / "data")

    def identifiers_path(self, audience: str, snapshot: str) -> StoredFile:
        """Where the normalized identifiers of a snapshot are or will be."""
        return self.place.file(*_identifiers(audience), f"{file_name(snapshot)}{_PARQUET}", sealed=True)

    def declined_path(self, audience: str, snapshot: str) -> StoredFile:
        """Where it is kept, from when the identifiers are read until the list is built, who of them declined."""
        return self.place.file(*_identifiers(audience), f"{file_name(snapshot)}{_DECLINED}", sealed=True)

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

    def list_path(self, audience: str, snapshot: str) -> StoredFile:
        """Where the list of a snapshot is to be written. Where it is, ``stored`` says."""
        return self.place.file(*_list(audience, snapshot), LIST_NAME)

    def stored(self, audience: str, snapshot: str) -> StoredList:
        """The list of a snapshot as it is now, with its manifest.

        Raises:
            CustomerListError: there is no list for the snapshot, or the manifest is of another one.
        """
        with withheld_errors("Reading the manifest"):
            found = self.place.read(*_list(audience, snapshot))
        if found is None or (found[1].audience, found[1].snapshot) != (audience, snapshot):
            raise CustomerListError(
                f"There is no customer list for snapshot {snapshot!r} of audience {audience}: "
                f"materialize {audience}/customer_list for that partition first."
            )
        return found

    def manifest(self, audience: str, snapshot: str) -> Manifest:
        """The manifest of a snapshot's list. Errors as for :meth:`stored`."""
        return self.stored(audience, snapshot)[1]

    def snapshots(self, audience: str) -> list[str]:
        """Keys of the snapshots that have a list with its manifest, in alphabetical order."""
        return sorted(self._written(audience))

    def folders(self, audience: str) -> Mapping[str, str | None]:
        """The folders of an audience's lists that have anything in them, and which snapshot's each is: None of one
        that is no list's, or holds none with its manifest.
        """
        whole = self._written(audience)
        keys = {name: snapshot_key(name) for name in self.place.folders(*_lists(audience))}
        return {name: key if key in whole else None for name, key in keys.items()}

    def identifier_snapshots(self, audience: str) -> list[str]:
        """Keys of the snapshots whose identifiers are kept, in alphabetical order."""
        return sorted(self.identifiers_written(audience))

    def identifiers_written(self, audience: str) -> dict[str, datetime]:
        """When the identifiers of each snapshot were written that are kept, with a time zone."""
        files = self.place.files(*_identifiers(audience))
        written = {
            snapshot_key(name.removesuffix(_PARQUET)): at for name, at in files.items() if name.endswith(_PARQUET)
        }
        return {key: at for key, at in written.items() if key is not None}

    def audiences(self) -> list[str]:
        """All audiences of which anything is kept, in alphabetical order; also those that are configured no more."""
        folders = {name for kind in (_IDENTIFIERS, LISTS) for name in self.place.folders(kind)}
        return sorted(name for name in folders if is_audience(name))

    def lists(self, audience: str) -> list[StoredList]:
        """The lists of an audience with their manifests, the one built last first, and before it what was issued of it
        last. Those that cannot be read are not among them: they cannot be used either.
        """
        return [each.stored for each in self._kept(audience)]

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
        with suppress(CustomerListError):
            path, kept = self.stored(manifest.audience, manifest.snapshot)
            if kept.sha256 == manifest.sha256 and path.is_file():
                write_manifest(kept, path)
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
        path, _ = self.stored(audience, snapshot)
        with workspace(path.with_name("parts")) as folder:
            yield folder

    @contextmanager
    def comparison_directory(self) -> Generator[Path]:
        """Give a private directory for comparing lists of several audiences; it is gone after the block.

        One that a dead process left is deleted by ``sweep`` and by the next that is made.

        Raises:
            HomeError: the directory cannot be made.
        """
        with workspace(self.place.scratch / _COMPARISON) as folder:
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
            written = self.identifiers_written(audience)
            newest_first = sorted(written, key=lambda key: (written[key], key), reverse=True)
            gone = [
                key
                for at, key in enumerate(newest_first)
                if at >= count or (older_than is not None and written[key] < older_than)
            ]
            for key in gone:
                self.identifiers_path(audience, key).unlink(missing_ok=True)
            files = self.place.files(*_identifiers(audience))
            for name in files:
                if name.endswith(_DECLINED) and name.removesuffix(_DECLINED) + _PARQUET not in files:
                    self.place.file(*_identifiers(audience), name).unlink(missing_ok=True)
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
        lists = self._kept(audience)
        compared = [found.stored for found in (self.find_sent(audience, each) for each in sent) if found is not None]
        kept = [*[each.stored for each in lists if each.stored[1].issued_from is None][:count], *compared]
        kept += _newest_issues(lists, {sha for _, each in kept for sha in (each.sha256, *each.former_sha256)})
        keys = {manifest.snapshot for _, manifest in kept}
        gone = [key for key in self.snapshots(audience) if key not in keys]
        for key in gone:
            self.delete_list(audience, key)
        known = {sha for _, each in kept for sha in (each.sha256, *each.former_sha256)}
        for path, manifest in {manifest.snapshot: (path, manifest) for path, manifest in kept}.values():
            forget_found(path, but_since=known)
            if manifest.sent_versions and not {each.sha256 for each in manifest.sent_versions}.intersection(sent):
                write_manifest(replace(manifest, sent_versions=()), path)
                forget_erased(path)
        return gone

    def copy_list(self, stored: StoredList, manifest: Manifest) -> None:
        """Keep a list under another name, too: that of ``manifest``, by which it is described there."""
        self.place.copy_list(stored, manifest, *_list(manifest.audience, manifest.snapshot))

    def delete_list(self, audience: str, snapshot: str) -> None:
        """Delete the list of a snapshot.

        Raises:
            CustomerListError: it cannot be deleted.
        """
        with withheld_errors(f"Deleting the customer list of {audience} for {snapshot}"):
            self.place.delete_list(*_list(audience, snapshot))

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
                self.delete_list(audience, key)
            self.place.delete(*_identifiers(audience))
            self.place.delete(*_lists(audience))

    def sweep(self, audience: str) -> int:
        """Delete what killed processes left unfinished of an audience, raw identifiers among it; the number deleted.

        That is every workspace without a living builder, of comparisons too, and every list whose manifest was never
        written.
        """
        return self.place.sweep(_identifiers(audience), _lists(audience))

    def _written(self, audience: str) -> dict[str, datetime]:
        """When the manifest of each snapshot's list was written."""
        return _by_key(self.place.lists(*_lists(audience)))

    def _kept(self, audience: str) -> list[_KeptList]:
        found: list[_KeptList] = []
        for key, written_at in sorted(self._written(audience).items()):
            with suppress(CustomerListError):
                stored = self.stored(audience, key)
                if stored[0].is_file():
                    found.append(_KeptList(stored, written_at))
        return sorted(found, key=lambda each: each.age, reverse=True)


@dataclass(frozen=True)
class _KeptList:
    """A list, and when its manifest was written."""

    stored: StoredList
    written_at: datetime

    @property
    def age(self) -> tuple[datetime, float]:
        """By when lists were built; what was issued of a list, without a time of its own, comes after it."""
        manifest = self.stored[1]
        return manifest.built_at, self.written_at.timestamp() if manifest.issued_from is not None else 0.0


def _newest_issues(lists: list[_KeptList], origins: Collection[str]) -> list[StoredList]:
    newest: dict[str, StoredList] = {}
    for each in sorted(lists, key=lambda kept: kept.written_at):
        origin = each.stored[1].issued_from
        if origin is not None and origin.sha256 in origins:
            newest[origin.snapshot] = each.stored
    return list(newest.values())


def _by_key(written: Mapping[str, datetime]) -> dict[str, datetime]:
    """Times by the keys that files' names stand for; a stray file stands for none."""
    keys = {snapshot_key(name): at for name, at in written.items()}
    return {key: at for key, at in keys.items() if key is not None}


def _identifiers(audience: str) -> tuple[str, str]:
    return _IDENTIFIERS, audience_folder(audience)


def _lists(audience: str) -> tuple[str, str]:
    return LISTS, audience_folder(audience)


def _list(audience: str, snapshot: str) -> tuple[str, str, str]:
    return *_lists(audience), file_name(snapshot)
