"""What a project's YAML files define, by name: audiences, feeds and suppression lists."""

# Dagster leaves open of what type the component of a place is.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

import dagster as dg

from spotify_pipeline.components.audiences import AudienceDefinition, CustomerListAudience
from spotify_pipeline.components.audiences.event_based import EventAudienceComponent, EventAudienceDefinition
from spotify_pipeline.components.sources import SuppressionList

if TYPE_CHECKING:
    from dagster.components.core.decl import ComponentDecl

T = TypeVar("T", bound=dg.Component)


def audience_definitions(loaded: dg.Definitions | dg.ComponentTree) -> list[AudienceDefinition]:
    """Every audience of a project that is made of a list, by name."""
    return sorted((each.audience for each in _all(loaded, CustomerListAudience)), key=lambda each: each.folder)


def event_audience_definitions(loaded: dg.Definitions | dg.ComponentTree) -> list[EventAudienceDefinition]:
    """Every audience of a project that Spotify fills by itself, by name."""
    return sorted((each.audience for each in _all(loaded, EventAudienceComponent)), key=lambda each: each.folder)


def suppression_lists(loaded: dg.Definitions | dg.ComponentTree) -> list[SuppressionList]:
    """The suppression lists of every audience, by name."""
    return sorted(_all(loaded, SuppressionList), key=lambda each: each.source.name)


def _all(loaded: dg.Definitions | dg.ComponentTree, kind: type[T]) -> list[T]:
    tree = loaded.component_tree if isinstance(loaded, dg.Definitions) else loaded
    return tree.get_all_components(of_type=kind) if tree is not None else []


def assets_beside(context: dg.ComponentLoadContext) -> Iterator[dg.AssetsDefinition]:
    """The assets of the project that are not the connection's own.

    Everything is built that does not hold the connection itself, in parts as large as can be, so that what a folder
    changes of its assets is seen. Dagster keeps what was built, so nothing is built twice.
    """
    yield from _beside(context, context.component_tree.find_root_decl())


def _beside(context: dg.ComponentLoadContext, place: ComponentDecl[Any]) -> Iterator[dg.AssetsDefinition]:
    if place is context.component_decl:
        return
    if any(each is context.component_decl for each in place.iterate_all_component_decls()):
        for part in place.iterate_child_component_decls():
            yield from _beside(context, part)
        return
    where = place.loc if hasattr(place, "loc") else cast("Any", place).path  # Dagster 1.13.0 has `path`
    for each in context.build_defs(where).assets or []:
        if isinstance(each, dg.AssetsDefinition):
            yield each
