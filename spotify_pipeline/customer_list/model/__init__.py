"""What a customer list is: its layout, its manifest, its counts, and its errors."""

from spotify_pipeline.customer_list.model.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.model.layout import TOKENS, Layout, header
from spotify_pipeline.customer_list.model.manifest import MANIFEST_FORMAT, FileFields, IssuedFrom, Manifest, PartOf
from spotify_pipeline.customer_list.model.report import (
    ERASED,
    NO_CONSENT,
    NO_IDENTIFIER,
    IdentifiersReport,
    SegmentTally,
    array_remark,
)

__all__ = [
    "ERASED",
    "MANIFEST_FORMAT",
    "NO_CONSENT",
    "NO_IDENTIFIER",
    "TOKENS",
    "CustomerListError",
    "FileFields",
    "IdentifiersReport",
    "IssuedFrom",
    "Layout",
    "Manifest",
    "PartOf",
    "SegmentTally",
    "array_remark",
    "header",
    "withheld_errors",
]
