"""The asset of normalized identifiers: the people of a segment who may be used.

No postponed annotations here: Dagster reads those of an asset's function when it is defined, and knows
`MaterializeResult` only without its type argument.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.checks import identifiers_check_results, identifiers_check_specs
from spotify_pipeline.components.audiences.definition import AudienceChain
from spotify_pipeline.components.audiences.list_building import read_segment
from spotify_pipeline.components.audiences.partitions import left_out_of_backfill, without_result
from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.components.metadata import identifiers_metadata
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.sources import WAREHOUSE_POOL


def identifiers_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    """The people of the segment who may be used, their identifiers normalized: a private file."""
    retain = chain.config.retain

    @dg.asset(
        key=chain.identifiers_key,
        deps=[chain.segment_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"polars", "parquet"},
        pool=WAREHOUSE_POOL,
        output_required=False,
        check_specs=identifiers_check_specs(chain.identifiers_key),
        description=(
            f"The people of `{chain.relation}` who may be used for advertising, their e-mail addresses, phone numbers "
            "and device ids brought into the one form in which they are hashed.\n\n"
            "Kept in a private file on this machine for a short time only, and never shown: the metadata counts people "
            "and says why identifiers were turned away."
        ),
    )
    def identifiers(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, home: PipelineHome
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if left_out_of_backfill(chain, context, now):
            yield from without_result(context)
            return
        with failures_said_plainly():
            chain.refuse_unless_newest(context.partition_key, now)
            snapshots = home.snapshots
            # What a killed run left half done.
            snapshots.sweep(chain.audience)
            destination = snapshots.identifiers_path(chain.audience, context.partition_key)
            report = read_segment(chain, warehouse, home.ledger, destination)
            # At least until their list is built, which is what they are for.
            snapshots.keep_identifiers(
                chain.audience, max(1, retain.identifiers), older_than=now - retain.identifiers_age
            )
            snapshots.sweep(chain.audience)
        yield dg.MaterializeResult(
            metadata=identifiers_metadata(report), check_results=identifiers_check_results(report)
        )

    return identifiers
