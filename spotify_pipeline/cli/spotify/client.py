"""Opens a client that is signed in to Spotify, for a command."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import typer

from spotify_pipeline.cli.project import current_settings, project_state
from spotify_pipeline.spotify import SpotifyAdsClient, SpotifySettings, TokenStore

LABEL_OPTION = typer.Option(
    metavar="LABEL", help="Which authorization, where you keep several; by default SPOTIFY_AUTHORIZATION, or `default`."
)


def chosen_settings(label: str | None) -> SpotifySettings:
    """The environment's settings, with the authorization of that label where one is named."""
    return current_settings().spotify(label)


@contextmanager
def signed_in(chosen: SpotifySettings) -> Generator[SpotifyAdsClient]:
    """A client with these settings and the tokens of this machine."""
    with SpotifyAdsClient.open(chosen, TokenStore(project_state())) as client:
        yield client
