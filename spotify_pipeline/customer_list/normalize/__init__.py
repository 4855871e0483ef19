"""Normalizes the rows of a segment to identifiers, and counts everything that was rejected."""

from spotify_pipeline.customer_list.normalize.identifiers import RANK, read_report, write_identifiers
from spotify_pipeline.customer_list.normalize.segment_digests import (
    SegmentDigests,
    digests_of,
    non_consenting_digests,
    read_declined,
)

__all__ = [
    "RANK",
    "SegmentDigests",
    "digests_of",
    "non_consenting_digests",
    "read_declined",
    "read_report",
    "write_identifiers",
]
