"""People in the rows of a warehouse: which columns identify them, what is in these, and whether somebody is meant.

A segment's rows become a customer list, a feed's rows become events; both find their people here. Nothing here knows of
lists, events, files or Spotify: data frames come in, normalized identifiers and counts go out.
"""

from spotify_pipeline.rows.digest_set import DigestSet, prefixes
from spotify_pipeline.rows.errors import RowsError, withheld_errors
from spotify_pipeline.rows.plan import IdentifierColumns, IdentifierPlan, canonical_order
from spotify_pipeline.rows.row_identifiers import holds_lists, people_holding, require_columns, row_identifiers
from spotify_pipeline.rows.source_values import as_text, gave_consent, text_lists
from spotify_pipeline.rows.suppressions import ERASURE, Suppressions
from spotify_pipeline.rows.tally import Tally

__all__ = [
    "ERASURE",
    "DigestSet",
    "IdentifierColumns",
    "IdentifierPlan",
    "RowsError",
    "Suppressions",
    "Tally",
    "as_text",
    "canonical_order",
    "gave_consent",
    "holds_lists",
    "people_holding",
    "prefixes",
    "require_columns",
    "row_identifiers",
    "text_lists",
    "withheld_errors",
]
