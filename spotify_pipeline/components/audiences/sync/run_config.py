"""What a person may state when the audience is materialized: a word for one held-back list, or a way back."""

# No postponed annotations: Dagster reads them when the class is made.

from typing import Self

import dagster as dg
from pydantic import Field

from spotify_pipeline.mirror import validated_name, validated_reason


class Word(dg.Config):
    """What a person says in a run's configuration; as much is asked for as by the commands."""

    reason: str = Field(description="Why it is right, in a sentence of at least 10 characters. The receipt says it.")
    approved_by: str = Field(description="Who says so.")

    def accountable(self) -> Self:
        """The same, fit for a receipt.

        Raises:
            MirrorRefused: the reason says nothing, nobody is named, or either cannot be shown.
        """
        return self.model_copy(
            update={"reason": validated_reason(self.reason), "approved_by": validated_name(self.approved_by)}
        )


class Approve(Word):
    """A word for a list that guards hold back. It counts once: for one file, or for a change of the list that is live.

    State one of ``file_digest`` and ``within``.
    """

    file_digest: str = Field(default="", description="The SHA-256 of the list, or its first 12 characters or more.")
    within: dict[str, float] = Field(
        default={},
        description="The change that is right, as the largest share of each guard that blocks: {shrink: 0.55}.",
    )


class Rollback(Word):
    """Send the list of an older partition again, without those who must not be in it any more."""


class RunConfig(dg.Config):
    """By default neither: the newest list is sent if no guard holds it back."""

    approve: Approve | None = None
    rollback: Rollback | None = None
