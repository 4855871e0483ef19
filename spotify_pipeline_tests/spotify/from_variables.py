"""Settings as a project without any YAML has them, from variables alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spotify_pipeline.settings import Environment, Project, Settings, StatedConnection
from spotify_pipeline.spotify import ConversionsSettings, SpotifySettings

NOWHERE = Path("/nowhere")


def settings_of(variables: Mapping[str, str], root: Path = NOWHERE) -> Settings:
    """All settings of a project at ``root``."""
    return Settings(Project(root), StatedConnection(), Environment(variables))


def spotify_settings_of(variables: Mapping[str, str]) -> SpotifySettings:
    """What the Ads API needs."""
    return settings_of(variables).spotify()


def conversions_settings_of(
    variables: Mapping[str, str], *, token_variable: str | None = None, connection_id: str | None = None
) -> ConversionsSettings:
    """What the Conversions API needs."""
    return settings_of(variables).conversions(token_variable=token_variable, connection_id=connection_id)
