"""Who came and who left between the list that Spotify has and a new one, as a waterfall of counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.list_building import non_consenting_people
from spotify_pipeline.components.metadata import counts_table
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.customer_list import LEFT, Manifest, SentVersion, SnapshotStore, compare_lists, removal_reasons
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
    audience: AudienceDefinition,
    warehouse: WarehouseResource,
    store: SnapshotStore,
    live: str | None,
    customer_list: tuple[Path, Manifest],
    suppressions: Suppressions,
) -> MembershipSteps | None:
    """What changes when ``customer_list`` takes the place of the list that Spotify has.

    Args:
        audience: the audience.
        warehouse: where its segment is, for who declined.
        store: of lists.
        live: SHA-256 of the list that Spotify has.
        customer_list: the new one.
        suppressions: that it was built with.

    Returns:
        None where nothing was sent before, or that list is not kept here.

    Raises:
        SegmentError, RowsError: the segment or a list cannot be read.
    """
    before = store.find_sent(audience.folder, live) if live is not None else None
    if before is None:
        return None
    change = compare_lists(before, customer_list)
    reasons = {LEFT_SEGMENT: change.removed}
    if change.removed:
        reasons = _by_reason(before, customer_list, _reasons(audience, warehouse, suppressions))
    return MembershipSteps(
        before=before.manifest.list_rows,
        removed=reasons,
        staying=change.staying,
        added=change.added,
        now=customer_list[1].list_rows,
    )


def _reasons(
    audience: AudienceDefinition, warehouse: WarehouseResource, suppressions: Suppressions
) -> dict[str, DigestSet]:
    suppressed = Suppressions({name: each for name, each in suppressions.sources.items() if name != ERASURE})
    return {
        ERASED: suppressions.sources.get(ERASURE, DigestSet.of()),
        SUPPRESSED: suppressed.digests,
        NO_CONSENT: non_consenting_people(audience, warehouse),
    }


def _by_reason(before: SentVersion, now: tuple[Path, Manifest], reasons: Mapping[str, DigestSet]) -> dict[str, int]:
    found = removal_reasons(before, now, reasons)
    return {(LEFT_SEGMENT if reason == LEFT else reason): rows for reason, rows in found.items()}


def membership_metadata(steps: MembershipSteps | None) -> dict[str, dg.MetadataValue]:
    """The waterfall as a table."""
    shown = counts_table("rows", steps.lines()) if steps is not None else "there is no list before it on this machine"
    return {"since the list before": dg.MarkdownMetadataValue(shown)}
