"""Writes a customer list: its bytes, its checksums, and the fingerprint of its membership."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from typing import IO, cast

import polars as pl

from spotify_pipeline.checksums import FileChecksums
from spotify_pipeline.customer_list.model import Layout, header, token_of


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

    def add(self, rows: pl.DataFrame) -> None:
        """Append rows of digests: a column per type; in the long layout each row holds one digest."""
        self.rows += rows.height
        cells = rows.select(self._columns)
        if self._layout is Layout.WIDE:
            _write_rows(cells, self._write, self._membership.update)
        else:
            _write_rows(cells, self._membership.update)
            token = pl.coalesce(pl.when(pl.col(c).is_not_null()).then(pl.lit(token_of(c))) for c in self._columns)
            _write_rows(cells.select(token.alias("type"), pl.coalesce(self._columns).alias("value")), self._write)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.checksums.update(data)


class _Receivers(io.RawIOBase):
    """A file, as far as Polars can tell, that hands on what is written to it."""

    def __init__(self, receivers: Sequence[Callable[[bytes], None]]) -> None:
        super().__init__()
        self._receivers = receivers

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - Polars gives bytes
        for receive in self._receivers:
            receive(data)
        return len(data)


def _write_rows(rows: pl.DataFrame, *receivers: Callable[[bytes], None]) -> None:
    file = cast("IO[bytes]", _Receivers(receivers))
    rows.write_csv(file, include_header=False, quote_style="never", null_value="")
