"""The asset of normalized identifiers: the people of a segment who may be contacted.

No postponed annotations here: Dagster reads those of an asset's function when it is defined, and knows
`MaterializeResult` only without its type argument.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.checks import identifiers_check_results, identifiers_check_specs
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.list_building import read_segment
from spotify_pipeline.components.audiences.partitions import nothing_materialized, skipped_in_backfill
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import identifiers_metadata
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.sources import WAREHOUSE_POOL


def identifiers_asset(audience: AudienceDefinition) -> dg.AssetsDefinition:
    """The people of the segment who may be contacted, with normalized identifiers: a private file."""
    retain = audience.config.retain
    *others, last = (source.kind.noun for source in audience.config.identifiers.by_type().values())
    nouns = f"{', '.join(others)} and {last}" if others else last

    @dg.asset(
        key=audience.identifiers_key,
        deps=[audience.segment_key],
        partitions_def=audience.config.cadence.partitions(),
        group_name=audience.folder,
        kinds={"polars", "parquet"},
        pool=WAREHOUSE_POOL,
        output_required=False,
        check_specs=identifiers_check_specs(audience.identifiers_key),
        description=(
            f"The people of `{audience.relation}` who may be contacted: {nouns}, normalized for hashing.\n\n"
            "Kept in a private file on this machine for a short time, and never shown. The metadata counts people and "
            "says why identifiers were rejected."
        ),
    )
    def identifiers(
        context: dg.AssetExecutionContext, spotify_warehouse: WarehouseResource, spotify_home: PipelineHome
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if skipped_in_backfill(audience, context, now):
            yield from nothing_materialized(context)
            return
        with sanitized_failures():
            audience.refuse_unless_newest(context.partition_key, now)
            snapshots = spotify_home.snapshots
            # What a killed run left half done.
            snapshots.sweep(audience.folder)
            destination = snapshots.identifiers_path(audience.folder, context.partition_key)
            declined = snapshots.declined_path(audience.folder, context.partition_key)
            report = read_segment(audience, spotify_warehouse, spotify_home.ledger, destination, declined)
            # At least until their list is built, which is what they are for.
            snapshots.keep_identifiers(
                audience.folder, max(1, retain.identifiers), older_than=now - retain.identifiers_age
            )
            snapshots.sweep(audience.folder)
        yield dg.MaterializeResult(
            metadata=identifiers_metadata(report), check_results=identifiers_check_results(report)
        )

    return identifiers
