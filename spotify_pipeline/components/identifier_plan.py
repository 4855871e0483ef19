"""From the YAML's words to the plan that the list builder follows."""

from __future__ import annotations

from spotify_pipeline.components.audience_config import AudienceConfig
from spotify_pipeline.customer_list import IdentifierColumns, IdentifierPlan
from spotify_pipeline.identity import IdentifierType


def identifier_plan(config: AudienceConfig) -> IdentifierPlan:
    """Which columns of the segment hold which identifiers, and which says yes or no to advertising."""
    stated = config.identifiers
    identifiers: dict[IdentifierType, IdentifierColumns] = {}
    if stated.email is not None:
        identifiers[IdentifierType.EMAIL] = IdentifierColumns(columns=tuple(stated.email))
    if stated.phone is not None:
        identifiers[IdentifierType.PHONE] = IdentifierColumns(
            columns=tuple(stated.phone.column),
            region_column=stated.phone.region_column,
            default_region=stated.phone.default_region,
        )
    if stated.device_id is not None:
        identifiers[IdentifierType.DEVICE_ID] = IdentifierColumns(
            columns=tuple(stated.device_id.column), device_id_case=stated.device_id.case
        )
    return IdentifierPlan(identifiers=identifiers, consent_column=config.segment.consent_column)


def segment_columns(config: AudienceConfig) -> list[str]:
    """Every column that is read from the segment, each once."""
    return list(dict.fromkeys(column for _, column in config.named_columns()))
