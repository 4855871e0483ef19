"""From the rows of a segment to normalized identifiers, with a count of everything that was rejected."""

from spotify_pipeline.customer_list.normalize.identifiers import RANK, read_report, write_identifiers
from spotify_pipeline.customer_list.normalize.segment_digests import SegmentDigests, declined_digests, digests_of

__all__ = [
    "RANK",
    "SegmentDigests",
    "declined_digests",
    "digests_of",
    "read_report",
    "write_identifiers",
]
