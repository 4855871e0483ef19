"""Assets, materialized from the command line in a run that Dagster keeps."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from spotify_pipeline.cli.dagster.pool_slots import waits_for
from spotify_pipeline.cli.dagster.process import PROCESS_TAG, this_process
from spotify_pipeline.cli.errors import CommandError

if TYPE_CHECKING:
    import dagster as dg

_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
"""What fails is said in a sentence at the end; the log is in the Dagster UI."""


def materialize(definitions: dg.Definitions, asset: dg.AssetKey, partition: str, *, config: dict[str, Any]) -> str:
    """Materialize one partition of an asset in this process; where to look at the run, as a sentence.

    Raises:
        CommandError: DAGSTER_HOME is not set or cannot be used, there is no such partition, or the run failed; its
            sentence is the failed step's.
    """
    assets = definitions.resolve_assets_def(asset)
    job = definitions.resolve_implicit_global_asset_job_def()
    with _instance() as instance:
        known = assets.partitions_def
        if known is not None and not known.has_partition_key(partition):
            raise CommandError(f"{asset.to_user_string()} has no partition {partition}. Nothing was sent.")
        say_what_it_waits_for(instance, [assets])
        result = job.get_subset(asset_selection={asset}).execute_in_process(
            instance=instance,
            partition_key=partition,
            tags={PROCESS_TAG: this_process()},
            run_config={"ops": {assets.op.name: {"config": config}}, "loggers": _QUIET},
            raise_on_error=False,
        )
    return _ended(result)


def materialize_days(definitions: dg.Definitions, assets: Sequence[dg.AssetKey], first: date, last: date) -> str:
    """Materialize a range of daily partitions of some assets in one run of this process; where to look at the run.

    Raises:
        CommandError: as of :func:`materialize`; or one of the days is no partition.
    """
    from spotify_pipeline.components.conversions import range_tags

    job = definitions.resolve_implicit_global_asset_job_def()
    days = (first.isoformat(), last.isoformat())
    with _instance() as instance:
        for asset in assets:
            known = definitions.resolve_assets_def(asset).partitions_def
            for day in days:
                if known is None or not known.has_partition_key(day):
                    raise CommandError(
                        f"{asset.to_user_string()} has no partition {day}: it lies before the feed's `start`, or in "
                        "the future. Nothing was sent."
                    )
        say_what_it_waits_for(instance, [definitions.resolve_assets_def(asset) for asset in assets])
        result = job.get_subset(asset_selection=set(assets)).execute_in_process(
            instance=instance,
            tags={**range_tags(first, last), PROCESS_TAG: this_process()},
            run_config={"loggers": _QUIET},
            raise_on_error=False,
        )
    return _ended(result)


def say_what_it_waits_for(instance: dg.DagsterInstance, assets: Sequence[dg.AssetsDefinition]) -> None:
    """Say on standard error for whom a run of ``assets`` will have to wait, if for anybody."""
    pools = {pool for each in assets for pool in each.node_def.pools}
    sentence = waits_for(instance, pools, datetime.now(UTC))
    if sentence is not None:
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


@contextmanager
def _instance() -> Generator[dg.DagsterInstance]:
    import dagster as dg

    if not os.environ.get("DAGSTER_HOME"):
        raise CommandError(
            "Set DAGSTER_HOME to the directory that your Dagster uses, so that the run is kept and shown there; for "
            "the demo's, write `spotify-pipeline --demo ...`."
        )
    try:
        opened = dg.DagsterInstance.get()
    except Exception as error:  # noqa: BLE001 - whatever its storage raises, and that may quote dagster.yaml
        raise CommandError(
            f"Dagster's storage cannot be opened ({type(error).__name__}). Nothing was sent. Correct DAGSTER_HOME or "
            "its dagster.yaml."
        ) from None
    with opened as instance:
        yield instance


def _ended(result: dg.ExecuteInProcessResult) -> str:
    if not result.success:
        raise CommandError(_failure_of(result))
    return f"The run is {result.run_id}."


def _failure_of(result: dg.ExecuteInProcessResult) -> str:
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            return data.user_failure_data.description
    return f"Run {result.run_id} failed; its log in the Dagster UI says why."
