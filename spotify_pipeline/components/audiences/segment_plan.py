"""From the YAML's words to the plan that the list builder follows."""

from __future__ import annotations

from spotify_pipeline.components.audiences.config import AudienceConfig
from spotify_pipeline.components.sources import columns_by_type
from spotify_pipeline.rows import IdentifierPlan
from spotify_pipeline.warehouse import RANK_COLUMN, Ranking


def identifier_plan(config: AudienceConfig) -> IdentifierPlan:
    """Which columns of the segment hold which identifiers, and which says yes or no to advertising."""
    return IdentifierPlan(
        identifiers=columns_by_type(config.identifiers),
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
