"""Hashed customer lists: from the rows of a segment to a verified CSV file with its manifest.

Stage one, ``write_identifiers``, keeps the rows with consent and normalizes their identifiers into a private
Parquet file. Stage two, ``build_customer_list``, hashes them into a list of distinct rows. ``verify_customer_list``
reads the list again before it is sent. ``SnapshotStore`` says where all of it lies. Both stages stream: memory does
not grow with the segment.
"""

from __future__ import annotations

from spotify_pipeline.customer_list.build import build_customer_list
from spotify_pipeline.customer_list.digest_set import DigestSet
from spotify_pipeline.customer_list.errors import CustomerListError
from spotify_pipeline.customer_list.layout import TOKENS, Layout
from spotify_pipeline.customer_list.manifest import Manifest
from spotify_pipeline.customer_list.normalized_identifiers import read_report, write_identifiers
from spotify_pipeline.customer_list.plan import IdentifierColumns, IdentifierPlan
from spotify_pipeline.customer_list.report import IdentifiersReport
from spotify_pipeline.customer_list.store import SnapshotStore
from spotify_pipeline.customer_list.suppressions import Suppressions
from spotify_pipeline.customer_list.verify import verify_customer_list

__all__ = [
    "TOKENS",
    "CustomerListError",
    "DigestSet",
    "IdentifierColumns",
    "IdentifierPlan",
    "IdentifiersReport",
    "Layout",
    "Manifest",
    "SnapshotStore",
    "Suppressions",
    "build_customer_list",
    "read_report",
    "verify_customer_list",
    "write_identifiers",
]
