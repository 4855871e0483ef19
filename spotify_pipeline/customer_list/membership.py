"""Who is in two lists, who in one of them, and why somebody is in a list no more. Numbers of rows only.

A row is of the same person as a row of another list when they share any digest. Digests are compared by their first
64 bits, type by type (``DigestSet`` says how often that errs), so memory holds eight bytes for each cell of the lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from spotify_pipeline.customer_list.digest_set import DigestSet, prefixes
from spotify_pipeline.customer_list.errors import withheld_errors
from spotify_pipeline.customer_list.list_rows import StoredList, read_list

LEFT = "left"
"""Left the segment, or an identifier changed or became invalid: no other reason is known."""

_TASK = "Comparing customer lists"


@dataclass(frozen=True, kw_only=True)
class MembershipChange:
    """What became of a list.

    Attributes:
        staying: rows of the new list whose people are in the old one.
        added: rows of the new list whose people are not.
        removed: rows of the old list whose people are not in the new one.
    """

    staying: int
    added: int
    removed: int


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


def compare_lists(old: StoredList, new: StoredList) -> MembershipChange:
    """How the membership changed from one list to another.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
    """
    common = overlap(old, new)
    return MembershipChange(
        staying=common.shared_b, added=common.rows_b - common.shared_b, removed=common.rows_a - common.shared_a
    )


def overlap(a: StoredList, b: StoredList) -> Overlap:
    """How many rows of each list are of people in the other.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
    """
    rows_a, rows_b = _prefix_rows(a), _prefix_rows(b)
    return Overlap(
        rows_a=rows_a.height,
        rows_b=rows_b.height,
        shared_a=int(_shared(rows_a, rows_b).sum()),
        shared_b=int(_shared(rows_b, rows_a).sum()),
    )


def removal_reasons(old: StoredList, new: StoredList, reasons: Mapping[str, DigestSet]) -> dict[str, int]:
    """Why rows of the old list have their people no more in the new one: rows by reason, all reasons named.

    Args:
        old: the list before.
        new: the list after.
        reasons: digests of whom a reason holds. The first that fits a row counts.

    Returns:
        Rows by reason in the given order, and last those for which none holds, as ``left``.

    Raises:
        CustomerListError: a file is not there, or not the one that its manifest describes.
    """
    before = _prefix_rows(old)
    unexplained = before.filter(~_shared(before, _prefix_rows(new)))
    counts: dict[str, int] = {}
    for reason, digests in reasons.items():
        holds = _any(*(digests.holds_prefixes(column) for column in unexplained.iter_columns()))
        counts[reason] = int(holds.sum())
        unexplained = unexplained.filter(~holds)
    return {**counts, LEFT: unexplained.height}


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


def _prefix_rows(customer_list: StoredList) -> pl.DataFrame:
    _, manifest = customer_list
    nothing = pl.DataFrame(schema=dict.fromkeys(manifest.columns, pl.UInt64))
    with withheld_errors(_TASK):
        found = [rows.select(prefixes(each) for each in rows) for rows in read_list(customer_list)]
        return pl.concat([nothing, *found])


def _shared(rows: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """Whether each row shares a digest, of the same type, with any of the others."""
    common = [name for name in rows.columns if name in others.columns]
    nobody = pl.repeat(value=False, n=rows.height, dtype=pl.Boolean, eager=True)
    return _any(nobody, *(DigestSet.of_prefixes(others[name]).holds_prefixes(rows[name]) for name in common))


def _any(first: pl.Series, *others: pl.Series) -> pl.Series:
    for each in others:
        first = first | each
    return first
