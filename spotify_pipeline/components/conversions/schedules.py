"""When feeds run: a schedule for each, or a sensor on its events; and never two runs of one feed at a time."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus

from spotify_pipeline.components.cadence import ALL_ASSETS_JOB
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.resources import Outboxes
from spotify_pipeline.conversions import DayAccount, OutboxError
from spotify_pipeline.home import HomeError

FEED_TAG = "spotify_pipeline/feed"
PROJECT_TAG = "spotify_pipeline/project"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
UNDER_WAY = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
LONGEST_RUN = timedelta(days=1)
"""A run that is older is taken for dead: its process may be gone without a word. If it lives, the outbox is its own."""
LOOK_EVERY = 30
"""Seconds between two looks of a sensor."""


@dataclass(frozen=True, kw_only=True)
class BuiltHere:
    """What this project can materialize, and what it checks of that in the same run.

    Attributes:
        assets: their keys.
        checks: the keys of their checks, without those that a job of its own looks at.
    """

    assets: frozenset[dg.AssetKey]
    checks: tuple[dg.AssetCheckKey, ...]

    def checks_of(self, assets: Collection[dg.AssetKey]) -> list[dg.AssetCheckKey]:
        """The checks of some of them."""
        return [each for each in self.checks if each.asset_key in assets]


def feed_schedules(feeds: Sequence[FeedDefinition], here: BuiltHere) -> list[dg.ScheduleDefinition]:
    """The schedules of the feeds that the clock starts. What this project builds of a feed's sources is built first.

    Args:
        feeds: every feed of the project.
        here: see there.
    """
    return [_schedule(feed, cron, here) for feed in feeds if (cron := feed.config.schedule.cron()) is not None]


def feed_sensors(feeds: Sequence[FeedDefinition], here: BuiltHere) -> list[dg.SensorDefinition]:
    """The sensors of the feeds that follow their events' asset."""
    return [_sensor(feed, here) for feed in feeds if feed.config.schedule.follows_the_asset]


def _schedule(feed: FeedDefinition, cron: str, here: BuiltHere) -> dg.ScheduleDefinition:
    sources = dict.fromkeys([feed.events_key, *(each.asset_key for each in feed.suppressions)])
    selected = [*(key for key in sources if key in here.assets), *feed.keys]

    @dg.schedule(
        name=f"spotify_send_{feed.name}",
        cron_schedule=cron,
        execution_timezone=feed.config.timezone,
        job_name=ALL_ASSETS_JOB,
        description=f"Reads the newest days of {feed.name} and sends what is new, "
        f"{feed.config.schedule.in_words()}. Turn it on to keep Spotify up to date.",
    )
    def send_due_events(
        context: dg.ScheduleEvaluationContext, spotify_outbox: Outboxes
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        tick = context.scheduled_execution_time
        run_key = f"{feed.name}:{tick.isoformat()}"
        yield _request(feed, context.instance, spotify_outbox, tick, run_key, selected, here)

    return send_due_events


def _sensor(feed: FeedDefinition, here: BuiltHere) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"spotify_send_{feed.name}",
        job_name=ALL_ASSETS_JOB,
        minimum_interval_seconds=LOOK_EVERY,
        description=f"Reads the newest days of {feed.name} and sends what is new, whenever "
        f"{feed.events_key.to_user_string()} was materialized. Turn it on to keep Spotify up to date.",
    )
    def send_new_events(
        context: dg.SensorEvaluationContext, spotify_outbox: Outboxes
    ) -> dg.SensorResult | dg.SkipReason:
        newest = context.instance.get_latest_materialization_event(feed.events_key)
        stored = None if newest is None else f"{newest.run_id}:{newest.timestamp}"
        if stored is None or stored == context.cursor:
            return dg.SkipReason(f"{feed.events_key.to_user_string()} was not materialized since the last run.")
        run_key = f"{feed.name}:{stored}"
        asked = _request(feed, context.instance, spotify_outbox, datetime.now(UTC), run_key, feed.keys, here)
        if isinstance(asked, dg.SkipReason):
            return asked  # and the cursor stays, so that the next look asks again
        return dg.SensorResult(run_requests=[asked], cursor=stored)

    return send_new_events


def _request(
    feed: FeedDefinition,
    instance: dg.DagsterInstance,
    outbox: Outboxes,
    now: datetime,
    run_key: str,
    selected: Sequence[dg.AssetKey],
    here: BuiltHere,
) -> dg.RunRequest | dg.SkipReason:
    """The run that is due, or why none is."""
    since = datetime.now(UTC) - LONGEST_RUN
    of_feed = dg.RunsFilter(tags=feed_tags(feed), statuses=UNDER_WAY, created_after=since)
    under_way = instance.get_run_records(of_feed, limit=1)
    if under_way:
        run_id = under_way[0].dagster_run.run_id
        return dg.SkipReason(f"Run {run_id[:8]} of {feed.name} is still under way; what is new waits for the next.")
    due = feed.due(now, *days_behind(feed, outbox))
    if due is None:
        return dg.SkipReason(f"{feed.name} starts on {feed.config.start}.")
    first, last = due
    return dg.RunRequest(
        run_key=run_key,
        asset_selection=selected,
        # Named, for all there are would include parity, which needs the Ads API and has a job of its own.
        asset_check_keys=here.checks_of(selected),
        tags={**feed_tags(feed), **range_tags(first, last)},
    )


def feed_tags(feed: FeedDefinition) -> dict[str, str]:
    """The tags of a feed's runs; a Dagster instance may hold runs of another project's feed of the same name."""
    return {FEED_TAG: feed.name, PROJECT_TAG: feed.project}


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of a run that covers these days and those between them."""
    return {RANGE_START_TAG: first.isoformat(), RANGE_END_TAG: last.isoformat()}


def days_behind(feed: FeedDefinition, outbox: Outboxes) -> tuple[Sequence[date], Sequence[DayAccount]]:
    """Days with events that still wait, and every day's account; none where the outbox cannot be looked into now."""
    try:
        with outbox.look(feed) as opened:
            return opened.pending_days(), opened.accounts()
    except (OutboxError, HomeError):
        return [], []
