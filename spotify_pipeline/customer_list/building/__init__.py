"""Builds the hashed CSV file and its manifest from normalized identifiers, in bounded memory."""

from spotify_pipeline.customer_list.building.build import OVER_LIMIT, SUPPRESSED, build_customer_list
from spotify_pipeline.customer_list.building.truncation import Truncation
from spotify_pipeline.customer_list.building.writer import ListWriter

__all__ = [
    "OVER_LIMIT",
    "SUPPRESSED",
    "ListWriter",
    "Truncation",
    "build_customer_list",
]
