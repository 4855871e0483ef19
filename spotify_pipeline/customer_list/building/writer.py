"""Writes a list and counts what its manifest will say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl

from spotify_pipeline.customer_list.building.digest_counts import DigestCounts
from spotify_pipeline.customer_list.building.list_file import ListFile, ListText
from spotify_pipeline.customer_list.model import FileFields, Layout


@dataclass(frozen=True, repr=False)
class ReadyRows:
    """Rows of a list, as text, and as what their digests are counted by."""

    rows: pl.DataFrame
    text: ListText
    numbers: Mapping[str, pl.Series]


class ListWriter:
    """Takes distinct rows of digests in canonical order, writes them, and counts."""

    def __init__(
        self,
        file: IO[bytes],
        folder: Path,
        *,
        layout: Layout,
        columns: Sequence[str],
        rules_version: int,
    ) -> None:
        """Write the header.

        Args:
            file: where the list goes.
            folder: a private directory of this object's own, to count in.
            layout: the layout of the list.
            columns: the columns of the list, in its order.
            rules_version: version of the identity rules.
        """
        self._columns = list(columns)
        self._list = ListFile(file, layout, columns, rules_version=rules_version)
        self._digests = DigestCounts(folder, columns, layout)
        self._cells = Counter[str](dict.fromkeys(columns, 0))

    @property
    def rows(self) -> int:
        """Rows so far."""
        return self._list.rows

    @property
    def bytes(self) -> int:
        """Bytes so far, the header among them."""
        return self._list.checksums.bytes

    def add(self, rows: pl.DataFrame) -> None:
        """Append the list's next rows: a column per type."""
        self.take(self.ready(rows))

    def ready(self, rows: pl.DataFrame) -> ReadyRows:
        """The first half of :meth:`add`, which changes nothing, so that several threads may do it."""
        return ReadyRows(rows, self._list.text_of(rows), self._digests.numbers_of(rows))

    def take(self, ready: ReadyRows) -> None:
        """The second half of :meth:`add`."""
        self._list.append(ready.text)
        self._digests.add(ready.rows, ready.numbers)
        self._cells.update({column: ready.rows[column].count() for column in self._columns})

    def file_fields(self) -> FileFields:
        """What ``Manifest`` says of the file; once, after the last row."""
        checksums = self._list.checksums
        return {
            "columns": tuple(self._columns),
            "list_rows": self._list.rows,
            "digests": self._digests.totals(),
            "cells": {column: self._cells[column] for column in self._columns},
            "bytes": checksums.bytes,
            "sha256": checksums.sha256,
            "crc32c": checksums.crc32c,
            "md5": checksums.md5,
            "fingerprint": self._list.fingerprint,
        }
