"""What the audiences and feeds of a project share: resources, schedules, sensors, jobs, and tables of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import dagster as dg

from spotify_pipeline.components.alerts import alert_sensor
from spotify_pipeline.components.audiences import AudienceDefinition, mirror_schedules, watch_definitions
from spotify_pipeline.components.audiences.insights import plan_job
from spotify_pipeline.components.connection.contradictions import refuse_contradictions
from spotify_pipeline.components.connection.found import (
    audience_definitions,
    event_audience_definitions,
    suppression_lists,
)
from spotify_pipeline.components.conversions import feed_definitions, feed_tables, find_feeds
from spotify_pipeline.components.project_connection import ProjectConnection
from spotify_pipeline.components.resources import AlertWebhook, PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.components.sources import SuppressionList
from spotify_pipeline.warehouse import PythonFunction, Relation

RESOURCES = {
    "spotify_ads": SpotifyAdsResource,
    "spotify_home": PipelineHome,
    "spotify_warehouse": WarehouseResource,
    "spotify_alert_webhook": AlertWebhook,
}


def shared_definitions(
    connection: ProjectConnection, tree: dg.ComponentTree, beside: Sequence[dg.AssetsDefinition], project: str
) -> dg.Definitions:
    """What spans the files of a project.

    Args:
        connection: the project's.
        tree: of its components.
        beside: its assets, but for those that this yields.
        project: its name.

    Raises:
        AudienceConfigError: two files contradict each other.
    """
    audiences, filled = audience_definitions(tree), event_audience_definitions(tree)
    lists, feeds = suppression_lists(tree), find_feeds(tree)
    refuse_contradictions(audiences, filled, lists)
    built_here = {key for assets in beside for key in assets.keys}
    return dg.Definitions.merge(
        watch_definitions(audiences, filled, project),
        feed_definitions(feeds, beside, connection),
        dg.Definitions(
            assets=_tables_written_elsewhere(_tables(audiences, lists) | feed_tables(feeds), built_here),
            schedules=mirror_schedules(audiences, built_here),
            jobs=[plan_job(audiences)],
            sensors=[alert_sensor()],
            resources={key: kind.of(connection.stated, connection.project) for key, kind in RESOURCES.items()},
        ),
    )


def _tables(audiences: Sequence[AudienceDefinition], lists: Sequence[SuppressionList]) -> dict[dg.AssetKey, Relation]:
    """Tables that the YAML names without the asset that writes them."""
    tables = {
        audience.segment_key: audience.relation for audience in audiences if audience.config.segment.asset_key is None
    }
    for audience in audiences:
        owned = {each.name for each in audience.config.suppress if each.asset_key is not None}
        own = {each.name for each in audience.config.suppress} - owned
        tables |= {each.asset_key: each.relation for each in audience.suppressions if each.name in own}
    return tables | {each.source.asset_key: each.source.relation for each in lists if each.written_elsewhere}


def _tables_written_elsewhere(
    tables: dict[dg.AssetKey, Relation], built_here: Collection[dg.AssetKey]
) -> list[dg.AssetSpec]:
    """Segments, events and suppression lists that are neither dbt models nor assets of this project, each once."""
    return [
        dg.AssetSpec(
            key,
            group_name="spotify_segments",
            kinds={"python" if isinstance(table, PythonFunction) else "table"},
            description=f"What the function `{table}` yields."
            if isinstance(table, PythonFunction)
            else f"The table `{table}`, which something else writes.",
        )
        for key, table in tables.items()
        if key not in built_here
    ]
