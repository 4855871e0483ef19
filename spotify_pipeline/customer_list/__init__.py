"""Hashed customer lists: from the rows of a segment to a verified CSV file with its manifest.

Stage one, ``write_identifiers``, keeps the rows with consent and normalizes their identifiers into a private
Parquet file. Stage two, ``build_customer_list``, hashes them into a list of distinct rows. ``verify_customer_list``
reads the list again before it is sent. ``SnapshotStore`` says where all of it lies. Both stages stream: memory does
not grow with the segment.

A list that exists can be compared with another (``compare_lists``, ``overlap``), have people
taken out of it (``redacted_copy``, ``redact_list``), and be split into parts (``split_list``). Who is meant, a
``rows.DigestSet`` says.
"""

from __future__ import annotations

from spotify_pipeline.customer_list.building import OVER_LIMIT, SUPPRESSED, Truncation, build_customer_list
from spotify_pipeline.customer_list.change import (
    MOST_PARTS,
    parts_needed,
    redact_list,
    redacted_copy,
    rows_to_redact,
    split_list,
)
from spotify_pipeline.customer_list.model import (
    ERASED,
    NO_CONSENT,
    NO_IDENTIFIER,
    CustomerListError,
    IdentifiersReport,
    Layout,
    Manifest,
    PartOf,
    array_remark,
)
from spotify_pipeline.customer_list.normalize import (
    SegmentDigests,
    digests_of,
    non_consenting_digests,
    read_report,
    write_identifiers,
)
from spotify_pipeline.customer_list.read import (
    LEFT,
    ComparedList,
    MembershipChange,
    Overlap,
    Reasons,
    SentVersion,
    TypeChange,
    WrittenRows,
    compare_lists,
    erased_rows,
    overlap,
    overlaps,
    rows_erased,
    rows_holding,
    verify_customer_list,
)
from spotify_pipeline.customer_list.storage import BucketError, StoredFile, StoredList
from spotify_pipeline.customer_list.store import MovedLists, SnapshotStore, move_lists

__all__ = [
    "ERASED",
    "LEFT",
    "MOST_PARTS",
    "NO_CONSENT",
    "NO_IDENTIFIER",
    "OVER_LIMIT",
    "SUPPRESSED",
    "BucketError",
    "ComparedList",
    "CustomerListError",
    "IdentifiersReport",
    "Layout",
    "Manifest",
    "MembershipChange",
    "MovedLists",
    "Overlap",
    "PartOf",
    "Reasons",
    "SegmentDigests",
    "SentVersion",
    "SnapshotStore",
    "StoredFile",
    "StoredList",
    "Truncation",
    "TypeChange",
    "WrittenRows",
    "array_remark",
    "build_customer_list",
    "compare_lists",
    "digests_of",
    "erased_rows",
    "move_lists",
    "non_consenting_digests",
    "overlap",
    "overlaps",
    "parts_needed",
    "read_report",
    "redact_list",
    "redacted_copy",
    "rows_erased",
    "rows_holding",
    "rows_to_redact",
    "split_list",
    "verify_customer_list",
    "write_identifiers",
]
