"""Writes a customer list: its bytes, its checksums, and the fingerprint of its membership."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO

import polars as pl

from spotify_pipeline.checksums import FileChecksums
from spotify_pipeline.customer_list.model import Layout, header, token_of


@dataclass(frozen=True, repr=False)
class ListText:
    """Some rows of a list as bytes: how many, those of the file, and those of the fingerprint."""

    rows: int
    lines: bytes
    membership: bytes


class ListFile:
    """A list in the making: UTF-8 without BOM, line feeds, commas, no quotes.

    The fingerprint is the SHA-256, in hex, of these bytes::

        spotify-pipeline customer list 1\\n
        rules <version of the identity rules>\\n
        columns <identifier types of the list, in canonical order, joined by commas>\\n
        <each row: a cell for each of those types, empty or a digest, joined by commas>\\n

    Rows come distinct and in canonical order, so it depends on the membership alone: not on the order, batches or
    duplicates of the source. In the wide layout its rows are those of the file. In the long layout each digest is
    a row of its own, so a list of a single identifier type has the same fingerprint in both. A list of several has not:
    the long one does not say which digests belong to one person.
    """

    def __init__(self, file: IO[bytes], layout: Layout, columns: Sequence[str], *, rules_version: int) -> None:
        self.rows = 0
        self.checksums = FileChecksums()
        self._file = file
        self._layout = layout
        self._columns = list(columns)
        self._membership = hashlib.sha256(
            f"spotify-pipeline customer list 1\nrules {rules_version}\ncolumns {','.join(columns)}\n".encode()
        )
        self._write(header(layout, columns))

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the rows so far."""
        return self._membership.hexdigest()

    def text_of(self, rows: pl.DataFrame) -> ListText:
        """Rows of digests, a column per type, as they are to be written; in the long layout each holds one digest.

        It changes nothing, so that several threads may do it.
        """
        cells = rows.select(self._columns)
        membership = _csv(cells)
        if self._layout is Layout.WIDE:
            return ListText(rows.height, membership, membership)
        token = pl.coalesce(pl.when(pl.col(c).is_not_null()).then(pl.lit(token_of(c))) for c in self._columns)
        lines = cells.select(token.alias("type"), pl.coalesce(self._columns).alias("value"))
        return ListText(rows.height, _csv(lines), membership)

    def append(self, text: ListText) -> None:
        """Append the list's next rows."""
        self.rows += text.rows
        with ThreadPoolExecutor(1) as thread:  # hashlib releases the lock
            fingerprinted = thread.submit(self._membership.update, text.membership)
            self._write(text.lines)
            fingerprinted.result()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.checksums.update(data)


def _csv(rows: pl.DataFrame) -> bytes:
    text = io.BytesIO()
    rows.write_csv(text, include_header=False, quote_style="never", null_value="")
    return text.getvalue()
