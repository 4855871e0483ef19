"""From the rows of a segment to normalized identifiers, with a count of everything that was rejected."""

from spotify_pipeline.customer_list.normalize.identifiers import RANK, read_report, write_identifiers
from spotify_pipeline.customer_list.normalize.row_identifiers import people_holding, row_identifiers
from spotify_pipeline.customer_list.normalize.segment_digests import SegmentDigests, declined_digests, digests_of
from spotify_pipeline.customer_list.normalize.source_values import as_text, gave_consent, text_lists

__all__ = [
    "RANK",
    "SegmentDigests",
    "as_text",
    "declined_digests",
    "digests_of",
    "gave_consent",
    "people_holding",
    "read_report",
    "row_identifiers",
    "text_lists",
    "write_identifiers",
]
