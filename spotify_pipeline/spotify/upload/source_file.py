"""Reads the list block by block while it is sent, and proves that it is the file that was built."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast

import google_crc32c

from spotify_pipeline.checksums import Crc32c
from spotify_pipeline.home import reason_of
from spotify_pipeline.spotify.errors import UploadRefused
from spotify_pipeline.spotify_limits import LARGEST_FILE, STORAGE_BLOCK

_LONGEST_HEADER = 4096


class ListObject(Protocol):
    """A customer list that is no file of this machine: any range of it can be read."""

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        """A reader at any position, which raises OSError where there is none, or no longer the same."""
        ...

    def identity(self) -> object | None:
        """Equal as long as it is the same; None where it does not exist any more."""
        ...


class SourceFile:
    """One open customer list of a known size and CRC32C; any range can be read, any number of times.

    The first read of each block updates the CRC32C of the whole file, in order, and the CRC32C of each block is kept:
    a second read must be the same. The last block is given out only after the whole file proved to be what was built,
    so of a changed file the storage lacks at least one byte.
    """

    def __init__(
        self, stream: BinaryIO, *, size: int, crc32c: str, untouched: Callable[[], bool] = lambda: True
    ) -> None:
        """
        Args:
            stream: the file.
            size, crc32c: of the file when it was built.
            untouched: whether the file is still the one that was opened, by its metadata.
        """
        self._stream = stream
        self.crc32c = crc32c
        self._untouched = untouched
        self._whole = Crc32c()
        self._blocks: list[int] = []  # CRC32C of each block that has been read
        self.size = size

    def read_up_to(self, offset: int) -> None:
        """Add the bytes before ``offset`` to the CRC32C, unless they are in it.

        Raises:
            UploadRefused: as for :meth:`blocks`.
        """
        while len(self._blocks) * STORAGE_BLOCK < offset:
            self._block(len(self._blocks))

    def blocks(self, first: int, end: int) -> Iterator[bytes]:
        """The bytes from ``first`` up to, not including, ``end``, in blocks of at most 256 KiB.

        Raises:
            UploadRefused: the file is not what was built, or could not be read.
        """
        self.read_up_to(first)
        if not self._untouched():
            raise _changed()
        for index in range(first // STORAGE_BLOCK, -(-end // STORAGE_BLOCK)):
            start = index * STORAGE_BLOCK
            block = self._block(index)
            if start + len(block) == self.size:
                self._require_as_built()
            if first > start or end < start + len(block):
                block = block[max(0, first - start) : end - start]
            yield block

    def _block(self, index: int) -> bytes:
        start = index * STORAGE_BLOCK
        block = self._read(start, min(STORAGE_BLOCK, self.size - start))
        crc32c = cast("int", google_crc32c.value(block))
        if index == len(self._blocks):
            self._whole.update(block)
            self._blocks.append(crc32c)
        elif self._blocks[index] != crc32c:
            raise _changed()
        return block

    def _read(self, start: int, length: int) -> bytes:
        with _disk():
            self._stream.seek(start)
            block = self._stream.read(length)
        if len(block) != length:
            raise _changed()
        return block

    def _require_as_built(self) -> None:
        longer = bool(self._read_beyond())
        if longer or self._whole.base64 != self.crc32c or not self._untouched():
            raise _changed()

    def _read_beyond(self) -> bytes:
        with _disk():
            self._stream.seek(self.size)
            return self._stream.read(1)


@contextmanager
def open_source_file(path: Path | ListObject, *, size: int, crc32c: str) -> Generator[SourceFile]:
    """Open a customer list for sending, after the checks that need no network.

    Raises:
        UploadRefused: the file cannot be opened or read, has another size than was built, is empty, holds a header
            and no row, or is larger than 1 GiB.
    """
    if size > LARGEST_FILE:
        raise UploadRefused(
            f"The customer list has {size} bytes; one upload may have at most {LARGEST_FILE} (1 GiB).",
            next_step="Make the segment smaller, or split it over several audiences.",
        )
    try:
        stream = path.open("rb")
    except OSError as error:
        reason = reason_of(error)
        raise UploadRefused(
            f"The customer list cannot be opened ({reason}).", next_step="Build the list again, then run again."
        ) from None
    with stream:
        with _disk():
            found = _identity(os.fstat(stream.fileno())) if isinstance(path, Path) else path.identity()
            length = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            beginning = stream.read(_LONGEST_HEADER)
        if length != size:
            raise _changed()
        _, newline, first_row = beginning.partition(b"\n")
        if not newline or not first_row:
            raise UploadRefused(
                "The customer list holds no row, and uploading it would empty the audience.",
                next_step="Check the segment; nothing was sent and the audience is unchanged.",
            )
        yield SourceFile(stream, size=size, crc32c=crc32c, untouched=lambda: _identity_at(path) == found)


@contextmanager
def _disk() -> Generator[None]:
    """Turns a disk failure into a typed error, without the file's name."""
    try:
        yield
    except OSError:
        raise UploadRefused(
            "The customer list could not be read to its end, so the upload was stopped.",
            next_step="Check the disk or the bucket that holds it, build the list again, then run again.",
        ) from None


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _identity_at(path: Path | ListObject) -> object | None:
    """Of the file that has the path now: another, if it was replaced while we have the first one open."""
    try:
        return _identity(path.stat()) if isinstance(path, Path) else path.identity()
    except OSError:
        return None


def _changed() -> UploadRefused:
    return UploadRefused(
        "The customer list is not the file that was built: its size or its checksum differ, so it is not uploaded.",
        next_step="Build the list again, then run again; let nothing else write to the data directory.",
    )
