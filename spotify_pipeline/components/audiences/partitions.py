"""Old partitions in a backfill: they are skipped, each with its reason, and nothing is sent for them.

The warehouse holds the segment as it is now, so of many partitions only the one whose window is open can be built. A
person who asks for one old partition is told so by a failed run. A backfill of fifty is no mistake: "bring this
audience up to date" is asked for that way too, and forty-nine red runs would hide the one that counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.failures import sanitized_failures

BACKFILL_TAG = "dagster/backfill"
"""Dagster puts it on every run of a backfill; its value is the backfill's id."""


def skipped_in_backfill(audience: AudienceDefinition, context: dg.AssetExecutionContext, now: datetime) -> bool:
    """Whether this run belongs to a backfill and its window is not the open one. The reason goes into the run's log.

    Never of a step that is retried: the window was open at first, and what that try sent may have arrived.
    """
    if BACKFILL_TAG not in context.run.tags or context.retry_number > 0:
        return False
    with sanitized_failures():
        newest = audience.config.cadence.newest_partition(now)
    if context.partition_key == newest:
        return False
    context.log.warning(
        "Skipped: partition %s of %s is not the one that is open (%s). The warehouse holds the segment as it is now, "
        "so of this backfill only %s is built and sent, if it was asked for. Nothing was built or sent by this run.",
        context.partition_key,
        audience.folder,
        newest,
        newest,
    )
    return True


def nothing_materialized(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None]]:
    """What an asset yields so that its step ends well with nothing materialized and no check evaluated.

    Dagster demands an output for each check of an asset (though not for the asset, where ``output_required`` is
    False); a bare one says that there is no evaluation. Steps downstream are skipped.
    """
    for key in sorted(context.selected_asset_check_keys):
        yield dg.Output(None, output_name=context.assets_def.get_output_name_for_asset_check_key(key))
