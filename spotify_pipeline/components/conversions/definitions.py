"""What spans the feeds of a project: their schedules, the check of parity with its job, and their resources."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import dagster as dg

from spotify_pipeline.components.conversions.component import ConversionFeed
from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.parity import PARITY, parity_check
from spotify_pipeline.components.conversions.resources import Outboxes, SpotifyConversions
from spotify_pipeline.components.conversions.schedules import BuiltHere, feed_schedules, feed_sensors
from spotify_pipeline.components.project_connection import ProjectConnection
from spotify_pipeline.components.yaml import AudienceConfigError
from spotify_pipeline.warehouse import Relation

WATCH_CONVERSIONS = "spotify_watch_conversions"
WATCH_EVERY_HOUR = "40 * * * *"
"""Twenty minutes and more after the hourly runs began: Spotify counts what it received that much later."""


def find_feeds(loaded: dg.Definitions | dg.ComponentTree) -> list[FeedDefinition]:
    """Every feed of a project, by name."""
    tree = loaded.component_tree if isinstance(loaded, dg.Definitions) else loaded
    found = tree.get_all_components(of_type=ConversionFeed) if tree is not None else []
    return sorted((component.feed for component in found), key=lambda feed: feed.name)


def feed_definitions(
    feeds: Sequence[FeedDefinition], beside: Sequence[dg.AssetsDefinition], connection: ProjectConnection
) -> dg.Definitions:
    """Schedules, sensors, the check of parity and its job, and the resources of feeds; nothing where there is none.

    Args:
        feeds: every feed of the project.
        beside: its assets.
        connection: its connection.

    Raises:
        AudienceConfigError: two feeds would send the same events.
    """
    _refuse_doubled(feeds, connection)
    if not feeds:
        return dg.Definitions()
    here = _built_here(beside)
    job = dg.define_asset_job(
        WATCH_CONVERSIONS,
        selection=dg.AssetSelection.checks(*(dg.AssetCheckKey(feed.delivery_key, PARITY) for feed in feeds)),
        description="Compares, hour by hour, the events that were delivered with those that Spotify says it received. "
        "Changes nothing.",
        executor_def=dg.in_process_executor,
    )
    watch = dg.ScheduleDefinition(
        name=WATCH_CONVERSIONS, job=job, cron_schedule=WATCH_EVERY_HOUR, description=job.description
    )
    return dg.Definitions(
        asset_checks=[parity_check(feed, feeds) for feed in feeds],
        jobs=[job],
        schedules=[*feed_schedules(feeds, here), watch],
        sensors=feed_sensors(feeds, here),
        resources={
            "spotify_outbox": Outboxes.of(connection.stated, connection.project),
            "spotify_conversions": SpotifyConversions.of(connection.stated, connection.project),
        },
    )


def _built_here(found: Sequence[dg.AssetsDefinition]) -> BuiltHere:
    return BuiltHere(
        assets=frozenset(key for each in found for key in each.keys),
        checks=tuple(key for each in found for key in each.check_keys),
    )


def feed_tables(feeds: Sequence[FeedDefinition]) -> dict[dg.AssetKey, Relation]:
    """Tables that the YAML of feeds names without the asset that writes them."""
    tables = {feed.events_key: feed.relation for feed in feeds if feed.config.events.asset_key is None}
    for feed in feeds:
        own = {each.name for each in feed.config.suppress if each.asset_key is None}
        tables |= {each.asset_key: each.relation for each in feed.suppressions if each.name in own}
    return tables


def _refuse_doubled(feeds: Sequence[FeedDefinition], connection: ProjectConnection) -> None:
    """Refuse two feeds that would send the same events, of which Spotify would drop one unseen."""
    if len(feeds) < 2:
        return
    default = connection.settings.text("capi_connection_id") or ""
    for first, second in combinations(feeds, 2):
        if _send_the_same(first, second, default):
            columns = ", ".join(first.config.event_id.columns)
            raise AudienceConfigError(
                f"The feeds {first.name} and {second.name} send the events of {first.relation} to one connection with "
                f"the same ids ({columns}), and of two events with one id Spotify counts one. Make one feed of them "
                "(event_name.names can give each event its name), or give each a connection_id of its own."
            )


def _send_the_same(first: FeedDefinition, second: FeedDefinition, default: str) -> bool:
    """Whether two feeds read one relation with the same ids into one connection, however each of these is written."""
    ids = [each.config.event_id for each in (first, second)]
    return (
        _connection(first, default) == _connection(second, default)
        and first.relation.may_be(second.relation)
        and [each.source.hashed for each in ids] == [ids[0].source.hashed] * 2
        and [name.casefold() for name in ids[0].columns] == [name.casefold() for name in ids[1].columns]
    )


def _connection(feed: FeedDefinition, default: str) -> str:
    """The connection that a feed sends to; ``default`` where its YAML names none."""
    return (feed.config.connection_id or default).strip().casefold()
