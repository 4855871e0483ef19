"""`spotify-pipeline plan`: what the next run would do, without doing it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spotify_pipeline.cli.project import load_definitions, refuse_filled
from spotify_pipeline.cli.spotify import print_table
from spotify_pipeline.printable import printable


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
    from spotify_pipeline.components import PipelineHome, SpotifyAds, WarehouseResource, audience_chains
    from spotify_pipeline.components.audiences.insights import KEPT_OUT_COLUMNS, PLAN_COLUMNS, PlannedAction, plan_all

    spotify = SpotifyAds()
    definitions = load_definitions()
    refuse_filled(definitions, audiences or [])
    plans = plan_all(
        audience_chains(definitions),
        audiences or [],
        home=PipelineHome(),
        warehouse=WarehouseResource(),
        ad_account_of=spotify.account_of,
    )
    print_table("audiences", PLAN_COLUMNS, [each.cells for each in plans])
    if kept_out := [cells for each in plans for cells in each.kept_out]:
        sys.stdout.write("\n")
        print_table("suppressions", KEPT_OUT_COLUMNS, kept_out)
    blocked = [each for each in plans if each.action is PlannedAction.BLOCKED]
    for each in blocked:
        sys.stdout.write(f"\n{each.audience}: {printable(each.sentence)}\n")
    if blocked:
        raise typer.Exit(1)
