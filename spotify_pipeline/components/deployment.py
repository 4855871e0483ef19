"""Puts a deployment's definitions together: what its YAML files define, and what spans them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg

from spotify_pipeline.components.alerts import alert_sensor
from spotify_pipeline.components.audiences import (
    AudienceDefinition,
    CustomerListAudience,
    mirror_schedules,
    watch_definitions,
)
from spotify_pipeline.components.audiences.event_based import EventAudienceComponent, EventAudienceDefinition
from spotify_pipeline.components.audiences.insights import plan_job
from spotify_pipeline.components.conversions import feed_definitions, feed_tables, find_feeds
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.components.sources import SuppressionList
from spotify_pipeline.components.yaml import AudienceConfigError, refuse_repeated_keys, refuse_unread_files
from spotify_pipeline.process import no_core_dumps
from spotify_pipeline.warehouse import PythonFunction, Relation


def deployment(definitions_file: Path) -> dg.Definitions:
    """Everything below the `defs` folder beside ``definitions_file``, with schedules, resources and executor.

    Raises:
        AudienceConfigError: a YAML file is wrong, or two files contradict each other.
    """
    no_core_dumps()  # every process that runs an asset has loaded its definitions
    refuse_unread_files(definitions_file / "defs")
    refuse_repeated_keys(definitions_file / "defs")
    return with_shared_definitions(dg.load_from_defs_folder(path_within_project=definitions_file))


def with_shared_definitions(loaded: dg.Definitions) -> dg.Definitions:
    """The definitions of a `defs` folder, with what spans its files: schedules, the watch job, resources, executor.

    Raises:
        AudienceConfigError: two files contradict each other.
    """
    audiences, filled = audience_definitions(loaded), event_audience_definitions(loaded)
    _refuse_doubled(audiences, "audience_id", lambda audience: audience.config.audience_id)
    _refuse_doubled(
        audiences, "name", lambda audience: f"{audience.name} ({audience.config.ad_account_id or 'default account'})"
    )
    _refuse_shared_names([*audiences, *filled])
    lists = suppression_lists(loaded)
    _refuse_doubled_lists(lists)
    built_here = {
        key for assets in loaded.assets or [] if isinstance(assets, dg.AssetsDefinition) for key in assets.keys
    }
    feeds = find_feeds(loaded)
    return dg.Definitions.merge(
        loaded,
        watch_definitions(audiences, filled),
        feed_definitions(feeds, loaded),
        dg.Definitions(
            assets=_tables_written_elsewhere(_tables(audiences, lists) | feed_tables(feeds), built_here),
            schedules=mirror_schedules(audiences, built_here),
            jobs=[plan_job(audiences)],
            sensors=[alert_sensor()],
            resources={
                "spotify_warehouse": WarehouseResource(),
                "spotify_home": PipelineHome(),
                "spotify_ads": SpotifyAdsResource(),
            },
            # The default executor would load all definitions again for every step.
            executor=dg.in_process_executor,
        ),
    )


def audience_definitions(definitions: dg.Definitions) -> list[AudienceDefinition]:
    """Every audience of loaded definitions that is made of a list, by name."""
    tree = definitions.component_tree
    if tree is None:
        return []
    components = tree.get_all_components(of_type=CustomerListAudience)
    return sorted((component.audience for component in components), key=lambda audience: audience.folder)


def event_audience_definitions(definitions: dg.Definitions) -> list[EventAudienceDefinition]:
    """Every audience of loaded definitions that Spotify fills by itself, by name."""
    tree = definitions.component_tree
    found = tree.get_all_components(of_type=EventAudienceComponent) if tree is not None else []
    return sorted((component.audience for component in found), key=lambda each: each.folder)


def suppression_lists(definitions: dg.Definitions) -> list[SuppressionList]:
    """The suppression lists of every audience, by name."""
    tree = definitions.component_tree
    found = tree.get_all_components(of_type=SuppressionList) if tree is not None else []
    return sorted(found, key=lambda each: each.source.name)


def _tables(audiences: list[AudienceDefinition], lists: list[SuppressionList]) -> dict[dg.AssetKey, Relation]:
    """Tables that the YAML names without the asset that writes them."""
    tables = {
        audience.segment_key: audience.relation for audience in audiences if audience.config.segment.asset_key is None
    }
    for audience in audiences:
        owned = {each.name for each in audience.config.suppress if each.asset_key is not None}
        own = {each.name for each in audience.config.suppress} - owned
        tables |= {each.asset_key: each.relation for each in audience.suppressions if each.name in own}
    return tables | {each.source.asset_key: each.source.relation for each in lists if each.written_elsewhere}


def _tables_written_elsewhere(tables: dict[dg.AssetKey, Relation], built_here: set[dg.AssetKey]) -> list[dg.AssetSpec]:
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


def _refuse_doubled_lists(lists: list[SuppressionList]) -> None:
    """Refuse two suppression lists of one name, of which only one would be applied."""
    names = [each.source.name for each in lists]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise AudienceConfigError(
            f"Two suppression lists are called {name}, after their folders, and lists are told apart by their names. "
            "Rename a folder."
        )


def _refuse_shared_names(audiences: Sequence[AudienceDefinition | EventAudienceDefinition]) -> None:
    """Refuse two audiences of one name of which Spotify fills at least one: a run takes neither for the other."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for each in audiences:
        owners[f"{each.name} ({each.config.ad_account_id or 'default account'})"].append(each.folder)
    for name, folders in owners.items():
        if len(folders) > 1:
            raise AudienceConfigError(
                f"The audiences {' and '.join(folders)} have the same name, {name}, so Spotify would show two that "
                "nobody can tell apart. Give each a name of its own."
            )


def _refuse_doubled(
    audiences: list[AudienceDefinition], field: str, value: Callable[[AudienceDefinition], str | None]
) -> None:
    """Refuse two audiences that would be one at Spotify, where each would replace the other's list."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for audience in audiences:
        if (found := value(audience)) is not None:
            owners[found].append(audience.folder)
    for shared, names in owners.items():
        if len(names) > 1:
            raise AudienceConfigError(
                f"The audiences {' and '.join(names)} have the same {field}, {shared}, so each would replace the "
                f"other's list at Spotify. Give each a {field} of its own."
            )
