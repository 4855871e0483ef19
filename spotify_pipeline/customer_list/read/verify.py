"""Verifies a finished list, as suspiciously as if somebody else had written it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import polars as pl

from spotify_pipeline.checksums import SizeAndSums
from spotify_pipeline.cores import in_order
from spotify_pipeline.customer_list.model import CustomerListError, Layout, Manifest, header, token_of, withheld_errors
from spotify_pipeline.customer_list.read.rows import whole_lines
from spotify_pipeline.customer_list.storage import StoredFile, byte_values

_HEX_DIGITS = b"0123456789abcdef"
_FIRST_DIGIT = ord("0")
"""Commas and line feeds come before it in ASCII."""
_DIGEST_OF_NOTHING = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def verify_customer_list(path: StoredFile, manifest: Manifest) -> None:
    """Check that ``path`` is the list that ``manifest`` describes, and that it may be sent.

    The header is that of the layout and columns; every cell is 64 lower-case hex digits or, in the wide layout, empty;
    no row is empty; no cell is the digest of nothing; lines end in LF, the last one too; rows, bytes, SHA-256 and
    CRC32C are those of the manifest. Its MD5 is not computed again: it was taken of the same bytes as the SHA-256, and
    the storage's own is compared with it. The file is read once, a few megabytes at a time.

    Raises:
        CustomerListError: something is not so. The message names the file and the line, never a cell.
    """
    if not path.is_file():
        raise CustomerListError(f"There is no customer list at {path}. Materialize the customer list first.")
    with withheld_errors(f"Verifying the customer list {path}"):
        checksums = SizeAndSums()
        lines = _verify_lines(path, manifest, checksums)
        _require_equal(path, "rows", lines, manifest.list_rows)
        _require_equal(path, "bytes", checksums.bytes, manifest.bytes)
        for name in ("sha256", "crc32c"):
            _require_equal(path, name, getattr(checksums, name), getattr(manifest, name))


def _verify_lines(path: StoredFile, manifest: Manifest, checksums: SizeAndSums) -> int:
    """Check each line; the number of rows."""
    lines = 0
    pieces = _rows(path, header(manifest.layout, manifest.columns), checksums)
    with closing(in_order(partial(_looked_at, manifest=manifest), pieces)) as done:
        for piece in done:
            if piece.fault:
                raise _wrong_line(path, lines + piece.lines + 2, piece.fault)  # the header is line 1
            lines += piece.lines
    return lines


def _rows(path: StoredFile, first_line: bytes, checksums: SizeAndSums) -> Iterator[bytes]:
    """The file in pieces of whole lines, the first without the header."""
    header_is_due = True
    for piece in whole_lines(path, checksums.update):
        if header_is_due and not piece.startswith(first_line):
            raise _wrong_line(path, 1, f"is not the header {first_line.decode().strip()!r}")
        yield piece[len(first_line) :] if header_is_due else piece
        header_is_due = False
    if header_is_due:
        raise _wrong_line(path, 1, "is missing: the file is empty")


@dataclass(frozen=True)
class _Piece:
    """Some lines that are as they must be, and what is wrong with the line after them; "" for nothing."""

    lines: int
    fault: str = ""


def _looked_at(rows: bytes, *, manifest: Manifest) -> _Piece:
    wide = len(manifest.columns) if manifest.layout is Layout.WIDE else None
    row = _row_pattern(manifest)
    if not (are_wide_rows(rows, wide) if wide else _all_match(rows, row)):
        well_formed = re.match(rb"(?:" + row.encode() + rb"\n)*+", rows)
        good = rows.count(b"\n", 0, well_formed.end() if well_formed else 0)
        return _Piece(good, "is not a row of digests: 64 lower-case hex digits a cell, and LF at its end")
    nothing = rows.find(_DIGEST_OF_NOTHING)
    if nothing >= 0:
        return _Piece(rows.count(b"\n", 0, nothing), "holds the digest of an empty value")
    return _Piece(rows.count(b"\n"))


def _row_pattern(manifest: Manifest) -> str:
    """A row without its line feed: some cell holds a digest, each other holds one or nothing."""
    digest = "[0-9a-f]{64}"
    if manifest.layout is Layout.LONG:
        return f"(?:{'|'.join(token_of(column) for column in manifest.columns)}),{digest}"
    count = len(manifest.columns)
    return "(?:" + "|".join("," * n + digest + f",(?:{digest})?" * (count - 1 - n) for n in range(count)) + ")"


def are_wide_rows(rows: bytes, columns: int) -> bool:
    """Whether ``rows`` are rows of so many cells and nothing else, by where their separators are.

    The same as :func:`_row_pattern`, and in a third of the time.
    """
    separators = rows.translate(None, _HEX_DIGITS)
    if columns == 1:
        return len(rows) == 65 * len(separators) and rows[64::65] == separators == b"\n" * len(separators)
    count = len(separators) // columns
    if separators != (b"," * (columns - 1) + b"\n") * count:
        return False
    if not count:
        return not rows
    at = (byte_values(rows) < _FIRST_DIGIT).arg_true().cast(pl.Int64)
    ends = at.gather_every(columns, columns - 1)
    if ends[-1] != len(rows) - 1:
        return False
    cells, lines = at.diff().fill_null(at[0] + 1), ends.diff().fill_null(ends[0] + 1)
    return bool(((cells == 1) | (cells == 65)).all()) and bool((lines > columns).all())


def _all_match(rows: bytes, row: str) -> bool:
    """Whether ``rows`` are well-formed rows and nothing else. Polars' regular expressions are thrice as fast as re."""
    if not rows.isascii():
        return False
    text = pl.Series([rows], dtype=pl.Binary).cast(pl.String)
    return bool(text.str.contains(rf"\A(?:{row}\n)*\z").item())


def _require_equal(path: StoredFile, what: str, found: int | str, stated: int | str) -> None:
    if found != stated:
        # A text in a damaged manifest may be anything.
        differs = (
            f"{what} {found}, its manifest says {stated}"
            if isinstance(stated, int)
            else f"not the {what} of its manifest"
        )
        raise CustomerListError(
            f"{path} has {differs}: the file, or its manifest, was changed after it was built. "
            "Nothing is sent. Materialize the customer list again."
        )


def _wrong_line(path: StoredFile, line: int, what: str) -> CustomerListError:
    return CustomerListError(f"{path}, line {line}: {what}. Nothing is sent. Materialize the customer list again.")
