"""Looks through every byte of files for traces of people and for secrets, also inside databases and compressed data.

A file is read in blocks that overlap, whatever its size. Compressed members are found by their first bytes and
unpacked; a database of SQLite is read as bytes, which finds what was deleted, and through SQLite, which finds what is
spread over pages; a Parquet file is decoded. What comes out of these is looked through in the same way.
"""

from __future__ import annotations

import io
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from spotify_pipeline_tests.stress.leaks.needles import Kind, Needle

BLOCK = 1 << 20
OVERLAP = 1 << 10
"""More than the longest needle in its longest form."""
DEEPEST = 3
"""How many containers may be inside one another."""
LARGEST_MEMBER, LARGEST_FRAME = 64 << 20, 4 << 20
"""Bytes that are unpacked of one member, of zlib or of zstd: bombs end here."""
DIGITS = 16
"""Of a digest so many leading hex digits stand for it."""

_GZIP, _ZSTD, _SQLITE, _PARQUET = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"SQLite format 3\x00", b"PAR1"
_MEMBERS = re.compile(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd|\x78[\x01\x5e\x9c\xda]")
_HEX = re.compile(rb"[0-9a-f]{%d,}" % DIGITS)


@dataclass(frozen=True, order=True)
class Finding:
    """A trace: where, of what, and in which form. It holds no value, for it is printed."""

    place: str
    kind: Kind
    form: str
    offset: int

    def __str__(self) -> str:
        return f"{self.place}: {self.kind} ({self.form}) at byte {self.offset}"


class Scanner:
    """Looks for all needles at once, and for the digests of people."""

    def __init__(self, needles: Iterable[Needle], digests: Iterable[str] = ()) -> None:
        self._needles: list[Needle] = []
        self._prefixes: dict[bytes, Kind] = {}
        self.add(needles)
        self.add_digests(digests)

    def add(self, needles: Iterable[Needle]) -> None:
        """Look for these, too, from now on."""
        known = set(self._needles)
        self._needles += [needle for needle in dict.fromkeys(needles) if needle not in known]
        assert all(8 <= len(needle.pattern) <= OVERLAP for needle in self._needles)

    def add_digests(self, digests: Iterable[str], kind: Kind = Kind.DIGEST) -> None:
        """Look for these hex digests, too, from now on; those that are known become of this kind."""
        self._prefixes.update({digest[:DIGITS].lower().encode(): kind for digest in digests})

    def file(self, path: Path, name: str, *, decoded: bool = True) -> set[Finding]:
        """What is found in a file, which may be growing or gone; of each kind and form the first.

        ``decoded``: read a database or a Parquet file also as what it is, which takes longer.
        """
        try:
            with path.open("rb") as file:
                begin = file.read(len(_SQLITE))
                file.seek(0)
                found = self._stream(file, name, 0)
        except FileNotFoundError:
            return set()
        if decoded and begin == _SQLITE:
            found |= self._database(path, name)
        if decoded and begin[:4] == _PARQUET:
            found |= self._parquet(path, name)
        return found

    def data(self, data: bytes, name: str, depth: int = 0) -> set[Finding]:
        """What is found in these bytes."""
        return self._stream(io.BytesIO(data), name, depth)

    def rows(self, rows: Iterable[Sequence[object]], name: str) -> set[Finding]:
        """What is found in the cells of these rows."""
        found: set[Finding] = set()
        for row in rows:
            cells = [cell if isinstance(cell, bytes) else str(cell).encode() for cell in row]
            found |= {_anywhere(each) for each in self.data(b"\n".join(cells), name, 1)}
        return found

    def _stream(self, file: IO[bytes], name: str, depth: int) -> set[Finding]:
        first: dict[tuple[Kind, str], int] = {}
        members: list[int] = []
        for offset, block in _blocks(file):
            for kind, form, position in self._block(block):
                first.setdefault((kind, form), offset + position)
            if depth < DEEPEST:
                members += [offset + match.start() for match in _MEMBERS.finditer(block)]
        found = {Finding(name, kind, form, offset) for (kind, form), offset in first.items()}
        for offset in dict.fromkeys(members):
            file.seek(offset)
            unpacked = _unpacked(file)
            if unpacked:
                found |= self.data(unpacked, f"{name} > member at {offset}", depth + 1)
        return found

    def _block(self, block: bytes) -> Iterator[tuple[Kind, str, int]]:
        block = block.rstrip(b"\0")  # of files that are made longer than what is in them
        folded = block.lower()
        for needle in self._needles:
            position = (folded if needle.folded else block).find(needle.pattern)
            if position >= 0:
                yield needle.kind, needle.form, position
        if self._prefixes:
            for kind, position in self._digests_in(folded).items():
                yield kind, "hex", position

    def _digests_in(self, folded: bytes) -> dict[Kind, int]:
        first: dict[Kind, int] = {}
        sought = set(self._prefixes.values())
        for run in _HEX.finditer(folded):
            digits = run.group()
            for start in range(len(digits) - DIGITS + 1):
                kind = self._prefixes.get(digits[start : start + DIGITS])
                if kind is not None:
                    first.setdefault(kind, run.start() + start)
                    if len(first) == len(sought):
                        return first
        return first

    def _database(self, path: Path, name: str) -> set[Finding]:
        """The values of a database as SQLite gives them."""
        found: set[Finding] = set()
        try:
            connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=0.2)
        except sqlite3.Error:
            return found
        connection.text_factory = bytes
        try:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                quoted = table.decode().replace('"', '""')
                found |= self.rows(connection.execute(f'SELECT * FROM "{quoted}"'), f"{name} > table {table.decode()}")
        except sqlite3.Error:
            # Somebody is writing, or it is half a file: its bytes were looked through.
            pass
        finally:
            connection.close()
        return found

    def _parquet(self, path: Path, name: str) -> set[Finding]:
        found: set[Finding] = set()
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    for column in batch.schema.names:
                        cells = (str(value).encode() for value in batch.column(column).to_pylist())
                        place = f"{name} > column {column}"
                        found |= {_anywhere(each) for each in self.data(b"\n".join(cells), place, 1)}
        except (pa.ArrowException, OSError):
            pass
        return found


def _anywhere(found: Finding) -> Finding:
    """The finding without its offset, which means nothing among decoded values: one of each kind is enough."""
    return Finding(found.place.partition(" > member")[0], found.kind, found.form, 0)


def _blocks(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Overlapping blocks with the offset at which each begins."""
    offset, tail = 0, b""
    while read := file.read(BLOCK):
        block = tail + read
        yield offset - len(tail), block
        offset += len(read)
        tail = block[-OVERLAP:]


def _unpacked(file: IO[bytes]) -> bytes:
    """What a compressed member that begins here holds, as far as it can be read; nothing if it is none."""
    begin = file.read(4)
    file.seek(-len(begin), io.SEEK_CUR)
    if begin == _ZSTD:
        return _unpacked_zstd(file)
    unpacker = zlib.decompressobj(wbits=31 if begin.startswith(_GZIP) else 15)
    out = io.BytesIO()
    try:
        while not unpacker.eof and out.tell() < LARGEST_MEMBER and (read := file.read(1 << 16)):
            out.write(unpacker.decompress(read, LARGEST_MEMBER))
    except zlib.error:
        pass
    return out.getvalue()


def _unpacked_zstd(file: IO[bytes]) -> bytes:
    out = io.BytesIO()
    try:
        # A copy, for the stream closes what it reads from.
        with pa.CompressedInputStream(pa.BufferReader(file.read(LARGEST_FRAME)), "zstd") as stream:
            # In small pieces: one that reaches beyond the frame's end is lost to the error that follows.
            while out.tell() < LARGEST_FRAME and (read := stream.read(16)):
                out.write(read)
    except (pa.ArrowException, OSError):
        pass
    return out.getvalue()
