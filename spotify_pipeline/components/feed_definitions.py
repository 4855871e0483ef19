"""What spans the feeds of a deployment: their schedules, the check of parity with its job, and their resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import dagster as dg

from spotify_pipeline.components.conversion_feed import ConversionFeed
from spotify_pipeline.components.conversion_resources import Outboxes, SpotifyConversions
from spotify_pipeline.components.event_feed import EventFeed
from spotify_pipeline.components.feed_schedules import BuiltHere, feed_schedules, feed_sensors
from spotify_pipeline.components.parity_check import PARITY, parity_check
from spotify_pipeline.components.yaml_location import AudienceConfigError
from spotify_pipeline.warehouse import Relation

WATCH_CONVERSIONS = "watch_conversions"
WATCH_EVERY_HOUR = "40 * * * *"
"""Twenty minutes and more after the hourly runs began: Spotify counts what it received that much later."""


def event_feeds(definitions: dg.Definitions) -> list[EventFeed]:
    """Every feed of loaded definitions, by name."""
    tree = definitions.component_tree
    found = tree.get_all_components(of_type=ConversionFeed) if tree is not None else []
    return sorted((component.feed for component in found), key=lambda feed: feed.feed)


def feed_definitions(feeds: Sequence[EventFeed], loaded: dg.Definitions) -> dg.Definitions:
    """Schedules, sensors, the check of parity and its job, and the resources of feeds; nothing where there is none.

    Args:
        feeds: every feed of the deployment.
        loaded: what its YAML files define.

    Raises:
        AudienceConfigError: two feeds would send the same events.
    """
    _refuse_doubled(feeds)
    if not feeds:
        return dg.Definitions()
    here = _built_here(loaded)
    job = dg.define_asset_job(
        WATCH_CONVERSIONS,
        selection=dg.AssetSelection.checks(*(dg.AssetCheckKey(feed.delivery_key, PARITY) for feed in feeds)),
        description="Compares, hour by hour, the events that were delivered with those that Spotify says it received. "
        "Changes nothing.",
    )
    watch = dg.ScheduleDefinition(
        name=WATCH_CONVERSIONS, job=job, cron_schedule=WATCH_EVERY_HOUR, description=job.description
    )
    return dg.Definitions(
        asset_checks=[parity_check(feed, feeds) for feed in feeds],
        jobs=[job],
        schedules=[*feed_schedules(feeds, here), watch],
        sensors=feed_sensors(feeds, here),
        resources={"outbox": Outboxes(), "conversions": SpotifyConversions()},
    )


def _built_here(loaded: dg.Definitions) -> BuiltHere:
    found = [each for each in loaded.assets or [] if isinstance(each, dg.AssetsDefinition)]
    return BuiltHere(
        assets=frozenset(key for each in found for key in each.keys),
        checks=tuple(key for each in found for key in each.check_keys),
    )


def feed_tables(feeds: Sequence[EventFeed]) -> dict[dg.AssetKey, Relation]:
    """Tables that the YAML of feeds names without the asset that writes them."""
    tables = {feed.events_key: feed.relation for feed in feeds if feed.config.events.asset_key is None}
    for feed in feeds:
        own = {each.name for each in feed.config.suppress if each.asset_key is None}
        tables |= {each.asset_key: each.relation for each in feed.suppressions if each.name in own}
    return tables


def _refuse_doubled(feeds: Sequence[EventFeed]) -> None:
    """Refuse two feeds that would send the same events, of which Spotify would drop one unseen."""
    same: defaultdict[tuple[str | None, str, str, bool], list[str]] = defaultdict(list)
    for feed in feeds:
        named = feed.config.event_id
        columns = ", ".join(named.columns)
        same[feed.config.connection_id, str(feed.relation), columns, named.source.hashed].append(feed.feed)
    for (_, relation, columns, _), names in same.items():
        if len(names) > 1:
            raise AudienceConfigError(
                f"The feeds {' and '.join(names)} send the events of {relation} to one connection with the same ids "
                f"({columns}), and of two events with one id Spotify counts one. Make one feed of them "
                "(event_name.names can give each event its name), or give each a connection_id of its own."
            )
