"""The job `plan`: what the next runs would do, as a table, with nothing sent and nothing kept."""

# No postponed annotations: Dagster reads those of an op's function when it is defined.

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.insights.plan import plan_all, plan_table
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import PipelineHome, SpotifyAds, WarehouseResource
from spotify_pipeline.components.sources import WAREHOUSE_POOL

PLAN_JOB = "plan"


class PlanConfig(dg.Config):
    """Which audiences to plan for; all where none is named."""

    audiences: list[str] = Field(default_factory=list[str])


def plan_job(audiences: Sequence[AudienceDefinition]) -> dg.JobDefinition:
    """A job of one step.

    Args:
        audiences: every audience of the deployment.
    """

    @dg.op(name="plan_audiences", pool=WAREHOUSE_POOL, out=dg.Out(dagster_type=dg.Nothing))
    def plan_audiences(
        context: dg.OpExecutionContext,
        config: PlanConfig,
        home: PipelineHome,
        warehouse: WarehouseResource,
        spotify: SpotifyAds,
    ) -> None:
        with sanitized_failures():
            plans = plan_all(
                audiences,
                config.audiences,
                home=home,
                warehouse=warehouse,
                ad_account_of=spotify.account_of,
            )
        context.add_output_metadata({"plan": dg.MarkdownMetadataValue(plan_table(plans))})

    @dg.job(
        name=PLAN_JOB,
        description="Says what the next run of each audience would do: whom it would add and remove, and what the "
        "guards say. Nothing is sent, nothing is kept, and Spotify is not asked.",
        executor_def=dg.in_process_executor,
    )
    def plan() -> None:
        plan_audiences()

    return plan
