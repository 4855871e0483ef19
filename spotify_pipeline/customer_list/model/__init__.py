"""What a customer list is: its layout, its columns, its manifest, its counts, and who is kept out of it."""

from spotify_pipeline.customer_list.model.columns import IdentifierColumns, IdentifierPlan
from spotify_pipeline.customer_list.model.digest_set import DigestSet, prefixes
from spotify_pipeline.customer_list.model.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.model.layout import TOKENS, Layout, canonical_order, header
from spotify_pipeline.customer_list.model.manifest import MANIFEST_FORMAT, IssuedFrom, Manifest, PartOf
from spotify_pipeline.customer_list.model.report import (
    ERASED,
    NO_CONSENT,
    NO_IDENTIFIER,
    IdentifiersReport,
    Tally,
    array_remark,
)
from spotify_pipeline.customer_list.model.suppressions import ERASURE, Suppressions

__all__ = [
    "ERASED",
    "ERASURE",
    "MANIFEST_FORMAT",
    "NO_CONSENT",
    "NO_IDENTIFIER",
    "TOKENS",
    "CustomerListError",
    "DigestSet",
    "IdentifierColumns",
    "IdentifierPlan",
    "IdentifiersReport",
    "IssuedFrom",
    "Layout",
    "Manifest",
    "PartOf",
    "Suppressions",
    "Tally",
    "array_remark",
    "canonical_order",
    "header",
    "prefixes",
    "withheld_errors",
]
