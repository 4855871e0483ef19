"""Commands on audiences: plan, approve, retire, and what was sent."""

from spotify_pipeline.cli.audiences.approve import LONGEST_HOURS, SHORTEST_DIGEST, approve
from spotify_pipeline.cli.audiences.receipts import receipts
from spotify_pipeline.cli.audiences.retire import retire
from spotify_pipeline.cli.audiences.rollback import rollback
from spotify_pipeline.cli.audiences.views import changes, overlap, plan

__all__ = [
    "LONGEST_HOURS",
    "SHORTEST_DIGEST",
    "approve",
    "changes",
    "overlap",
    "plan",
    "receipts",
    "retire",
    "rollback",
]
