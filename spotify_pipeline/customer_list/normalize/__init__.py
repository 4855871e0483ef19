"""From the rows of a segment to normalized identifiers, with a count of everything that was rejected."""

from spotify_pipeline.customer_list.normalize.identifiers import RANK, read_report, write_identifiers
from spotify_pipeline.customer_list.normalize.segment_digests import SegmentDigests, digests_of, non_consenting_digests

__all__ = [
    "RANK",
    "SegmentDigests",
    "digests_of",
    "non_consenting_digests",
    "read_report",
    "write_identifiers",
]
