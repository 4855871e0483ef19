"""One answer to what is set and where it came from: the project, its `.env` and the YAML of its connection.

The command line and Dagster's runs ask here. Nothing here imports Dagster.
"""

from __future__ import annotations

from spotify_pipeline.settings.connection import DEFAULT_VARIABLES, SECRETS, Connection, FromEnvironment
from spotify_pipeline.settings.environment import NO_ENV_FILE, Environment
from spotify_pipeline.settings.errors import SettingsError
from spotify_pipeline.settings.project import Project, component_file_of, component_files
from spotify_pipeline.settings.resolved import DEFAULT, Origin, Settings
from spotify_pipeline.settings.stated import COMPONENT_TYPE, StatedConnection
from spotify_pipeline.settings.templates import DAGSTER_SETTINGS, connection_yaml, env_example

__all__ = [
    "COMPONENT_TYPE",
    "DAGSTER_SETTINGS",
    "DEFAULT",
    "DEFAULT_VARIABLES",
    "NO_ENV_FILE",
    "SECRETS",
    "Connection",
    "Environment",
    "FromEnvironment",
    "Origin",
    "Project",
    "Settings",
    "SettingsError",
    "StatedConnection",
    "component_file_of",
    "component_files",
    "connection_yaml",
    "env_example",
]
