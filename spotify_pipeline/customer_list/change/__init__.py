"""Makes a list of a list: people taken out, or split into parts."""

from spotify_pipeline.customer_list.change.redact import issue, rows_to_withdraw, withdraw
from spotify_pipeline.customer_list.change.split import MOST_PARTS, parts_needed, split_list

__all__ = [
    "MOST_PARTS",
    "issue",
    "parts_needed",
    "rows_to_withdraw",
    "split_list",
    "withdraw",
]
