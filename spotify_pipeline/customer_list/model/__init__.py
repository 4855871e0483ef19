"""What a customer list is: its layout, its manifest, its counts, and its errors."""

from spotify_pipeline.customer_list.model.errors import CustomerListError, withheld_errors
from spotify_pipeline.customer_list.model.layout import Layout, header, token_of
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
    "token_of",
    "withheld_errors",
]
