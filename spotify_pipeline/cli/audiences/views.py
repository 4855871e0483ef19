"""`plan`, `overlap` and `changes`: show what a run would do, and how lists differ. Nothing is changed."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated

import typer

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import chosen_audience, load_definitions, refuse_event_audiences, resource
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.printable import printable


def plan(
    audiences: Annotated[list[str] | None, typer.Argument(help="Folder names; by default all audiences.")] = None,
) -> None:
    """Say what would be created, replaced, left unchanged or blocked, and how many people would come and go.

    Reads the segments as they are in the warehouse now and runs the guards on the lists. Keeps nothing, changes
    nothing, and makes no calls to Spotify. Counts only. Exits 1 if an audience would be blocked.
    """
    from spotify_pipeline.components import PipelineHome, SpotifyAdsResource, WarehouseResource, audience_definitions
    from spotify_pipeline.components.audiences.insights import KEPT_OUT_COLUMNS, PLAN_COLUMNS, PlannedAction, plan_all

    spotify = resource(SpotifyAdsResource)
    definitions = load_definitions()
    refuse_event_audiences(definitions, audiences or [])
    plans = plan_all(
        audience_definitions(definitions),
        audiences or [],
        home=resource(PipelineHome),
        warehouse=resource(WarehouseResource),
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


def overlap() -> None:
    """Show how many people each pair of audiences shares, by the lists that Spotify has. Small counts are hidden."""
    from spotify_pipeline.components import PipelineHome, SpotifyAdsResource, audience_definitions, in_words
    from spotify_pipeline.components.audiences.insights import live_lists, overlap_rows

    home, spotify = resource(PipelineHome), resource(SpotifyAdsResource)
    lists = live_lists(
        audience_definitions(load_definitions()),
        home.snapshots,
        home.journal,
        spotify.account_of,
    )
    rows = [
        (
            each.first,
            in_words(each.overlap.rows_a),
            each.second,
            in_words(each.overlap.rows_b),
            in_words(each.overlap.shared_a),
            in_words(each.overlap.shared_b),
        )
        for each in overlap_rows(lists, home.snapshots)
    ]
    columns = ("audience", "rows", "and", "rows", "of the first in the second", "of the second in the first")
    print_table("pairs of audiences whose lists are kept here", columns, rows)


def changes(
    audience: Annotated[str, typer.Argument(help="The audience's folder name.")],
) -> None:
    """Show how many people were added and removed between the last two lists, with the reasons.

    Reasons are those of today: suppressions and consent are read from the warehouse now.
    """
    from spotify_pipeline.components import PipelineHome, WarehouseResource, in_words
    from spotify_pipeline.components.audiences import membership_steps, non_consenting_people
    from spotify_pipeline.components.sources import read_suppressions
    from spotify_pipeline.customer_list import ComparedList

    definition = chosen_audience(load_definitions(), audience)
    home, warehouse = resource(PipelineHome), resource(WarehouseResource)
    lists = home.snapshots.lists(audience)
    if len(lists) < 2:
        raise CommandError(f"Two lists are needed to compare, and {len(lists)} of {audience} are kept here.")
    newest, before = lists[0], lists[1]
    suppressions = read_suppressions(definition.suppressions, warehouse, home.ledger)
    declined = partial(non_consenting_people, definition, warehouse)
    steps = membership_steps(home, before[1].sha256, ComparedList(newest), suppressions, declined)
    if steps is None:
        raise CommandError(f"The list of {audience} for {before[1].snapshot} is not kept here any more.")
    sys.stdout.write(f"{audience}: from {before[1].snapshot} to {newest[1].snapshot}\n\n")
    print_table("changes", ("", "rows"), [(label, in_words(count)) for label, count in steps.lines()])
