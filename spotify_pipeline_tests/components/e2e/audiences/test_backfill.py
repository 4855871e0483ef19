"""A backfill brings an audience up to date once, however many partitions were asked for.

No postponed annotations here: Dagster reads those of an asset's function.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.config import AudienceConfig
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.partitions import BACKFILL_TAG
from spotify_pipeline.components.audiences.sync.asset import audience_asset
from spotify_pipeline.components.audiences.sync.request import RunConfig
from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.warehouse import Relation
from spotify_pipeline_tests.components.runs import ASSETS, PEOPLE, Deployment, said_by, writes

NEWEST = CadenceConfig(every="day").newest_partition(datetime.now(UTC))
IN_A_BACKFILL = {BACKFILL_TAG: "abcdefgh"}


def days_before(newest: str, days: int) -> str:
    return (datetime.fromisoformat(newest) - timedelta(days=days)).date().isoformat()


@pytest.fixture
def daily(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    return Deployment(load({"people": PEOPLE.replace("cadence: once", "cadence: {every: day}")}))


def said_in(deployment: Deployment, result: dg.ExecuteInProcessResult) -> list[str]:
    return [each.user_message for each in deployment.instance.all_logs(result.run_id)]


def test_c14_of_fifty_partitions_the_newest_is_sent_and_the_others_say_why_not(
    daily: Deployment, sandbox: SandboxServer
) -> None:
    partitions = [days_before(NEWEST, days) for days in reversed(range(50))]
    results = {each: daily.run(partition=each, tags=IN_A_BACKFILL, quiet=True) for each in partitions}
    assert all(result.success for result in results.values())
    materialized = {each: len(result.get_asset_materialization_events()) for each, result in results.items()}
    assert materialized == {each: len(ASSETS) if each == NEWEST else 0 for each in partitions}
    (audience,) = sandbox.state.audiences.of(DEFAULTS.ad_account_id)
    assert len(sandbox.state.received_lists.of(audience.id)) == 1
    oldest = results[partitions[0]]
    reason = f"Skipped: partition {partitions[0]} of people is not the one that is open ({NEWEST})."
    assert any(reason in message for message in said_in(daily, oldest))


def test_c14_a_partition_that_was_left_out_has_no_outcome_of_any_check(daily: Deployment) -> None:
    result = daily.run(partition=days_before(NEWEST, 1), tags=IN_A_BACKFILL)
    assert result.success
    assert list(result.get_asset_check_evaluations()) == []
    skipped = {each.step_key for each in result.all_events if each.event_type_value == "STEP_SKIPPED"}
    # What follows is not begun at all.
    assert {"people__customer_list", "people__spotify_audience"} <= skipped


@pytest.mark.parametrize("asset", ASSETS)
def test_c14_a_backfill_of_one_asset_leaves_old_partitions_out_too(
    daily: Deployment, sandbox: SandboxServer, asset: str
) -> None:
    result = daily.run(asset, partition=days_before(NEWEST, 3), tags=IN_A_BACKFILL)
    assert result.success
    assert result.get_asset_materialization_events() == []
    assert any("Nothing was built or sent by this run." in message for message in said_in(daily, result))
    assert writes(sandbox) == 0


def test_c14_one_old_partition_asked_for_by_itself_is_refused(daily: Deployment, sandbox: SandboxServer) -> None:
    result = daily.run(partition=days_before(NEWEST, 1))
    assert not result.success
    assert "is not the one that is open" in said_by(result)
    assert writes(sandbox) == 0


@pytest.mark.parametrize("tags", [IN_A_BACKFILL, {}], ids=["of a backfill", "by itself"])
def test_c14_a_window_that_closes_before_a_repetition_is_a_failure_that_tells_of_the_upload(
    environment: Path, sandbox: SandboxServer, tags: dict[str, str]
) -> None:
    result = second_try(days_before(NEWEST, 1), tags)
    assert not result.success
    said = said_by(result)
    assert f"is no longer the one that is open ({NEWEST}), so it is not retried" in said
    assert "An upload that an earlier try of this run began may have arrived." in said
    assert "Nothing was" not in said
    assert writes(sandbox) == 0


def second_try(partition: str, tags: dict[str, str]) -> dg.ExecuteInProcessResult:
    """The audience's step, tried for the second time."""
    config = AudienceConfig.model_validate(
        {
            "segment": {"table": "crm.people", "consent_column": "agreed"},
            "identifiers": {"email": "email"},
            "cadence": {"every": "day"},
        }
    )
    chain = AudienceDefinition("people", config, dg.AssetKey(["crm", "people"]), Relation(("crm", "people")))
    step: Any = audience_asset(chain).op.compute_fn

    @dg.asset(partitions_def=config.cadence.partitions(), output_required=False)
    def tried_twice(context: dg.AssetExecutionContext) -> Iterator[Any]:
        if context.retry_number == 0:
            raise dg.RetryRequested(max_retries=1, seconds_to_wait=0)
        yield from step.decorated_fn(context, RunConfig(), PipelineHome(), SpotifyAdsResource(), WarehouseResource())

    return dg.materialize([tried_twice], partition_key=partition, tags=tags, raise_on_error=False)
