"""One object of a bucket, read like a file, and the list that it may be."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from spotify_pipeline.customer_list.model import CustomerListError, Manifest
from spotify_pipeline.customer_list.storage.objects import ObjectStorage
from spotify_pipeline.customer_list.storage.ranges import PlainReader
from spotify_pipeline.customer_list.storage.sealed_blocks import SealedReader, Seals, sealed_file

READ_BYTES = 1 << 22
"""What one request reads of an object that is read from its beginning."""
MANIFESTS = "manifest-*.json"
_NUMBER_DIGITS = 8
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BucketFile:
    """An object, which need not exist. No textual form holds a credential.

    A list's folder holds its bytes as ``<sha256>.csv``, and manifests, which are numbered and created, never
    overwritten: the newest says which bytes hold. So of two who change a list at a time, one is told.

    Attributes:
        objects: those of the bucket.
        key: its name below the bucket's folder.
        scratch: a directory of this machine for what is made of it.
        seals: encrypts it; None for an object that holds digests at most.
        number: of a list: of the manifest that said that these are its bytes; None of one that is to be written.
    """

    objects: ObjectStorage
    key: str
    scratch: Path
    seals: Seals | None = None
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.objects}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """All but the last part of its key."""
        return self.key.rpartition("/")[0]

    def with_name(self, name: str) -> BucketFile:
        """Another object of the same folder."""
        return replace(self, key=f"{self.folder}/{name}", number=None)

    def is_file(self) -> bool:
        """Whether it exists."""
        return self.identity() is not None

    def identity(self) -> object | None:
        """Equal as long as it is the same version of the object; None where it does not exist."""
        try:
            found = self.objects.head(self.key)
        except FileNotFoundError:
            return None
        return found.e_tag, found.size, found.written_at

    def open(self, mode: Literal["rb"], /) -> io.BufferedReader:  # noqa: ARG002 - as a path is opened
        """A reader at any position, of the version that there is now; it asks for a few megabytes at a time.

        Raises:
            FileNotFoundError: there is no such object, or, when it is read, no longer this version of it.
        """
        found = self.objects.head(self.key)

        def part(start: int, end: int) -> bytes:
            return self.objects.read(self.key, start, end, found.e_tag)

        if self.seals is not None:
            return io.BufferedReader(SealedReader(part, found.size, self.key, self.seals), READ_BYTES)
        return io.BufferedReader(PlainReader(part, found.size), READ_BYTES)

    def read_bytes(self) -> bytes:
        """All of it, of a small one."""
        return self.objects.content(self.key)

    def unlink(self, *, missing_ok: bool) -> None:  # noqa: ARG002 - as a path is
        """Delete it, if it exists."""
        self.objects.delete(self.key)

    def beside(self, pattern: str) -> Iterator[BucketFile]:
        """The objects of the same folder whose names match."""
        for each in self.objects.listed(self.folder):
            if fnmatchcase(each.name.rpartition("/")[2], pattern):
                yield replace(self, key=each.name, number=None)

    def put(self, finished: Path | bytes) -> None:
        """Write it, whole or not at all, in place of any other; encrypted where it has to be."""
        if self.seals is not None and isinstance(finished, Path):
            self.objects.put(self.key, sealed_file(finished, self.key, self.seals))
        else:
            self.objects.put(self.key, finished)

    def put_list(self, finished: Path | BucketFile, manifest: Manifest) -> None:
        """Make a list be what ``manifest`` describes: first its bytes, then the manifest; what it was is deleted.

        Raises:
            CustomerListError: another process changed the list meanwhile. It is as that left it.
        """
        data = self.with_name(data_name(manifest))
        if isinstance(finished, BucketFile):
            self.objects.copy(finished.key, data.key)
        else:
            self.objects.put(data.key, finished)
        self.put_manifest(manifest)

    def put_manifest(self, manifest: Manifest) -> None:
        """Put a newer manifest of a list.

        Raises:
            CustomerListError: another process changed the list meanwhile. It is as that left it.
        """
        before = self.number if self.number is not None else max(self.manifests(), default=0)
        if not self.objects.create(self._manifest(before + 1).key, manifest.to_json().encode()):
            raise CustomerListError(
                f"The customer list in {self.objects}/{self.folder} was changed by another process meanwhile. "
                "Nothing was sent. Run again."
            )
        self.delete_superseded()

    def manifests(self) -> list[int]:
        """The numbers of the manifests in its folder, in order; the last one holds."""
        names = [each.name.removeprefix("manifest-").removesuffix(".json") for each in self.beside(MANIFESTS)]
        return sorted(int(each) for each in names if each.isascii() and each.isdecimal())

    def delete_superseded(self) -> int:
        """Delete the manifests before the newest, each after the bytes that only it names; how many."""
        numbers = self.manifests()
        if len(numbers) < 2:
            return 0
        kept = data_name(Manifest.from_json(self._manifest(numbers[-1]).read_bytes()))
        for number in numbers[:-1]:
            superseded = self._manifest(number)
            with suppress(FileNotFoundError, CustomerListError):  # another process deleted it; or nobody can tell
                named = data_name(Manifest.from_json(superseded.read_bytes()))
                if named != kept:
                    self.objects.delete(self.with_name(named).key)
            self.objects.delete(superseded.key)
        return len(numbers) - 1

    def current(self) -> tuple[BucketFile, Manifest] | None:
        """The list in its folder, with its manifest; None where there is none.

        Raises:
            CustomerListError: the manifest cannot be read.
        """
        while numbers := self.manifests():
            with suppress(FileNotFoundError):  # there is a newer one by now, or none
                manifest = Manifest.from_json(self._manifest(numbers[-1]).read_bytes())
                return replace(self.with_name(data_name(manifest)), number=numbers[-1]), manifest
        return None

    def _manifest(self, number: int) -> BucketFile:
        return self.with_name(MANIFESTS.replace("*", f"{number:0{_NUMBER_DIGITS}}"))


def data_name(manifest: Manifest) -> str:
    """What the bytes of a list are called in a bucket: by their digest, so that a name never means other bytes.

    Raises:
        CustomerListError: it has none.
    """
    if not _SHA256.fullmatch(manifest.sha256):
        raise CustomerListError("A manifest in the bucket names no digest. Materialize the customer list again.")
    return f"{manifest.sha256}.csv"
