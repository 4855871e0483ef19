"""The local file while it is sent: read from disk block by block, and proven to be the file that was built."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from spotify_pipeline.spotify.checksums import BLOCK_BYTES, Checksums
from spotify_pipeline.spotify.errors import UploadRefused

MAX_UPLOAD_BYTES = 1024**3  # 1 GiB per upload, after a vendor's documentation; Spotify states no limit
_LONGEST_HEADER = 4096


class OutgoingFile:
    """One opened customer list of a known size and CRC32C.

    Attributes:
        size: bytes to send.
        handed_over: True once the last block has been taken and asked beyond, so every byte was written to the
            connection. An answer that comes before that is about less than the file.
    """

    def __init__(self, stream: BinaryIO, *, size: int, crc32c: str) -> None:
        self._stream = stream
        self._crc32c = crc32c
        self.size = size
        self.checksums = Checksums()
        self.handed_over = False

    def blocks(self) -> Iterator[bytes]:
        """The file in blocks of 1 MiB. The last one is given only when size and CRC32C have been found right.

        Raises:
            UploadRefused: the file is not what was built. The storage then lacks at least one byte, so it cannot
                take the upload for complete.
        """
        held = b""
        read = 0
        while block := self._next_block():
            read += len(block)
            if read > self.size:
                raise _changed()
            self.checksums.update(block)
            if held:
                yield held
            held = block
        if read != self.size or self.checksums.crc32c != self._crc32c:
            raise _changed()
        yield held
        self.handed_over = True

    def _next_block(self) -> bytes:
        try:
            return self._stream.read(BLOCK_BYTES)
        except OSError:
            raise UploadRefused(
                "The customer list could not be read to its end, so the upload was broken off.",
                next_step="Check the disk that holds it, build the list again, then run again.",
            ) from None


@contextmanager
def outgoing_file(path: Path, *, size: int, crc32c: str) -> Generator[OutgoingFile]:
    """Open a customer list for sending, after the checks that need no network.

    Raises:
        UploadRefused: the file cannot be opened, has another size than was built, is empty, holds a header and no
            row, or is larger than 1 GiB.
    """
    if size > MAX_UPLOAD_BYTES:
        raise UploadRefused(
            f"The customer list has {size} bytes; one upload takes {MAX_UPLOAD_BYTES} (1 GiB) at most.",
            next_step="Make the segment smaller, or split it over several audiences.",
        )
    try:
        stream = path.open("rb")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "unknown reason"
        raise UploadRefused(
            f"The customer list cannot be opened ({reason}).", next_step="Build the list again, then run again."
        ) from None
    with stream:
        if os.fstat(stream.fileno()).st_size != size:
            raise _changed()
        _, newline, first_row = stream.read(_LONGEST_HEADER).partition(b"\n")
        if not newline or not first_row:
            raise UploadRefused(
                "The customer list holds no row, and uploading it would empty the audience.",
                next_step="Check the segment; nothing was sent and the audience is as it was.",
            )
        stream.seek(0)
        yield OutgoingFile(stream, size=size, crc32c=crc32c)


def _changed() -> UploadRefused:
    return UploadRefused(
        "The customer list is not the file that was built: its size or its checksum differ. It was not uploaded.",
        next_step="Build the list again, then run again; let nothing else write to the data directory.",
    )
