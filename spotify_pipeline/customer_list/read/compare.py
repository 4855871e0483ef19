"""Compares two lists: who is in both, who is in one, and why somebody left. Counts of rows only.

A row is of the same person as a row of another list when they share a digest. A digest that many rows share, such as
the number of a shop, proves nobody where a row has another. Digests are compared by their first 64 bits, type by type
(``DigestSet`` says how often that errs), so memory holds eight bytes for each cell of the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import polars as pl

from spotify_pipeline.customer_list.model import withheld_errors
from spotify_pipeline.customer_list.read.rows import read_list
from spotify_pipeline.customer_list.read.sent_version import ListRows, prefix_rows
from spotify_pipeline.customer_list.storage import StoredList, append_rows, read_rows
from spotify_pipeline.rows import DigestSet

LEFT = "left"
"""Left the segment, or an identifier changed or became invalid: no other reason is known."""

ROWS_OF_ONE_PERSON = 10
"""A digest that more rows of a list share is no person's alone. A person with several values of each type has several
rows, and a household shares a telephone; ten rows are beyond both, and far below what a shop's number is on."""

Reasons: TypeAlias = Mapping[str, Callable[[], DigestSet]]
"""Why people may have left, each with what gives their digests: asked only while rows have no other reason."""

NOBODY = DigestSet.of()
_TASK = "Comparing customer lists"


@dataclass(frozen=True, kw_only=True)
class TypeChange:
    """How the distinct digests of one type changed.

    Attributes:
        before: in the old list.
        now: in the new one.
        staying: in both.
        confirmed: of those in the old list only, how many are in rows of people whose erasure was confirmed.
    """

    before: int
    now: int
    staying: int
    confirmed: int = 0

    @property
    def added(self) -> int:
        """Only in the new list."""
        return self.now - self.staying

    @property
    def removed(self) -> int:
        """Only in the old list, and not of people whose erasure was confirmed."""
        return self.before - self.staying - self.confirmed


@dataclass(frozen=True, kw_only=True)
class MembershipChange:
    """How the membership of a list changed.

    Attributes:
        staying: rows of the new list whose people are in the old one.
        added: rows of the new list whose people are not.
        removed: rows of the old list whose people are not in the new one.
        erased: how many of those removed are of people who asked to be forgotten.
        confirmed: how many of these were confirmed.
        types: how the digests changed, by type.
        reasons: of those removed, by why, where that was asked; those for which no reason holds last, as ``left``.
    """

    staying: int
    added: int
    removed: int
    erased: int = field(default=0, compare=False)
    confirmed: int = field(default=0, compare=False)
    types: Mapping[str, TypeChange] = field(default_factory=dict[str, TypeChange], compare=False)
    reasons: Mapping[str, int] = field(default_factory=dict[str, int], compare=False)


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How much two lists have in common.

    Attributes:
        rows_a: rows of the first.
        rows_b: rows of the second.
        shared_a: rows of the first whose people are in the second.
        shared_b: rows of the second whose people are in the first.
    """

    rows_a: int
    rows_b: int
    shared_a: int
    shared_b: int

    @property
    def likeness(self) -> float:
        """People in both as a share of those in either, 0 to 1 (Jaccard); 0 of two empty lists.

        A person may have other numbers of rows in the two, so those in both are the mean of the two counts.
        """
        shared = (self.shared_a + self.shared_b) / 2
        either = self.rows_a + self.rows_b - shared
        return shared / either if either else 0.0


def compare_lists(
    old: ListRows,
    new: ListRows,
    *,
    erased: DigestSet = NOBODY,
    confirmed: DigestSet = NOBODY,
    reasons: Reasons | None = None,
) -> MembershipChange:
    """How the membership changed from one list to another.

    Args:
        old: the list before.
        new: the list after.
        erased: digests of those who asked to be forgotten.
        confirmed: of those of them whose erasure was confirmed.
        reasons: why people may have left; the first that fits a row counts.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
        Exception: what one of ``reasons`` raises passes.
    """
    with withheld_errors(_TASK):
        before, now = prefix_rows(old), prefix_rows(new)
        stays_in_new, stays = _shared(before, now), _shared(now, before)
        removed = before.filter(~stays_in_new)
        of_confirmed = removed.filter(_of_people(removed, confirmed))
        change = MembershipChange(
            staying=int(stays.sum()),
            added=int((~stays).sum()),
            removed=removed.height,
            erased=int(_of_people(removed, erased | confirmed).sum()),
            confirmed=of_confirmed.height,
            types={name: _type_change(before[name], now, of_confirmed[name]) for name in before.columns},
        )
    return replace(change, reasons=_by_reason(removed, reasons)) if reasons else change


def _by_reason(removed: pl.DataFrame, reasons: Reasons) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reason, digests in reasons.items():
        held = digests() if removed.height else NOBODY
        with withheld_errors(_TASK):
            holds = holding_prefixes(removed, held)
            counts[reason] = int(holds.sum())
            removed = removed.filter(~holds)
    return {**counts, LEFT: removed.height}


def overlap(a: ListRows, b: ListRows) -> Overlap:
    """How many rows of each list are of people in the other.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
    """
    with withheld_errors(_TASK):
        rows_a, rows_b = prefix_rows(a), prefix_rows(b)
        return Overlap(
            rows_a=rows_a.height,
            rows_b=rows_b.height,
            shared_a=int(_shared(rows_a, rows_b).sum()),
            shared_b=int(_shared(rows_b, rows_a).sum()),
        )


def overlaps(lists: Mapping[str, StoredList], folder: Path) -> Iterator[tuple[str, str, Overlap]]:
    """The overlap of every pair of lists, by their names in alphabetical order. Each list is read once.

    What is compared lies in files meanwhile, so memory holds two lists at a time, however many there are.

    Args:
        lists: by name.
        folder: private and empty, on a disk with room for an eighth of the lists.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
    """
    names = sorted(lists)
    files = {name: folder / f"{number}.rows" for number, name in enumerate(names)}
    with withheld_errors(_TASK):
        for name in names:
            append_rows(files[name], prefix_rows(lists[name]))
        for number, first in enumerate(names):
            rows = _read_back(files[first])
            for second in names[number + 1 :]:
                yield first, second, overlap(rows, _read_back(files[second]))


def _read_back(file: Path) -> pl.DataFrame:
    return pl.concat(read_rows(file))


def rows_holding(customer_list: StoredList, digests: DigestSet) -> int:
    """How many rows of a list hold any of these digests.

    Raises:
        CustomerListError: the file is not there, or not the one that its manifest describes.
    """
    with withheld_errors(_TASK):
        return sum(int(holding_rows(rows, digests).sum()) for rows in read_list(customer_list))


def holding_rows(rows: pl.DataFrame, digests: DigestSet) -> pl.Series:
    """Whether each row of digests holds any of these, in whatever column."""
    return _any(*(digests.holds(column) for column in rows.iter_columns()))


def _of_people(rows: pl.DataFrame, digests: DigestSet) -> pl.Series:
    """Whether each row of prefixes holds any of these, or is of the same person as one that does."""
    holding = holding_prefixes(rows, digests)
    return holding | _shared(rows, rows.filter(holding))


def holding_prefixes(rows: pl.DataFrame, digests: DigestSet) -> pl.Series:
    """Whether each row of prefixes holds any of these."""
    return _any(*(digests.holds_prefixes(column) for column in rows.iter_columns()))


def _shared(rows: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """Whether each row shares a digest, of the same type, with any of the others.

    A row that has a digest of its own is known by such digests only.
    """
    nobody = pl.repeat(value=False, n=rows.height, dtype=pl.Boolean, eager=True)
    shares = has_own = shares_own = nobody
    for name, column in rows.to_dict().items():
        there = others[name] if name in others.columns else pl.Series(dtype=pl.UInt64)
        holds = DigestSet.of_prefixes(there).holds_prefixes(column)
        own = column.is_not_null() & ~(_of_many(column) | _of_many(there)).holds_prefixes(column)
        shares, has_own, shares_own = shares | holds, has_own | own, shares_own | (holds & own)
    return shares_own | (shares & ~has_own)


def _of_many(column: pl.Series) -> DigestSet:
    """The digests that more rows share than one person has."""
    return DigestSet.of_prefixes(
        column.drop_nulls().rename("digest").value_counts().filter(pl.col("count") > ROWS_OF_ONE_PERSON)["digest"]
    )


def _type_change(before: pl.Series, new: pl.DataFrame, of_confirmed: pl.Series) -> TypeChange:
    old = before.drop_nulls().unique()
    now = new[before.name].drop_nulls().unique() if before.name in new.columns else old.clear()
    gone = old.filter(~DigestSet.of_prefixes(now).holds_prefixes(old))
    confirmed = DigestSet.of_prefixes(of_confirmed).holds_prefixes(gone)
    return TypeChange(before=old.len(), now=now.len(), staying=old.len() - gone.len(), confirmed=int(confirmed.sum()))


def _any(first: pl.Series, *others: pl.Series) -> pl.Series:
    for each in others:
        first = first | each
    return first
