"""How audiences, feeds and lists find the connection of their project, and what they say where there is none."""

from __future__ import annotations

import os

import dagster as dg

from spotify_pipeline.components.yaml import AudienceConfigError, config_error
from spotify_pipeline.mirror.guards import Guard, GuardUnusable, own_guards
from spotify_pipeline.settings import COMPONENT_TYPE, Project, Settings, StatedConnection
from spotify_pipeline.warehouse import DuckDBWarehouse, Warehouse, warehouse_class


class ProjectConnection(dg.Component):
    """The connection as the other components see it. `SpotifyAds`, which is above them all, is the one there is.

    Attributes:
        stated: its YAML.
        project: that it is in.
        guards: that the project adds to ours.
    """

    def __init__(self, stated: StatedConnection, project: Project) -> None:
        self.stated = stated
        self.project = project
        self.guards = _guards(stated)

    @property
    def settings(self) -> Settings:
        """What is set, by this process's environment.

        Raises:
            SettingsError: the shell and `.env` differ.
        """
        return Settings.of_run(self.project, self.stated, os.environ)

    @property
    def warehouse_class(self) -> type[Warehouse]:
        """The kind of warehouse that it has.

        Raises:
            ValueError: the YAML names a class that cannot serve.
        """
        stated = self.stated.connection.warehouse
        return warehouse_class(stated) if isinstance(stated, dict) else DuckDBWarehouse


def _guards(stated: StatedConnection) -> tuple[Guard, ...]:
    try:
        return own_guards(stated.connection.guards)
    except GuardUnusable as error:
        line = stated.lines.get("guards", 1)
        raise AudienceConfigError(f"{stated.file}:{line} attributes.guards.{error.at}: {error}") from None


def connections_of(context: dg.ComponentLoadContext) -> list[ProjectConnection]:
    """The connections of a component's project.

    Raises:
        AudienceConfigError: there are several; the message names their files.
    """
    found = context.component_tree.get_all_components(of_type=ProjectConnection)
    if len(found) > 1:
        places = " and ".join(sorted(str(each.stated.file) for each in found))
        raise AudienceConfigError(
            f"{len(found)} components of type {COMPONENT_TYPE} are in this project, in {places}. A project has one "
            "connection: remove the others."
        )
    return found


def connection_of(context: dg.ComponentLoadContext) -> ProjectConnection:
    """The connection of a component's project.

    Raises:
        AudienceConfigError: there is none, or there are several.
    """
    found = connections_of(context)
    if not found:
        file = context.defs_module_path / "spotify" / "defs.yaml"
        raise config_error(
            context,
            (),
            f"this project has no connection to Spotify. Add one: `dg scaffold defs {COMPONENT_TYPE} spotify`, or "
            f"write the line `type: {COMPONENT_TYPE}` into {file}",
        )
    return found[0]


def project_name(context: dg.ComponentLoadContext) -> str:
    """What tells a project's shared assets from those of another in the same Dagster instance: its Python package."""
    return context.defs_module_name.partition(".")[0]
