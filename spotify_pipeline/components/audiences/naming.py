"""Names of audiences: the folder's, which is the identity, and those that people see in Ads Manager."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline.components.audiences.config import NAME_LENGTHS, LookalikeConfig
from spotify_pipeline.components.yaml import config_error, named_by_folder


def audience_named_by(name: str | None, context: dg.ComponentLoadContext) -> str:
    """The name of the folder that an audience's file is in: its identity. ``name`` is the one that the file states.

    Raises:
        AudienceConfigError: it cannot serve.
    """
    folder = named_by_folder(context, "an audience")
    if name is None and len(folder) < NAME_LENGTHS[0]:
        raise config_error(context, (), "state a name: Spotify wants 2 to 80 characters and the folder's name has one")
    return folder


def refuse_own_name(name: str, lookalike: LookalikeConfig | None, context: dg.ComponentLoadContext) -> None:
    """Refuse a lookalike that is called as its audience: in Ads Manager nobody could tell them apart."""
    if lookalike is not None and lookalike.name.strip().casefold() == name.strip().casefold():
        raise config_error(context, ("lookalike",), f"is called {name}, as its audience is. Give it a name of its own")
