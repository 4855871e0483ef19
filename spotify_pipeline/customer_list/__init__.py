"""Hashed customer lists: from the rows of a segment to a verified CSV file with its manifest.

Stage one, ``write_identifiers``, keeps the rows with consent and normalizes their identifiers into a private
Parquet file. Stage two, ``build_customer_list``, hashes them into a list of distinct rows. ``verify_customer_list``
reads the list again before it is sent. ``SnapshotStore`` says where all of it lies. Both stages stream: memory does
not grow with the segment.

A list that exists can be compared with another (``compare_lists``, ``overlap``, ``removal_reasons``), have people
taken out of it (``issue``, ``withdraw``), and be split into parts (``split_list``). A set of digests, ``DigestSet``,
says who is meant.
"""

from __future__ import annotations

from spotify_pipeline.customer_list.as_sent import ListAsSent, erased_rows
from spotify_pipeline.customer_list.build import OVER_LIMIT, SUPPRESSED, build_customer_list
from spotify_pipeline.customer_list.digest_set import DigestSet
from spotify_pipeline.customer_list.errors import CustomerListError
from spotify_pipeline.customer_list.layout import TOKENS, Layout
from spotify_pipeline.customer_list.list_parts import MOST_PARTS, parts_needed, split_list
from spotify_pipeline.customer_list.list_rows import StoredList
from spotify_pipeline.customer_list.manifest import Manifest, PartOf
from spotify_pipeline.customer_list.membership import (
    LEFT,
    MembershipChange,
    Overlap,
    TypeChange,
    compare_lists,
    overlap,
    overlaps,
    removal_reasons,
    rows_holding,
)
from spotify_pipeline.customer_list.normalized_identifiers import read_report, write_identifiers
from spotify_pipeline.customer_list.plan import IdentifierColumns, IdentifierPlan
from spotify_pipeline.customer_list.report import ERASED, NO_CONSENT, NO_IDENTIFIER, IdentifiersReport, array_remark
from spotify_pipeline.customer_list.segment_digests import SegmentDigests, declined_digests, digests_of
from spotify_pipeline.customer_list.store import SnapshotStore
from spotify_pipeline.customer_list.suppressions import Suppressions
from spotify_pipeline.customer_list.truncation import Truncation
from spotify_pipeline.customer_list.verify import verify_customer_list
from spotify_pipeline.customer_list.withdrawal import issue, rows_to_withdraw, withdraw

__all__ = [
    "ERASED",
    "LEFT",
    "MOST_PARTS",
    "NO_CONSENT",
    "NO_IDENTIFIER",
    "OVER_LIMIT",
    "SUPPRESSED",
    "TOKENS",
    "CustomerListError",
    "DigestSet",
    "IdentifierColumns",
    "IdentifierPlan",
    "IdentifiersReport",
    "Layout",
    "ListAsSent",
    "Manifest",
    "MembershipChange",
    "Overlap",
    "PartOf",
    "SegmentDigests",
    "SnapshotStore",
    "StoredList",
    "Suppressions",
    "Truncation",
    "TypeChange",
    "array_remark",
    "build_customer_list",
    "compare_lists",
    "declined_digests",
    "digests_of",
    "erased_rows",
    "issue",
    "overlap",
    "overlaps",
    "parts_needed",
    "read_report",
    "removal_reasons",
    "rows_holding",
    "rows_to_withdraw",
    "split_list",
    "verify_customer_list",
    "withdraw",
    "write_identifiers",
]
