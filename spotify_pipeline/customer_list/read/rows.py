"""Reads a list's rows back."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from spotify_pipeline.customer_list.model import CustomerListError, Layout, Manifest, header, token_of, withheld_errors
from spotify_pipeline.customer_list.storage import StoredFile, StoredList

_READ_BYTES = 1 << 22
_LONGEST_LINE = 1 << 10


def read_list(customer_list: StoredList) -> Iterator[pl.DataFrame]:
    """The rows of a list in its order, some 30,000 at a time: a column of digests per type of its manifest.

    In the long layout one cell of each row holds a digest, the others are null, as they are where rows are written.

    Raises:
        CustomerListError: there is no file, or it is not the one that the manifest describes. That is known at the
            end: what was made of the rows so far must not be used then.
    """
    path, manifest = customer_list
    if not path.is_file():
        raise CustomerListError(f"There is no customer list at {path}. Materialize the customer list first.")
    first_line = header(manifest.layout, manifest.columns)
    sha256 = hashlib.sha256()
    with withheld_errors(f"Reading the customer list {path}"):
        at_start = True
        for piece in whole_lines(path, sha256.update):
            if at_start and not piece.startswith(first_line):
                raise _changed(path)
            rows = piece[len(first_line) :] if at_start else piece
            at_start = False
            if rows:
                yield _parsed(rows, manifest)
        if sha256.hexdigest() != manifest.sha256:
            raise _changed(path)


def whole_lines(path: StoredFile, update: Callable[[bytes], None]) -> Iterator[bytes]:
    """A file in pieces that end in a line feed, but for the last, which ends as the file does.

    Another thread calls ``update`` with all bytes in turn, while a piece is looked at.
    """
    rest = b""
    with path.open("rb") as file, ThreadPoolExecutor(max_workers=1) as thread:
        while block := file.read(_READ_BYTES):
            summed = thread.submit(update, block)
            end = block.rfind(b"\n") + 1
            if end or len(rest) + len(block) > _LONGEST_LINE:
                end = end or len(block)
                yield rest + block[:end]
                rest = block[end:]
            else:
                rest += block
            summed.result()
    if rest:
        yield rest


def _parsed(rows: bytes, manifest: Manifest) -> pl.DataFrame:
    long = manifest.layout is Layout.LONG
    names = ["type", "value"] if long else list(manifest.columns)
    cells = pl.read_csv(
        io.BytesIO(rows), has_header=False, schema=dict.fromkeys(names, pl.String), quote_char=None, raise_if_empty=True
    )
    if not long:
        return cells
    return cells.select(
        pl.when(pl.col("type") == token_of(column)).then(pl.col("value")).alias(column) for column in manifest.columns
    )


def _changed(path: StoredFile) -> CustomerListError:
    return CustomerListError(
        f"{path} is not the file that its manifest describes: it was changed after it was built. "
        "Nothing was sent. Materialize the customer list again."
    )
