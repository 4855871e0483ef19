"""The component: one YAML file, the connection of a project."""

from __future__ import annotations

from typing import Any

import dagster as dg
from pydantic import BaseModel

from spotify_pipeline.components.connection.found import assets_beside
from spotify_pipeline.components.connection.shared import shared_definitions
from spotify_pipeline.components.project_connection import ProjectConnection, connections_of, project_name
from spotify_pipeline.components.yaml import config_error, folder_of, refuse_repeated_keys, refuse_unread_files
from spotify_pipeline.process import keep_from_children, no_core_dumps
from spotify_pipeline.settings import (
    SECRETS,
    Connection,
    Project,
    StatedConnection,
    component_file_of,
    connection_yaml,
)


class ConnectionScaffolder(dg.Scaffolder[Any]):
    """Writes a connection's YAML: it works as it is, and shows what can be set."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write `defs.yaml` into the connection's own folder.

        Raises:
            ValueError: Python, or a second component in one file, was asked for.
        """
        if request.scaffold_format != "yaml" or request.append:
            raise ValueError("A connection is one YAML file in a folder of its own. Leave --format out.")
        (request.target_path / "defs.yaml").write_text(connection_yaml(), encoding="utf-8")


@dg.scaffold_with(ConnectionScaffolder)
class SpotifyAds(ProjectConnection):
    """The connection to Spotify, declared once in a project that has audiences or feeds.

    Yields what they share: resources, the sign-in as an asset, schedules, sensors and jobs. Every setting has a
    default, so the type alone is enough where the environment has the rest.

    ```yaml
    type: spotify_pipeline.SpotifyAds
    attributes:
      ad_account_id: ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a
      client_secret: {env: SPOTIFY_CLIENT_SECRET}
      warehouse: warehouse/warehouse.duckdb
    ```
    """

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The schema of `attributes`."""
        return Connection

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """How the component is listed by `dg list components`."""
        return dg.ComponentTypeSpec(
            description="The connection to Spotify that all audiences and feeds of a project share.", tags=["spotify"]
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> SpotifyAds:  # noqa: ARG003 - read with its lines
        """Take over the validated attributes, and refuse what Dagster would pass over in the project's other files.

        Raises:
            AudienceConfigError: a YAML file of the project is not read, or states a key twice; or the class of the
                warehouse cannot serve.
            SettingsError: a setting is wrong.
        """
        no_core_dumps()  # every process that runs an asset has loaded its definitions
        refuse_unread_files(context.defs_module_path)
        refuse_repeated_keys(context.defs_module_path)
        file = component_file_of(folder_of(context))
        if file is None:
            raise config_error(context, (), "a connection is a YAML file, defs.yaml, in a folder of its own")
        stated = StatedConnection.read(file)
        for secret in SECRETS:
            keep_from_children(getattr(stated.connection, secret).env)
        connection = cls(stated, Project.find(context.project_root))
        try:
            _ = connection.warehouse_class
        except ValueError as unfit:
            raise config_error(context, ("warehouse",), str(unfit)) from None
        return connection

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """What all audiences and feeds of the project share.

        Raises:
            AudienceConfigError: there is a second connection, or two files contradict each other.
        """
        connections_of(context)
        return shared_definitions(self, context.component_tree, list(assets_beside(context)), project_name(context))
