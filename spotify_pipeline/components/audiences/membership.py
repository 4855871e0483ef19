"""Who came and who left between the list that Spotify has and a new one, as a waterfall of counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dagster as dg

from spotify_pipeline.components.audiences.guarding import change_since
from spotify_pipeline.components.metadata import counts_table
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.customer_list import LEFT, ComparedList, Reasons
from spotify_pipeline.rows import ERASURE, DigestSet, Suppressions

NO_CONSENT, SUPPRESSED, ERASED = "no consent any more", "suppressed", "erased"
LEFT_SEGMENT = "left the segment, or changed"


@dataclass(frozen=True, kw_only=True)
class MembershipSteps:
    """From one list to the next, in rows.

    Attributes:
        before: rows of the list that Spotify has.
        removed: rows of it whose people are not in the new list, by reason.
        staying: rows of the new list whose people were in the one before.
        added: rows of the new list whose people were not.
        now: rows of the new list.
    """

    before: int
    removed: Mapping[str, int]
    staying: int
    added: int
    now: int

    def lines(self) -> list[tuple[str, int]]:
        """Every step with its count; they add up from the list before to the new one."""
        stayed = self.before - sum(self.removed.values())
        return [
            ("rows in the list before", self.before),
            *((reason, -rows) for reason, rows in self.removed.items()),
            ("rows more or fewer of people who stay", self.staying - stayed),
            ("added", self.added),
            ("rows in the new list", self.now),
        ]


def membership_steps(
    home: PipelineHome,
    live: str | None,
    customer_list: ComparedList,
    suppressions: Suppressions,
    declined: Callable[[], DigestSet],
) -> MembershipSteps | None:
    """What changes when ``customer_list`` takes the place of the list that Spotify has.

    Args:
        home: where lists are kept.
        live: SHA-256 of the list that Spotify has.
        customer_list: the new one.
        suppressions: that it was built with.
        declined: gives the digests of those who did not consent; asked only if rows were removed for no other reason.

    Returns:
        None where nothing was sent before, or that list is not kept here.

    Raises:
        SegmentError, RowsError: the segment or a list cannot be read.
    """
    before = home.snapshots.find_sent(customer_list.manifest.audience, live) if live is not None else None
    if before is None:
        return None
    suppressed = Suppressions({name: each for name, each in suppressions.sources.items() if name != ERASURE})
    reasons: Reasons = {
        ERASED: lambda: suppressions.sources.get(ERASURE, DigestSet.of()),
        SUPPRESSED: lambda: suppressed.digests,
        NO_CONSENT: declined,
    }
    change = change_since(home, before, customer_list, reasons)
    shown = {(LEFT_SEGMENT if reason == LEFT else reason): rows for reason, rows in change.reasons.items()}
    return MembershipSteps(
        before=before.manifest.list_rows,
        removed=shown if change.removed else {LEFT_SEGMENT: 0},
        staying=change.staying,
        added=change.added,
        now=customer_list.manifest.list_rows,
    )


def membership_metadata(steps: MembershipSteps | None) -> dict[str, dg.MetadataValue]:
    """The waterfall as a table."""
    shown = counts_table("rows", steps.lines()) if steps is not None else "there is no list before it on this machine"
    return {"since the list before": dg.MarkdownMetadataValue(shown)}
