"""How the sandbox reads a customer list, and what becomes of its audience."""

from spotify_pipeline.sandbox.lists.audience_status import (
    CUSTOMER_LIST,
    STATUSES,
    AudienceStatus,
    judge_list,
    settle,
    status_of,
)

__all__ = [
    "CUSTOMER_LIST",
    "STATUSES",
    "AudienceStatus",
    "judge_list",
    "settle",
    "status_of",
]
