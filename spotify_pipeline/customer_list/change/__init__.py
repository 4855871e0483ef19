"""Makes a list from another list: people taken out, or split into parts."""

from spotify_pipeline.customer_list.change.redact import redact_list, redacted_copy, rows_to_redact
from spotify_pipeline.customer_list.change.split import MOST_PARTS, parts_needed, split_list

__all__ = [
    "MOST_PARTS",
    "parts_needed",
    "redact_list",
    "redacted_copy",
    "rows_to_redact",
    "split_list",
]
