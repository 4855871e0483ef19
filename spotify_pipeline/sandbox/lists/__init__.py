"""How the sandbox reads a customer list, and the status that its audience gets."""

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
