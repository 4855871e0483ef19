"""People who asked to be forgotten: their digests, and the lists and audiences that they have to leave.

``read_identifiers`` turns what somebody types into digests. ``forget`` enters them in the ``ErasureLedger``, which
each list is held against before it is sent, and takes them out of the lists that are kept. ``explain`` says where
somebody is. ``erasure_alert`` says when an erasure waits too long.
"""

from __future__ import annotations

from spotify_pipeline.privacy.deadline import erasure_alert
from spotify_pipeline.privacy.errors import ErasureError, LedgerError, UnusableLines
from spotify_pipeline.privacy.explain import ExplainedLine, Explanation, Place, Sighting, explain
from spotify_pipeline.privacy.forget import DEADLINE, Forgotten, Review, RewrittenList, forget
from spotify_pipeline.privacy.identifiers import DIGEST, GivenIdentifier, read_identifiers
from spotify_pipeline.privacy.ledger import Attribution, ErasureLedger, ErasureRequest
from spotify_pipeline.privacy.live_lists import NOT_KNOWN, LiveLists
from spotify_pipeline.privacy.losses import LiveLoss

__all__ = [
    "DEADLINE",
    "DIGEST",
    "NOT_KNOWN",
    "Attribution",
    "ErasureError",
    "ErasureLedger",
    "ErasureRequest",
    "ExplainedLine",
    "Explanation",
    "Forgotten",
    "GivenIdentifier",
    "LedgerError",
    "LiveLists",
    "LiveLoss",
    "Place",
    "Review",
    "RewrittenList",
    "Sighting",
    "UnusableLines",
    "erasure_alert",
    "explain",
    "forget",
    "read_identifiers",
]
