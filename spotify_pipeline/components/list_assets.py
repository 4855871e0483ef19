"""The assets that end in a customer list: identifiers, then hashed rows. They call the rooms that do the work.

No postponed annotations here: Dagster reads those of an asset's function when it is defined, and knows
`MaterializeResult` only without its type argument.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audience_chain import AudienceChain
from spotify_pipeline.components.audience_checks import (
    identifiers_check_results,
    identifiers_check_specs,
    list_check_results,
    list_check_specs,
)
from spotify_pipeline.components.backfill import left_out_of_backfill, without_result
from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.components.identifier_plan import identifier_plan, segment_columns
from spotify_pipeline.components.metadata import customer_list_metadata, identifiers_metadata
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.warehouse_project import WAREHOUSE_POOL
from spotify_pipeline.customer_list import build_customer_list, write_identifiers


def identifiers_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    """The people of the segment who may be used, their identifiers normalized: a private file."""
    plan = identifier_plan(chain.config)

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
            "Kept in a private file on this machine for the newest partition only, and never shown: the metadata "
            "counts people and says why identifiers were turned away."
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
            with warehouse.segment(chain.relation) as segment:
                report = write_identifiers(
                    segment.batches(segment_columns(chain.config)),
                    plan,
                    snapshots.identifiers_path(chain.audience, context.partition_key),
                    expected_rows=segment.count(),
                    recipe=chain.recipe,
                )
            snapshots.keep_only_identifiers(chain.audience, context.partition_key)
        yield dg.MaterializeResult(
            metadata=identifiers_metadata(report), check_results=identifiers_check_results(report)
        )

    return identifiers


def customer_list_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    """The hashed list of one snapshot, and its manifest."""

    @dg.asset(
        key=chain.list_key,
        deps=[chain.identifiers_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"polars", "csv"},
        output_required=False,
        check_specs=list_check_specs(chain.list_key),
        description=(
            "The list that is sent to Spotify: one row per person and combination of identifiers, each cell the "
            "SHA-256 of one. A partition is one snapshot of the segment.\n\n"
            f"The last {chain.config.retain.customer_lists} are kept. No raw identifier is in it, but a list of "
            "digests is still personal data: the file is readable by its owner only."
        ),
    )
    def customer_list(
        context: dg.AssetExecutionContext, home: PipelineHome
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if left_out_of_backfill(chain, context, now):
            yield from without_result(context)
            return
        with failures_said_plainly():
            chain.refuse_unless_newest(context.partition_key, now)
            snapshots = home.snapshots
            report = snapshots.identifiers_report(chain.audience, context.partition_key)
            chain.refuse_other_settings(report.recipe, "identifiers")
            manifest = build_customer_list(
                snapshots.identifiers_path(chain.audience, context.partition_key),
                report,
                snapshots.list_path(chain.audience, context.partition_key),
                layout=chain.config.layout,
                audience=chain.audience,
                snapshot=context.partition_key,
                built_at=datetime.now(UTC),
            )
            snapshots.keep_lists(chain.audience, chain.config.retain.customer_lists)
            checks = list_check_results(
                snapshots.list_path(chain.audience, context.partition_key), manifest, chain.config.guards.min_rows
            )
        for check in checks:
            if not check.passed:
                # Dagster's own message names the check that failed; this says why, and what to do.
                context.log.error(check.description)
        yield dg.MaterializeResult(metadata=customer_list_metadata(manifest), check_results=checks)

    return customer_list
