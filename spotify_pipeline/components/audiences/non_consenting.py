"""Who, of an audience's segment as it is now, does not agree to advertising."""

from __future__ import annotations

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.segment_plan import segment_columns
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.components.sources import columns_by_type
from spotify_pipeline.customer_list import non_consenting_digests
from spotify_pipeline.rows import DigestSet, IdentifierPlan


def non_consenting_people(audience: AudienceDefinition, warehouse: WarehouseResource) -> DigestSet:
    """The digests of people who did not consent; none where the YAML says that no consent is needed.

    Raises:
        SegmentError, RowsError: the segment cannot be read.
    """
    consent = audience.config.segment.consent_column
    if consent is None:
        return DigestSet.of()
    plan = IdentifierPlan(identifiers=columns_by_type(audience.config.identifiers), consent_column=consent)
    with warehouse.segment(audience.relation) as segment:
        return non_consenting_digests(
            segment.batches(segment_columns(audience.config), identifiers=plan.columns, consent=plan.consent_columns),
            plan,
        )
