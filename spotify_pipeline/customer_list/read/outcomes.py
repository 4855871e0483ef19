"""Keeps what was found in a list beside it, so that no list is read twice for one answer.

An outcome holds counts, never a digest of anybody. Its file, ``found-<list before>-<inputs>.json``, is named by all
that it follows from: both lists, as they are and as they were sent, and the people who were asked about. So it answers
nothing else. It goes with either list, and whenever somebody is forgotten.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from spotify_pipeline.customer_list.model import Manifest
from spotify_pipeline.customer_list.read.compare import (
    NOBODY,
    ROWS_OF_ONE_PERSON,
    MembershipChange,
    Overlap,
    Reasons,
    compare_lists,
    holding_prefixes,
    overlap,
    rows_holding,
)
from spotify_pipeline.customer_list.read.sent_version import SentVersion, prefix_rows
from spotify_pipeline.customer_list.storage import StoredFile, StoredList, found_file, write_small
from spotify_pipeline.home import HomeError
from spotify_pipeline.rows import DigestSet, prefixes

_Found = TypeVar("_Found")
_COUNTED_BY = f"1, {ROWS_OF_ONE_PERSON} rows a person"
"""What is counted, and how. It changes whenever an outcome would."""
_CHANGE = TypeAdapter(MembershipChange)
_ROWS = TypeAdapter(NonNegativeInt)


class WrittenRows:
    """Takes what a list is compared by while it is written: the first 64 bits of each digest, so eight bytes a cell."""

    def __init__(self) -> None:
        self._rows: list[pl.DataFrame] = []

    def begin(self) -> None:
        """A list is begun; what was taken of another is dropped."""
        self._rows = []

    def add(self, rows: pl.DataFrame) -> None:
        """Take the next rows: a column of digests per type."""
        self._rows.append(rows.select(prefixes(each) for each in rows))

    def of(self, manifest: Manifest) -> pl.DataFrame:
        """The rows of the list that this manifest describes, as they would be read from it."""
        nothing = pl.DataFrame(schema=dict.fromkeys(manifest.columns, pl.UInt64))
        return pl.concat([nothing, *(each.select(manifest.columns) for each in self._rows)])

    @property
    def digests(self) -> DigestSet:
        """Every digest of the list."""
        return DigestSet.of_prefixes(*(column for each in self._rows for column in each.iter_columns()))


class ComparedList:
    """A list that is compared with others. It is read once at most, and only if what is asked was never found out.

    While it is held, memory holds eight bytes for each of its cells once it was compared.
    """

    def __init__(self, stored: StoredList, written: WrittenRows | None = None) -> None:
        """
        Args:
            stored: the list.
            written: its rows, where it was just written.
        """
        self.stored = stored
        self._known = written.of(stored[1]) if written is not None else None

    @property
    def manifest(self) -> Manifest:
        """What describes it."""
        return self.stored[1]

    def change_since(
        self,
        old: SentVersion,
        *,
        erased: DigestSet = NOBODY,
        confirmed: DigestSet = NOBODY,
        reasons: Reasons | None = None,
    ) -> MembershipChange:
        """How the membership changed since another list, as ``compare_lists`` says.

        Where ``reasons`` are given, it is counted again: they are of people whom the warehouse names now.

        Raises:
            CustomerListError: a file is not there, or not the one that its manifest describes.
        """
        if old.manifest.sha256 == self.manifest.sha256:
            return MembershipChange(staying=self.manifest.list_rows, added=0, removed=0)
        asked = [old.kept.sha256, erased.fingerprint, confirmed.fingerprint]
        file = _file(self.stored, old.manifest, asked)
        found = _read(file, _CHANGE) if reasons is None else None
        if found is None:
            found = compare_lists(old, self._rows(), erased=erased, confirmed=confirmed, reasons=reasons)
            _write(file, _CHANGE, found)
        return found

    def overlap_with(self, other: SentVersion) -> Overlap:
        """How many rows of another list are of people in this one, and the reverse: ``a`` is the other.

        Raises:
            CustomerListError: a file is not there, or not the one that its manifest describes.
        """
        return overlap(other, self._rows())

    def rows_holding(self, digests: DigestSet) -> int:
        """How many rows hold any of these digests, of people whom the ledger of erasures names.

        Raises:
            CustomerListError: the file is not there, or not the one that its manifest describes.
        """
        found = known_rows_holding(self.stored, digests)
        if found is None:
            if self._known is not None:
                found = int(holding_prefixes(self._known, digests).sum())
            else:
                found = rows_holding(self.stored, digests)
            _write(_holding_file(self.stored, digests), _ROWS, found)
        return found

    def _rows(self) -> pl.DataFrame:
        if self._known is None:
            self._known = prefix_rows(self.stored)
        return self._known


def known_rows_holding(stored: StoredList, digests: DigestSet) -> int | None:
    """How many rows of a list hold any of these digests; None where that was never counted."""
    return _read(_holding_file(stored, digests), _ROWS) if len(digests) else 0


def _holding_file(stored: StoredList, digests: DigestSet) -> StoredFile:
    return _file(stored, stored[1], [digests.fingerprint])


def _file(stored: StoredList, before: Manifest, asked: list[str]) -> StoredFile:
    path, now = stored
    inputs = json.dumps([_COUNTED_BY, _identity(now), _identity(before), *asked])
    return found_file(path, before.sha256, hashlib.sha256(inputs.encode()).hexdigest())


def _identity(manifest: Manifest) -> list[str | int]:
    """What the rows of a list follow from; a column without a value is in no row, and may be in the file or not."""
    return [manifest.sha256, manifest.list_rows, *manifest.columns]


def _read(file: StoredFile, kind: TypeAdapter[_Found]) -> _Found | None:
    with suppress(OSError, ValidationError):
        return kind.validate_json(file.read_bytes(), strict=True)
    return None


def _write(file: StoredFile, kind: TypeAdapter[_Found], found: _Found) -> None:
    """Keep an outcome. That this fails costs time, and nothing else."""
    with suppress(HomeError):
        if not isinstance(file, Path) or file.parent.is_dir():
            write_small(file, kind.dump_json(found))
