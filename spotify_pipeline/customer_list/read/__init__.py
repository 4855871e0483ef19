"""Reads lists back: rows, verification, comparison with another list."""

from spotify_pipeline.customer_list.read.as_sent import ListAsSent, as_sent, erased_rows, remember_erased
from spotify_pipeline.customer_list.read.compare import (
    LEFT,
    MembershipChange,
    Overlap,
    TypeChange,
    compare_lists,
    holding_rows,
    overlap,
    overlaps,
    removal_reasons,
    rows_holding,
)
from spotify_pipeline.customer_list.read.rows import StoredList, read_list
from spotify_pipeline.customer_list.read.verify import verify_customer_list

__all__ = [
    "LEFT",
    "ListAsSent",
    "MembershipChange",
    "Overlap",
    "StoredList",
    "TypeChange",
    "as_sent",
    "compare_lists",
    "erased_rows",
    "holding_rows",
    "overlap",
    "overlaps",
    "read_list",
    "remember_erased",
    "removal_reasons",
    "rows_holding",
    "verify_customer_list",
]
