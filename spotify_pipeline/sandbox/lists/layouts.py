"""The layouts a customer list may have, how each is recognized, and how its rows are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import IO, cast

from spotify_pipeline.sandbox.lists.tally import ProblemKind, Tally
from spotify_pipeline.sandbox.store import DEVICE_ID, EMAIL, PHONE, TOKENS, UNSPECIFIED

_HEX = b"0123456789abcdefABCDEF"
_JSON_FIELDS = {
    **{token: token for token in TOKENS},
    "email_sha256": EMAIL,
    "phone_sha256": PHONE,
    "device_id_sha256": DEVICE_ID,
}


class Layout(StrEnum):
    WIDE = "wide"
    """A header of identifier types, a column each, a row per person. The best attested."""
    LONG = "long"
    """The header ``type,value``, a row per identifier."""
    SINGLE_COLUMN = "single_column"
    """Digests without a header."""
    NDJSON = "ndjson"
    """A JSON object per line. One vendor describes it; its page is wrong elsewhere too."""
    UNREADABLE = "unreadable"


def cells_of(line: bytes) -> list[bytes]:
    """The cells of a CSV line. Digests hold no comma or quote, so removing quotes around a cell is enough."""
    cells = line.split(b",")
    if b'"' in line:
        cells = [cell[1:-1] if len(cell) > 1 and cell[:1] == cell[-1:] == b'"' else cell for cell in cells]
    return cells


def layout_of(first_line: bytes) -> Layout:
    """The layout that a file's first line shows."""
    cells = cells_of(first_line)
    if cells == [b"type", b"value"]:
        return Layout.LONG
    if first_line.lstrip().startswith(b"{"):
        return Layout.NDJSON
    if any(cell.decode("latin-1") in TOKENS for cell in cells):
        return Layout.WIDE
    if len(cells) == 1 and len(cells[0]) == 64 and not cells[0].strip(_HEX):
        return Layout.SINGLE_COLUMN
    return Layout.UNREADABLE


def header_fault(first_line: bytes) -> ProblemKind | None:
    """What is wrong with the header of a wide list, if anything."""
    names = [cell.decode("latin-1") for cell in cells_of(first_line)]
    if any(name not in TOKENS for name in names):
        return ProblemKind.UNKNOWN_COLUMN
    if len(set(names)) != len(names):
        return ProblemKind.REPEATED_COLUMN
    return None


def count_rows(layout: Layout, first_line: bytes, rest: Iterator[bytes], tally: Tally) -> None:
    """Read every row of a list into ``tally``. ``rest`` is the file's lines after the first."""
    if layout is Layout.WIDE:
        _count_wide([name.decode() for name in cells_of(first_line)], rest, tally)
    elif layout is Layout.LONG:
        _count_long(rest, tally)
    elif layout is Layout.SINGLE_COLUMN:
        _count_wide([UNSPECIFIED], rest, tally, first_line=first_line)
    elif layout is Layout.NDJSON:
        _count_ndjson(first_line, rest, tally)


def _count_wide(columns: list[str], rest: Iterator[bytes], tally: Tally, *, first_line: bytes | None = None) -> None:
    if first_line is not None:
        tally.row([(columns[0], first_line)], 1)
    for number, line in enumerate(rest, start=2):
        cells = cells_of(line)
        if line == OVERLONG:
            tally.broken_row(ProblemKind.OVERLONG_LINE, number)
        elif not line:
            tally.row([], number)
        elif len(cells) != len(columns):
            tally.broken_row(ProblemKind.CELL_COUNT, number)
        else:
            tally.row([pair for pair in zip(columns, cells, strict=True) if pair[1]], number)


def _count_long(rest: Iterator[bytes], tally: Tally) -> None:
    for number, line in enumerate(rest, start=2):
        cells = cells_of(line)
        if line == OVERLONG:
            tally.broken_row(ProblemKind.OVERLONG_LINE, number)
        elif not line:
            tally.row([], number)
        elif len(cells) != 2:
            tally.broken_row(ProblemKind.CELL_COUNT, number)
        elif (token := cells[0].decode("latin-1")) not in TOKENS:
            tally.broken_row(ProblemKind.UNKNOWN_TYPE, number)
        else:
            tally.row([(token, cells[1])] if cells[1] else [], number)


def _count_ndjson(first_line: bytes, rest: Iterator[bytes], tally: Tally) -> None:
    for number, line in enumerate(chain([first_line], rest), start=1):
        try:
            document: object = json.loads(line)
        except (ValueError, RecursionError):  # the latter for brackets nested thousands deep
            document = None
        if not isinstance(document, dict):
            tally.broken_row(ProblemKind.NOT_JSON, number)
            continue
        fields = cast("dict[str, object]", document)
        tally.row(
            [
                (_JSON_FIELDS[name], value.encode(errors="replace"))  # JSON can spell half a surrogate pair
                for name, value in fields.items()
                if name in _JSON_FIELDS and isinstance(value, str) and value
            ],
            number,
        )


BLOCK_BYTES = 1 << 20
LONGEST_LINE = 1 << 16

OVERLONG = b"\x00overlong"
"""Stands for a line of more than 64 KiB, of which nothing is kept."""


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """Each line without its ``\\n`` or ``\\r\\n``. A line break at the end of the file starts no further line."""
    rest = b""
    overlong = False
    while block := file.read(BLOCK_BYTES):
        first, *others = block.split(b"\n")
        rest += first
        for following in others:
            yield OVERLONG if overlong or len(rest) > LONGEST_LINE else rest.removesuffix(b"\r")
            overlong = False
            rest = following
        if len(rest) > LONGEST_LINE:
            overlong, rest = True, b""
    if rest or overlong:
        yield OVERLONG if overlong else rest.removesuffix(b"\r")
