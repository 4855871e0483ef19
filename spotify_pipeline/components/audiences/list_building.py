"""Reads an audience's segment and builds its list, as its YAML states: for the assets, for a plan, for a command."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.segment_plan import identifier_plan, ranking, segment_columns
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.customer_list import (
    IdentifiersReport,
    Manifest,
    Truncation,
    build_customer_list,
    write_identifiers,
)
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.rows import DigestSet, Suppressions


def read_segment(
    audience: AudienceDefinition, warehouse: WarehouseResource, ledger: ErasureLedger, destination: Path
) -> IdentifiersReport:
    """Normalize the identifiers of an audience's segment, as it is now, into ``destination``: not of those who asked to
    be forgotten. If somebody asks while it is read, it is read again.

    Raises:
        SegmentError: the segment cannot be read.
        RowsError: not all of it was, or a column is unusable.
        ErasureError: the ledger of erasures cannot be read.
    """
    while True:
        asked = {each.id for each in ledger.requests()}
        report = _read(audience, warehouse, ledger.digests(), destination)
        if asked.issuperset(each.id for each in ledger.requests()):
            return report


def _read(
    audience: AudienceDefinition, warehouse: WarehouseResource, erased: DigestSet, destination: Path
) -> IdentifiersReport:
    updated_at = audience.config.segment.updated_at
    plan = identifier_plan(audience.config)
    with warehouse.segment(audience.relation) as segment:
        return write_identifiers(
            segment.batches(
                segment_columns(audience.config),
                rank=ranking(audience.config),
                identifiers=plan.columns,
                consent=plan.consent_columns,
            ),
            plan,
            destination,
            erased=erased,
            expected_rows=segment.count(),
            config_fingerprint=audience.config_fingerprint,
            updated_at=segment.newest(updated_at) if updated_at is not None else None,
        )


def build_list(
    audience: AudienceDefinition,
    identifiers: Path,
    report: IdentifiersReport,
    destination: Path,
    *,
    snapshot: str,
    suppressions: Suppressions,
) -> Manifest:
    """Build an audience's list as its YAML asks: its layout, without those who are kept out, cut where it says so.

    Raises:
        CustomerListError, HomeError: as ``build_customer_list``.
    """
    config = audience.config
    cut = config.oversize.truncate
    return build_customer_list(
        identifiers,
        report,
        destination,
        layout=config.layout,
        audience=audience.folder,
        snapshot=snapshot,
        built_at=datetime.now(UTC),
        suppressions=suppressions,
        truncate=Truncation(max_bytes=config.guards.max_bytes, order=cut.in_words) if cut is not None else None,
    )
