"""Receipts: one for each change at Spotify, chained by their digests."""

from spotify_pipeline.mirror.receipts.book import ReceiptBook
from spotify_pipeline.mirror.receipts.model import (
    RECEIPT_FORMAT,
    ErasureEvidence,
    ListEvidence,
    Receipt,
    ReceiptDamaged,
    ReceiptKind,
    RunEvidence,
    plain,
)
from spotify_pipeline.mirror.receipts.sent_lists import (
    LONGEST_WINDOW,
    SHORTEST_WINDOW,
    AcceptedList,
    accepted_lately,
    compared_with,
)
from spotify_pipeline.mirror.receipts.verify import ChainReport

__all__ = [
    "LONGEST_WINDOW",
    "RECEIPT_FORMAT",
    "SHORTEST_WINDOW",
    "AcceptedList",
    "ChainReport",
    "ErasureEvidence",
    "ListEvidence",
    "Receipt",
    "ReceiptBook",
    "ReceiptDamaged",
    "ReceiptKind",
    "RunEvidence",
    "accepted_lately",
    "compared_with",
    "plain",
]
