"""The schedules of all audiences: one per distinct cadence, all on one job.

A job and a schedule per audience would make definitions slow to load for everybody (at 1,000 audiences, 84 seconds
against 32), so audiences of one cadence share a schedule that asks for a run per audience, and every run is of the job
of all assets, narrowed to the audience's assets.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

import dagster as dg

from spotify_pipeline.components.audiences.checks import ERASURES_DONE, RECEIPTS_WHOLE, RETENTION_KEPT, TARGETABLE
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.event_based import EventAudienceDefinition
from spotify_pipeline.components.audiences.insights import NO_ORPHANS, overlap_definitions, overlap_key
from spotify_pipeline.components.cadence import ALL_ASSETS_JOB, CadenceConfig, NoWindowOpen
from spotify_pipeline.components.sign_in_check import SIGN_IN_LASTS, authorization_key, sign_in_definitions

AUDIENCE_TAG = "spotify_pipeline/audience"
WATCH_JOB = "spotify_watch_audiences"
WATCH_EVERY_SIX_HOURS = "0 */6 * * *"


def mirror_schedules(
    audiences: Sequence[AudienceDefinition], built_here: set[dg.AssetKey]
) -> list[dg.ScheduleDefinition]:
    """One schedule per distinct cadence.

    Args:
        audiences: every audience of the project.
        built_here: the assets this project can materialize, to tell a segment it builds from one it only reads.
    """
    scheduled = [audience for audience in audiences if audience.config.cadence.cron()]
    by_tick = groupby(sorted(scheduled, key=_tick), key=_tick)
    return [_schedule(list(group), built_here) for _, group in by_tick]


def watch_definitions(
    audiences: Sequence[AudienceDefinition], filled: Sequence[EventAudienceDefinition], project: str
) -> dg.Definitions:
    """A job, and its schedule, that asks Spotify how every audience stands, and looks at the age of the sign-ins.

    Args:
        audiences: every audience of the project that is made of a list.
        filled: every one that Spotify fills.
        project: its name.
    """
    watched, overlap = [*audiences, *filled], overlap_key(project)
    looked_at = (TARGETABLE, RETENTION_KEPT, ERASURES_DONE, RECEIPTS_WHOLE)
    checks = [dg.AssetCheckKey(audience.audience_key, check) for audience in audiences for check in looked_at]
    checks += [dg.AssetCheckKey(each.audience_key, TARGETABLE) for each in filled]
    checks += [dg.AssetCheckKey(authorization_key(project), SIGN_IN_LASTS)] if watched else []
    job = dg.define_asset_job(
        WATCH_JOB,
        selection=dg.AssetSelection.checks(*checks, dg.AssetCheckKey(overlap, NO_ORPHANS))
        | dg.AssetSelection.assets(overlap),
        executor_def=dg.in_process_executor,
        description="Checks, with one request each, whether the audiences still exist and can be targeted, and whether "
        "a sign-in is about to expire. Checks this machine for files kept too long, erasures that wait, incomplete "
        "receipts, audiences left behind, and how audiences overlap. Changes nothing at Spotify.",
    )
    schedule = dg.ScheduleDefinition(
        name=WATCH_JOB, job=job, cron_schedule=WATCH_EVERY_SIX_HOURS, description=job.description
    )
    labels = list(dict.fromkeys(each.config.authorization for each in watched))
    return dg.Definitions.merge(
        sign_in_definitions(labels, project) if watched else dg.Definitions(),
        overlap_definitions(audiences, project, [each.folder for each in filled]),
        dg.Definitions(jobs=[job], schedules=[schedule]),
    )


def _tick(audience: AudienceDefinition) -> tuple[str, str]:
    cadence = audience.config.cadence
    return (cadence.timezone, str(cadence.cron()))


def _name(cadence: CadenceConfig) -> str:
    """A name that differs wherever cron or zone do: `Etc/GMT+5` and `Etc/GMT-5` are ten hours apart."""
    words = cadence.in_words().lower().replace("+", " plus ").replace("-", " minus ")
    return "spotify_mirror_" + re.sub(r"[^a-z0-9]+", "_", words).strip("_")


def _schedule(audiences: list[AudienceDefinition], built_here: set[dg.AssetKey]) -> dg.ScheduleDefinition:
    cadence = audiences[0].config.cadence
    names = ", ".join(each.folder for each in audiences)

    @dg.schedule(
        name=_name(cadence),
        cron_schedule=str(cadence.cron()),
        execution_timezone=cadence.timezone,
        job_name=ALL_ASSETS_JOB,
        description=f"Mirrors, {cadence.in_words()}: {names}. Turn it on to keep them equal to their segments.",
    )
    def mirror_due_audiences(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        for audience in audiences:
            try:
                partition = audience.config.cadence.newest_partition(context.scheduled_execution_time)
            except NoWindowOpen as not_yet:
                # One audience that starts later must not hold up the others of its cadence.
                if len(audiences) == 1:
                    yield dg.SkipReason(str(not_yet))
                continue
            yield dg.RunRequest(
                run_key=f"{audience.folder}:{partition}",
                partition_key=partition,
                asset_selection=selected_assets(audience, built_here),
                tags={AUDIENCE_TAG: audience.folder},
            )

    return mirror_due_audiences


def selected_assets(audience: AudienceDefinition, built_here: set[dg.AssetKey]) -> list[dg.AssetKey]:
    """The assets of one audience's run: what this deployment builds of its segment and suppressions, and its own."""
    sources = dict.fromkeys([audience.segment_key, *(each.asset_key for each in audience.suppressions)])
    built = [key for key in sources if key in built_here]
    lookalike = [audience.lookalike_key] if audience.config.lookalike is not None else []
    return [*built, audience.identifiers_key, audience.list_key, audience.audience_key, *lookalike]
