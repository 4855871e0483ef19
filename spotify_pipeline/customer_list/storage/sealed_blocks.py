"""Raw identifiers in a bucket: encrypted, block by block, so that memory stays flat.

A file is 16 random bytes, its id, and then blocks of 1 MiB, each sealed for its place: which object, which file, which
number, and whether it is the last. So no block can be moved, left out, or taken from another file.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from spotify_pipeline.customer_list.model import CustomerListError
from spotify_pipeline.customer_list.storage.ranges import RangeReader, ReadRange
from spotify_pipeline.home import HomeError

_ID_BYTES = 16
_BLOCK_BYTES = 1 << 20


class Seals(Protocol):
    """Encrypts, bound to a place; ``ListsKey`` does."""

    def seal(self, content: bytes, place: str) -> bytes:
        """``content``, encrypted."""
        ...

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for ``place``.

        Raises:
            HomeError: it was not, or with another key.
        """
        ...


def sealed_file(file: Path, name: str, seals: Seals) -> Iterator[bytes]:
    """A file's bytes as they are written into the object called ``name``."""
    file_id = secrets.token_bytes(_ID_BYTES)
    yield file_id
    with file.open("rb") as opened:
        number, block = 0, opened.read(_BLOCK_BYTES)
        while True:
            following = opened.read(_BLOCK_BYTES)
            yield seals.seal(block, _place(name, file_id, number, last=not following))
            if not following:
                return
            number, block = number + 1, following


class SealedReader(RangeReader):
    """The plain bytes of such an object. One block is in memory, and nothing on the disk."""

    def __init__(self, read: ReadRange, size: int, name: str, seals: Seals) -> None:
        """
        Args:
            read: gets ranges of the object.
            size: of the object.
            name: of the object.
            seals: opens what was sealed.
        """
        self._read, self._name, self._seals = read, name, seals
        self._file_id = read(0, _ID_BYTES)
        added = len(seals.seal(b"", ""))
        self._sealed_bytes = _BLOCK_BYTES + added
        self._blocks = -(-(size - _ID_BYTES) // self._sealed_bytes)
        self._end = size
        super().__init__(size - _ID_BYTES - self._blocks * added)
        self._number, self._block = -1, b""

    def piece(self, position: int, length: int) -> bytes:
        """As far as the block reaches.

        Raises:
            CustomerListError: the object is damaged, or encrypted with another key.
        """
        number, within = divmod(position, _BLOCK_BYTES)
        if number != self._number:
            self._number, self._block = number, self._opened(number)
        return self._block[within : within + length]

    def _opened(self, number: int) -> bytes:
        start = _ID_BYTES + number * self._sealed_bytes
        sealed = self._read(start, min(start + self._sealed_bytes, self._end))
        place = _place(self._name, self._file_id, number, last=number == self._blocks - 1)
        try:
            return self._seals.open(sealed, place)
        except HomeError:
            raise CustomerListError(
                f"The identifiers in {self._name} are damaged, or encrypted with another key than this machine has. "
                "Materialize the identifiers again."
            ) from None


def _place(name: str, file_id: bytes, number: int, *, last: bool) -> str:
    return json.dumps(["object", name, file_id.hex(), number, last])
