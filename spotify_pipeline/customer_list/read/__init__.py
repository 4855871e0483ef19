"""Reads lists back: rows, verification, comparison with another list."""

from spotify_pipeline.customer_list.read.compare import (
    LEFT,
    MembershipChange,
    Overlap,
    Reasons,
    TypeChange,
    compare_lists,
    holding_rows,
    overlap,
    overlaps,
    rows_holding,
)
from spotify_pipeline.customer_list.read.outcomes import ComparedList, WrittenRows, known_rows_holding
from spotify_pipeline.customer_list.read.rows import read_list
from spotify_pipeline.customer_list.read.sent_version import (
    SentVersion,
    erased_rows,
    remember_erased,
    rows_erased,
    sent_version,
)
from spotify_pipeline.customer_list.read.verify import verify_customer_list

__all__ = [
    "LEFT",
    "ComparedList",
    "MembershipChange",
    "Overlap",
    "Reasons",
    "SentVersion",
    "TypeChange",
    "WrittenRows",
    "compare_lists",
    "erased_rows",
    "holding_rows",
    "known_rows_holding",
    "overlap",
    "overlaps",
    "read_list",
    "remember_erased",
    "rows_erased",
    "rows_holding",
    "sent_version",
    "verify_customer_list",
]
