"""`spotify-pipeline conversions`: everything about events that is not a run of Dagster's."""

from __future__ import annotations

import typer

from spotify_pipeline.cli.conversions import feeds as feed_commands
from spotify_pipeline.cli.conversions import guards as feed_guard_commands
from spotify_pipeline.cli.spotify import datasets as dataset_commands


def register(app: typer.Typer) -> None:
    """Add the group."""
    conversions = typer.Typer(
        no_args_is_help=True,
        help="Events: set up data sets, connections and tokens; see what became of a feed's events.",
    )
    feed_commands.register(conversions)
    feed_guard_commands.register(conversions)
    dataset_commands.register(conversions)
    app.add_typer(conversions, name="conversions")
