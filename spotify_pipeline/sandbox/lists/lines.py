"""A file as lines, whatever is in it: memory stays flat even for a gigabyte without a line break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

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
