"""What a person may state when the audience is materialized: a word for one held-back list, or a way back."""

# No postponed annotations: Dagster reads them when the class is made.

import dagster as dg
from pydantic import Field


class Approve(dg.Config):
    """A word for one list that guards hold back. It counts once, and for no other file."""

    file_digest: str = Field(description="The SHA-256 of the list, or its first 12 characters or more.")
    reason: str = Field(min_length=3, description="Why the list is right all the same.")
    approved_by: str = Field(min_length=1, description="Who says so.")


class Rollback(dg.Config):
    """Send the list of an older partition again, without those who must not be in it any more."""

    reason: str = Field(min_length=3, description="Why.")
    approved_by: str = Field(min_length=1, description="Who says so.")


class SendConfig(dg.Config):
    """By default neither: the newest list is sent if no guard holds it back."""

    approve: Approve | None = None
    rollback: Rollback | None = None
