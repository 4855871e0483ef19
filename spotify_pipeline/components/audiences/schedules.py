"""The schedules of all audiences: one per distinct cadence, all on one job.

A job and a schedule per audience would make definitions slow to load for everybody (at 1,000 audiences, 84 seconds
against 32), so audiences of one cadence share a schedule that asks for a run per audience, and every run is of the job
of all assets, narrowed to the audience's chain.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg

from spotify_pipeline.components.audiences.checks import ERASURES_DONE, RECEIPTS_WHOLE, RETENTION_KEPT, TARGETABLE
from spotify_pipeline.components.audiences.definition import AudienceChain
from spotify_pipeline.components.audiences.event_based import EventAudience
from spotify_pipeline.components.audiences.insights import NO_ORPHANS, OVERLAP, overlap_definitions
from spotify_pipeline.components.cadence import ALL_ASSETS_JOB, CadenceConfig, NoWindowOpen
from spotify_pipeline.components.sign_in_check import AUTHORIZATION, SIGN_IN_LASTS, sign_in_definitions

AUDIENCE_TAG = "spotify_pipeline/audience"
WATCH_JOB = "watch_audiences"
WATCH_EVERY_SIX_HOURS = "0 */6 * * *"


def mirror_schedules(chains: Sequence[AudienceChain], built_here: set[dg.AssetKey]) -> list[dg.ScheduleDefinition]:
    """One schedule per distinct cadence.

    Args:
        chains: every audience of the deployment.
        built_here: the assets this deployment can materialize, to tell a segment it builds from one it only reads.
    """
    scheduled = [chain for chain in chains if chain.config.cadence.cron()]
    by_tick = groupby(sorted(scheduled, key=_tick), key=_tick)
    return [_schedule(list(group), built_here) for _, group in by_tick]


def watch_definitions(chains: Sequence[AudienceChain], filled: Sequence[EventAudience] = ()) -> dg.Definitions:
    """A job, and its schedule, that asks Spotify how every audience stands, and looks at the age of the sign-ins.

    Args:
        chains: every audience of the deployment that is made of a list.
        filled: every one that Spotify fills.
    """
    audiences = [*chains, *filled]
    looked_at = (TARGETABLE, RETENTION_KEPT, ERASURES_DONE, RECEIPTS_WHOLE)
    checks = [dg.AssetCheckKey(chain.audience_key, check) for chain in chains for check in looked_at]
    checks += [dg.AssetCheckKey(each.audience_key, TARGETABLE) for each in filled]
    checks += [dg.AssetCheckKey(AUTHORIZATION, SIGN_IN_LASTS)] if audiences else []
    job = dg.define_asset_job(
        WATCH_JOB,
        selection=dg.AssetSelection.checks(*checks, dg.AssetCheckKey(OVERLAP, NO_ORPHANS))
        | dg.AssetSelection.assets(OVERLAP),
        description="Asks Spotify, with one request each, whether the audiences still exist and can be targeted, and "
        "says when a sign-in is about to end. Looks at this machine for files kept too long, erasures that wait, "
        "receipts that are not whole, audiences left behind, and how audiences overlap. Changes nothing at Spotify.",
    )
    schedule = dg.ScheduleDefinition(
        name=WATCH_JOB, job=job, cron_schedule=WATCH_EVERY_SIX_HOURS, description=job.description
    )
    labels = list(dict.fromkeys(each.config.authorization for each in audiences))
    return dg.Definitions.merge(
        sign_in_definitions(labels) if audiences else dg.Definitions(),
        overlap_definitions(chains, [each.audience for each in filled]),
        dg.Definitions(jobs=[job], schedules=[schedule]),
    )


def _tick(chain: AudienceChain) -> tuple[str, str]:
    cadence = chain.config.cadence
    return (cadence.timezone, str(cadence.cron()))


def _name(cadence: CadenceConfig) -> str:
    """A name that differs wherever cron or zone do: `Etc/GMT+5` and `Etc/GMT-5` are ten hours apart."""
    words = cadence.in_words().lower().replace("+", " plus ").replace("-", " minus ")
    return "mirror_" + re.sub(r"[^a-z0-9]+", "_", words).strip("_")


def _schedule(chains: list[AudienceChain], built_here: set[dg.AssetKey]) -> dg.ScheduleDefinition:
    cadence = chains[0].config.cadence
    audiences = ", ".join(chain.audience for chain in chains)

    @dg.schedule(
        name=_name(cadence),
        cron_schedule=str(cadence.cron()),
        execution_timezone=cadence.timezone,
        job_name=ALL_ASSETS_JOB,
        description=f"Mirrors, {cadence.in_words()}: {audiences}. Turn it on to keep them equal to their segments.",
    )
    def mirror_due_audiences(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        for chain in chains:
            try:
                partition = chain.config.cadence.newest_partition(context.scheduled_execution_time)
            except NoWindowOpen as not_yet:
                # One audience that starts later must not hold up the others of its cadence.
                if len(chains) == 1:
                    yield dg.SkipReason(str(not_yet))
                continue
            yield dg.RunRequest(
                run_key=f"{chain.audience}:{partition}",
                partition_key=partition,
                asset_selection=chain_selection(chain, built_here),
                tags={AUDIENCE_TAG: chain.audience},
            )

    return mirror_due_audiences


def chain_selection(chain: AudienceChain, built_here: set[dg.AssetKey]) -> list[dg.AssetKey]:
    """The assets of one audience's run: what this deployment builds of its segment and suppressions, and its own."""
    sources = dict.fromkeys([chain.segment_key, *(each.asset_key for each in chain.suppressions)])
    built = [key for key in sources if key in built_here]
    lookalike = [chain.lookalike_key] if chain.config.lookalike is not None else []
    return [*built, chain.identifiers_key, chain.list_key, chain.audience_key, *lookalike]
