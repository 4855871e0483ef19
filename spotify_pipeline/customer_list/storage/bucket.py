"""Lists in a folder of a bucket, which several machines share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from spotify_pipeline.customer_list.model import CustomerListError, Manifest
from spotify_pipeline.customer_list.storage.bucket_file import MANIFESTS, BucketFile, data_name
from spotify_pipeline.customer_list.storage.objects import FoundObject, ObjectStorage
from spotify_pipeline.customer_list.storage.paths import LIST_NAME, erased_rows_file
from spotify_pipeline.customer_list.storage.place import StoredFile
from spotify_pipeline.customer_list.storage.sealed_blocks import Seals
from spotify_pipeline.customer_list.storage.staging import sweep

LONGEST_PUT = timedelta(hours=24)
"""Bytes of a list that no manifest names are deleted when they are older: who wrote them is dead by then."""
_PROBE = "doctor"
_MANIFEST_START = MANIFESTS.partition("*")[0]


class Bucket:
    """Objects below one URL; see ``ListPlace`` and ``BucketFile``. They hold digests, and raw identifiers encrypted.

    What is written is made in ``scratch`` and then put, so an object is there whole or not at all.
    """

    def __init__(self, url: str, scratch: Path, seals: Seals) -> None:
        """
        Args:
            url: of the folder; see :class:`ObjectStorage`.
            scratch: a private directory of this machine, for what is unfinished.
            seals: encrypts raw identifiers.
        """
        self._objects = ObjectStorage(url)
        self._scratch = scratch
        self._seals = seals

    def __str__(self) -> str:
        return str(self._objects)

    @property
    def scratch(self) -> Path:
        """The directory of this machine."""
        return self._scratch

    def file(self, *names: str, sealed: bool = False) -> BucketFile:
        """An object of the folder."""
        return BucketFile(self._objects, "/".join(names), self._scratch, self._seals if sealed else None)

    def folders(self, *names: str) -> list[str]:
        """The folders in a folder that have anything in them."""
        return sorted({parts[0] for parts, _ in self._below(names) if len(parts) > 1})

    def files(self, *names: str) -> Mapping[str, datetime]:
        """The objects in a folder, and when each was written."""
        return {parts[0]: found.written_at for parts, found in self._below(names) if len(parts) == 1}

    def lists(self, *names: str) -> Mapping[str, datetime]:
        """The folders in a folder that hold a list with its manifest, and when that was written."""
        manifests = [(parts, found) for parts, found in self._below(names) if _is_manifest(parts)]
        # Numbered, so the last in order is the newest.
        return {parts[0]: found.written_at for parts, found in sorted(manifests, key=lambda each: each[0])}

    def read(self, *names: str) -> tuple[BucketFile, Manifest] | None:
        """The list in a folder."""
        return self.file(*names, LIST_NAME).current()

    def copy_list(self, stored: tuple[StoredFile, Manifest], manifest: Manifest, *names: str) -> None:
        """Copy a list to another folder, inside the bucket."""
        path, was = stored
        kept = self.file(*names, LIST_NAME)
        assert isinstance(path, BucketFile), "a list of another place"  # noqa: S101
        if was.sent_versions:
            erased = erased_rows_file(path, was.sha256).name
            self._objects.copy(path.with_name(erased).key, kept.with_name(erased).key)
        kept.put_list(path, manifest)

    def delete_list(self, *names: str) -> None:
        """Delete a list's folder: its manifests, the newest last, and then the rest."""
        found = [f.name for _, f in sorted(self._below(names), key=lambda e: (not _is_manifest(("", *e[0])), e[0]))]
        self._objects.delete(*found)

    def delete(self, *names: str) -> None:
        """Delete all objects of a folder."""
        self._objects.delete(*[found.name for _, found in self._below(names)])

    def sweep(self, identifiers: tuple[str, ...], lists: tuple[str, ...]) -> int:  # noqa: ARG002 - as in ``ListPlace``
        """Delete what dead processes of this machine left in its scratch, and of any machine in the lists: what a
        newer manifest has superseded, and bytes that none has named for a day.
        """
        swept = sweep(self._scratch)
        for name in self.folders(*lists):
            swept += self.file(*lists, name, LIST_NAME).delete_superseded() + self._delete_unnamed(*lists, name)
        return swept

    def faults(self) -> list[str]:
        """What is wrong with the bucket for lists, as sentences.

        Raises:
            BucketError: it cannot be used at all.
        """
        probe = f"{_PROBE}/{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        found: list[str] = []
        if self._objects.keeps_deleted(probe):
            found.append(
                f"{self} keeps old versions of what is deleted, so people who asked to be forgotten would stay in it. "
                "Turn its versioning off, and delete the old versions."
            )
        self._objects.delete(probe)
        created = [self._objects.create(f"{probe}.once", b"1") for _ in range(2)]
        self._objects.delete(f"{probe}.once")
        if created != [True, False]:
            found.append(
                f"{self} overwrites an object that is to be written only if it is missing, so two machines could "
                "replace each other's lists. Use a storage that knows conditional writes (If-None-Match)."
            )
        return found

    def _delete_unnamed(self, *names: str) -> int:
        data = [(parts[0], found) for parts, found in self._below(names) if parts[0].endswith(".csv")]
        old = [each for each in data if datetime.now(UTC) - each[1].written_at > LONGEST_PUT]
        if not old:
            return 0
        named: str | None = None
        with suppress(CustomerListError):
            current = self.read(*names)
            named = data_name(current[1]) if current is not None else None
        gone = [found.name for name, found in old if name != named]
        self._objects.delete(*gone)
        return len(gone)

    def _below(self, names: tuple[str, ...]) -> list[tuple[tuple[str, ...], FoundObject]]:
        """The objects in a folder and below it, each with its names from there on."""
        folder = "/".join(names)
        return [
            (tuple(each.name.removeprefix(folder).strip("/").split("/")), each) for each in self._objects.listed(folder)
        ]


def _is_manifest(parts: tuple[str, ...]) -> bool:
    """Whether an object two levels below a folder of lists is a manifest."""
    return len(parts) == 2 and parts[1].startswith(_MANIFEST_START)
