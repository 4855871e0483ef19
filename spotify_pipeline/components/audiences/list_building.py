"""Reads an audience's segment and builds its list as the YAML says: used by assets, plan and commands alike."""

from __future__ import annotations

from datetime import UTC, datetime

from spotify_pipeline.components.audiences.config import AudienceConfig
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.customer_list import (
    IdentifiersReport,
    Manifest,
    StoredFile,
    Truncation,
    WrittenRows,
    build_customer_list,
    non_consenting_digests,
    write_identifiers,
)
from spotify_pipeline.mirror.guards import MAX_BYTES
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.rows import DigestSet, IdentifierPlan, Suppressions
from spotify_pipeline.warehouse import RANK_COLUMN, Ranking


def identifier_plan(config: AudienceConfig) -> IdentifierPlan:
    """Which columns of the segment hold which identifiers, and which says yes or no to advertising."""
    return IdentifierPlan(
        identifiers=config.identifiers.by_type(),
        consent_column=config.segment.consent_column,
        rank_column=RANK_COLUMN if config.oversize.truncate is not None else None,
    )


def segment_columns(config: AudienceConfig) -> list[str]:
    """Every column that is read from the segment row by row, each once."""
    columns = [column for _, column in config.identifiers.named_columns()]
    consent = config.segment.consent_column
    return list(dict.fromkeys([*columns, *([consent] if consent is not None else [])]))


def ranking(config: AudienceConfig) -> Ranking | None:
    """By what people are ranked, where a list that is too large is cut."""
    cut = config.oversize.truncate
    return Ranking(column=cut.order_by, highest_first=cut.keep == "highest") if cut is not None else None


def read_segment(
    audience: AudienceDefinition,
    warehouse: WarehouseResource,
    ledger: ErasureLedger,
    destination: StoredFile,
    declined: StoredFile | None = None,
) -> IdentifiersReport:
    """Normalize the identifiers of an audience's segment, as it is now, into ``destination``: not of those who asked to
    be forgotten. If somebody asks while it is read, it is read again. ``declined`` is as of ``write_identifiers``.

    Raises:
        SegmentError: the segment cannot be read.
        RowsError: not all of it was, or a column is unusable.
        ErasureError: the ledger of erasures cannot be read.
    """
    while True:
        made = ledger.made()
        report = _read(audience, warehouse, ledger.digests(), destination, declined)
        if ledger.made() == made:
            return report


def _read(
    audience: AudienceDefinition,
    warehouse: WarehouseResource,
    erased: DigestSet,
    destination: StoredFile,
    declined: StoredFile | None,
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
            declined=declined,
            expected_rows=segment.count(),
            config_fingerprint=audience.config_fingerprint,
            updated_at=segment.newest(updated_at) if updated_at is not None else None,
        )


def build_list(
    audience: AudienceDefinition,
    identifiers: StoredFile,
    report: IdentifiersReport,
    destination: StoredFile,
    *,
    snapshot: str,
    suppressions: Suppressions,
    written: WrittenRows | None = None,
) -> Manifest:
    """Build an audience's list as its YAML asks: its layout, without those who are kept out, cut where it says so.

    ``written`` takes the rows, where the list is to be compared.

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
        truncate=Truncation(max_bytes=audience.limits[MAX_BYTES], order=cut.in_words) if cut is not None else None,
        written=written,
    )


def non_consenting_people(audience: AudienceDefinition, warehouse: WarehouseResource) -> DigestSet:
    """The digests of people who did not consent; none where the YAML says that no consent is needed.

    Raises:
        SegmentError, RowsError: the segment cannot be read.
    """
    consent = audience.config.segment.consent_column
    if consent is None:
        return DigestSet.of()
    plan = IdentifierPlan(identifiers=audience.config.identifiers.by_type(), consent_column=consent)
    with warehouse.segment(audience.relation) as segment:
        return non_consenting_digests(
            segment.batches(segment_columns(audience.config), identifiers=plan.columns, consent=plan.consent_columns),
            plan,
        )
