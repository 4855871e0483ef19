"""Commands on audiences: approve, plan, receipts, retire, rollback, changes, overlap."""

from spotify_pipeline.cli.audiences.approve import LONGEST_HOURS, SHORTEST_DIGEST

__all__ = [
    "LONGEST_HOURS",
    "SHORTEST_DIGEST",
]
