"""`spotify-pipeline plan`: what the next run would do, without doing it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spotify_pipeline.cli.account_commands import print_table
from spotify_pipeline.cli.project import load_definitions, refuse_filled


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(
    audiences: Annotated[list[str] | None, typer.Argument(help="Folder names; by default all audiences.")] = None,
) -> None:
    """Say what would be created, replaced, left unchanged or blocked, and how many people would come and go.

    Reads the segments as they are in the warehouse now and has the guards judge the lists. Keeps nothing, changes
    nothing, asks Spotify nothing. Counts only. Exits 1 if an audience would be blocked.
    """
    from spotify_pipeline.components.deployment import audience_chains
    from spotify_pipeline.components.metadata import in_words
    from spotify_pipeline.components.planning import PlannedAction, plan_all
    from spotify_pipeline.components.resources import PipelineHome, SpotifyAds, WarehouseResource

    spotify = SpotifyAds()
    definitions = load_definitions()
    refuse_filled(definitions, audiences or [])
    plans = plan_all(
        audience_chains(definitions),
        audiences or [],
        home=PipelineHome(),
        warehouse=WarehouseResource(),
        ad_account_of=lambda chain: spotify.ad_account_id(chain.config.ad_account_id),
    )

    def count(number: int | None) -> str:
        return "not known" if number is None else in_words(number)

    rows = [
        (each.audience, each.action, count(each.added), count(each.removed), count(each.staying), count(each.rows))
        for each in plans
    ]
    print_table("audiences", ("audience", "would", "added", "removed", "staying", "rows"), rows)
    blocked = [each for each in plans if each.action is PlannedAction.BLOCKED]
    for each in blocked:
        sys.stdout.write(f"\n{each.audience}: {each.sentence}\n")
    if blocked:
        raise typer.Exit(1)
