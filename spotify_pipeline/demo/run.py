"""Run the whole chain on one machine: tables, segments, lists, audiences, and their status at the local Spotify.

Dagster materializes every asset, so the runs, checks and metadata are those of a deployment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from spotify_pipeline.components import NoWindowOpen, PipelineHome, SpotifyAdsResource, audience_definitions
from spotify_pipeline.components.audiences import AUDIENCE_TAG, WATCH_JOB, AudienceDefinition
from spotify_pipeline.components.audiences.checks import GUARDS, READY, UNUSABLE
from spotify_pipeline.components.conversions import FeedDefinition, feed_tags, find_feeds
from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.demo import feeds as demo_feeds
from spotify_pipeline.demo.feeds import DemoFeed
from spotify_pipeline.demo.raw_tables import write_raw_tables
from spotify_pipeline.demo.workspace import DemoWorkspace
from spotify_pipeline.mirror.guards import MIN_ROWS
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.spotify import Audience

LONGEST_WAIT = timedelta(hours=96)
CLOCK_STEP = timedelta(hours=1)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class DemoFailed(Exception):
    """The demo cannot continue; the message says why."""


@dataclass(frozen=True)
class DemoAudience:
    """The result of one audience."""

    chain: AudienceDefinition
    manifest: Manifest | None
    """The list, if it was built."""
    held_back: str | None
    """Why nothing was sent, if that is intended: the list is too short, or the demo skips the audience."""
    failure: str | None
    """What went wrong, if anything did."""
    done: str | None
    """What was done at Spotify: created or replaced."""
    audience: Audience | None = None
    """The audience at Spotify at the end."""

    @property
    def succeeded(self) -> bool:
        """Whether it was sent and can be targeted, or was held back or skipped for a stated reason."""
        if self.held_back is not None:
            return True
        return self.failure is None and self.audience is not None and self.audience.status in READY


@dataclass(frozen=True)
class DemoOutcome:
    """The results of all audiences and feeds, in the order of their names."""

    audiences: Sequence[DemoAudience]
    waited: timedelta
    """Time that passed on the sandbox's clock until the audiences were ready."""
    feeds: Sequence[DemoFeed] = ()
    """The result of each feed."""
    counted: int | None = None
    """Events that Spotify's diagnostics show for the connection of the feeds; None if nothing was sent."""

    @property
    def delivered(self) -> int:
        """Events that all feeds delivered."""
        return sum(each.delivered for each in self.feeds)

    @property
    def failed(self) -> list[DemoAudience | DemoFeed]:
        """Audiences and feeds that failed."""
        return [each for each in (*self.audiences, *self.feeds) if not each.succeeded]


def run_demo(
    workspace: DemoWorkspace,
    *,
    people: int,
    load_definitions: Callable[[], dg.Definitions],
    say: Callable[[str], None],
) -> DemoOutcome:
    """Run the demo. The process must already have the environment of ``workspace``.

    Raises:
        DemoFailed: the segments could not be built, or there is no audience.
        SandboxError, HomeError, RawTablesError: the port is taken, the disk is full, the warehouse is in use.
    """
    started = time.monotonic()

    def report(sentence: str) -> None:
        say(f"[{time.monotonic() - started:5.1f} s] {sentence}")

    workspace.prepare()
    with workspace.sandbox() as sandbox:
        report(f"A local Spotify runs at {workspace.sandbox_url}/.")
        tables = write_raw_tables(workspace.warehouse, people=people)
        report(
            f"The warehouse has {tables.customers:,} customer rows, {tables.consents:,} consents and "
            f"{tables.events + tables.shop_events:,} events" + (" (from before)." if tables.reused else ".")
        )
        definitions = load_definitions()
        chains = audience_definitions(definitions)
        if not chains:
            raise DemoFailed("The project has no audience. Add one in spotify_pipeline/defs/audiences.")
        with dg.DagsterInstance.get() as instance:
            runner = _Runner(definitions, instance)
            runner.build_segments()
            report(f"dbt built and tested the segments of {len(chains)} audiences.")
            mirrored = [_mirrored(runner, chain, report) for chain in chains]
            sent = [_sent(runner, feed, report) for feed in find_feeds(definitions)]
            waited = _wait_until_ready(sandbox, mirrored)
            report(
                f"Spotify processed the lists after {waited.total_seconds() / 3600:.0f} hours on the sandbox's clock."
            )
            runner.watch_audiences()
        if not any(each.done for each in mirrored):
            raise DemoFailed("No audience was sent to Spotify; the lines above say why.")
        counted = demo_feeds.counted_by_spotify() if any(each.accounts for each in sent) else None
        return DemoOutcome([_with_audience(each) for each in mirrored], waited, sent, counted)


class _Runner:
    """Materializes assets in runs of the job of all assets, which Dagster's instance keeps."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._definitions = definitions
        self._instance = instance
        self._all_assets = definitions.resolve_implicit_global_asset_job_def()

    def build_segments(self) -> None:
        """Build and test every dbt model.

        Raises:
            DemoFailed: a model or a test failed.
        """
        graph = self._definitions.resolve_asset_graph()
        assets = [each for each in graph.materializable_asset_keys if not graph.get(each).is_partitioned]
        models = [each for each in assets if each.path[0] != "spotify"]
        result = self._all_assets.execute_in_process(
            instance=self._instance, asset_selection=models, raise_on_error=False, run_config=QUIET
        )
        if not result.success:
            raise DemoFailed(f"dbt could not build the segments. {_failure_of(result)}")

    def mirror(self, chain: AudienceDefinition, partition: str) -> dg.ExecuteInProcessResult:
        """Materialize one audience's chain."""
        return self._all_assets.execute_in_process(
            instance=self._instance,
            asset_selection=[chain.identifiers_key, chain.list_key, chain.audience_key],
            partition_key=partition,
            tags={AUDIENCE_TAG: chain.folder},
            raise_on_error=False,
            run_config=QUIET,
        )

    def send(self, feed: FeedDefinition, day: date) -> str | None:
        """Materialize a day of a feed; why that failed, or None."""
        result = self._all_assets.execute_in_process(
            instance=self._instance,
            asset_selection=demo_feeds.feed_assets(feed),
            partition_key=day.isoformat(),
            tags=feed_tags(feed),
            raise_on_error=False,
            run_config=QUIET,
        )
        return None if result.success else _failure_of(result)

    def watch_audiences(self) -> None:
        """Check the status of every audience, with the job that runs on a schedule."""
        self._definitions.resolve_job_def(WATCH_JOB).execute_in_process(
            instance=self._instance, raise_on_error=False, run_config=QUIET
        )


def _reason_to_skip(chain: AudienceDefinition) -> str | None:
    """Why the demo cannot mirror an audience: its Spotify has one ad account, its warehouse only the dbt models."""
    config = chain.config
    if config.ad_account_id is not None or config.audience_id is not None:
        return "Skipped: its YAML names a real ad account or audience."
    if config.segment.table is not None:
        return "Skipped: it reads a table, and the demo's warehouse has only the dbt models."
    try:
        config.cadence.newest_partition(datetime.now(UTC))
    except NoWindowOpen as not_yet:
        return str(not_yet)
    return None


def _mirrored(runner: _Runner, chain: AudienceDefinition, report: Callable[[str], None]) -> DemoAudience:
    skipped = _reason_to_skip(chain)
    if skipped is not None:
        report(f"{chain.folder}: {skipped}")
        return DemoAudience(chain, None, skipped, None, None)
    partition = chain.config.cadence.newest_partition(datetime.now(UTC))
    result = runner.mirror(chain, partition)
    snapshots = PipelineHome().snapshots
    manifest = snapshots.manifest(chain.folder, partition) if partition in snapshots.snapshots(chain.folder) else None
    if result.success:
        done = _done_at_spotify(result, chain)
        report(f"{chain.folder}: {done}.")
        return DemoAudience(chain, manifest, None, None, done)
    too_few = _held_back_by(result) if _is_too_short(chain, manifest) else None
    failure = None if too_few else _why_not_sent(result)
    report(f"{chain.folder}: {'held back. ' + too_few if too_few else 'FAILED. ' + str(failure)}")
    return DemoAudience(chain, manifest, too_few, failure, None)


def _sent(runner: _Runner, feed: FeedDefinition, report: Callable[[str], None]) -> DemoFeed:
    outcome = demo_feeds.sent(feed, runner.send)
    said = outcome.skipped or (f"FAILED. {outcome.failure}" if outcome.failure else None)
    report(f"{feed.name}: {said or f'{outcome.delivered:,} events delivered, including those of {demo_feeds.DAY}.'}")
    return outcome


def _is_too_short(chain: AudienceDefinition, manifest: Manifest | None) -> bool:
    """Whether the list is held back because of its size; one of the demo's is."""
    return manifest is not None and 0 < manifest.list_rows < chain.limits[MIN_ROWS]


def _held_back_by(result: dg.ExecuteInProcessResult) -> str | None:
    """What the guards say about a list that they hold back."""
    return next(
        (
            each.description
            for each in result.get_asset_check_evaluations()
            if each.check_name == GUARDS and not each.passed
        ),
        None,
    )


def _why_not_sent(result: dg.ExecuteInProcessResult) -> str:
    return _held_back_by(result) or _failure_of(result)


def _done_at_spotify(result: dg.ExecuteInProcessResult, chain: AudienceDefinition) -> str:
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        if materialization.asset_key == chain.audience_key:
            return str(materialization.metadata["done"].value)
    raise DemoFailed(f"The run of {chain.folder} succeeded but did not materialize the audience.")


def _failure_of(result: dg.ExecuteInProcessResult) -> str:
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            return data.user_failure_data.description
        if data.error is not None:
            return data.error.message.strip()
    return "No reason was recorded."


def _wait_until_ready(sandbox: SandboxServer, mirrored: Sequence[DemoAudience]) -> timedelta:
    """Move the sandbox's clock until every audience that was sent is ready or unusable."""
    waited = timedelta(0)
    sent = [each for each in mirrored if each.done]
    while waited < LONGEST_WAIT:
        states = [_audience_of(each.chain) for each in sent]
        if all(state is not None and (state.status in READY or state.status in UNUSABLE) for state in states):
            break
        sandbox.state.advance_clock(CLOCK_STEP.total_seconds())
        waited += CLOCK_STEP
    return waited


def _with_audience(mirrored: DemoAudience) -> DemoAudience:
    audience = _audience_of(mirrored.chain) if mirrored.done else None
    return DemoAudience(
        mirrored.chain, mirrored.manifest, mirrored.held_back, mirrored.failure, mirrored.done, audience
    )


def _audience_of(chain: AudienceDefinition) -> Audience | None:
    spotify = SpotifyAdsResource()
    account = spotify.account_of(chain)
    known = PipelineHome().journal.read(chain.folder, account).audience_id
    if known is None:
        return None
    with spotify.client() as client:
        return client.audience(account, known)
