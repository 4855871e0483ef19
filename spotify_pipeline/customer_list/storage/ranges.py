"""Reads an object at any position, a range at a time."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ReadRange = Callable[[int, int], bytes]
"""An object's bytes from one position up to, not including, another."""


class RangeReader(io.RawIOBase):
    """Bytes that are got in pieces; each kind of reader says how."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._position = 0

    @abstractmethod
    def piece(self, position: int, length: int) -> bytes:
        """Some of the bytes from ``position`` on, at least one and at most ``length``; there are any."""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """At any position."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer as far as one piece reaches; 0 at the end."""
        view = memoryview(buffer).cast("B")
        if self._position >= self._size or not len(view):
            return 0
        piece = self.piece(self._position, min(len(view), self._size - self._position))
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)


class PlainReader(RangeReader):
    """An object as it is."""

    def __init__(self, read: ReadRange, size: int) -> None:
        """``read`` gets ranges of the object, which has ``size`` bytes."""
        super().__init__(size)
        self._read = read

    def piece(self, position: int, length: int) -> bytes:
        """That range."""
        return self._read(position, position + length)
