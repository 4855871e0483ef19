"""`overlap` and `changes`: what the audiences have in common, and who came and left."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import chosen_chain, load_definitions
from spotify_pipeline.cli.spotify import print_table


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("overlap")(show_overlap)
    app.command("changes")(changes)


def show_overlap() -> None:
    """Show how many people each pair of audiences shares, by the lists that Spotify has; small counts are not shown."""
    from spotify_pipeline.components import PipelineHome, SpotifyAds, audience_chains, in_words
    from spotify_pipeline.components.audiences.insights import live_lists, overlap_rows

    home, spotify = PipelineHome(), SpotifyAds()
    lists = live_lists(
        audience_chains(load_definitions()),
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
    """Show who came and who left between the last two lists that are kept: a waterfall of counts, with the reasons.

    Reasons are those of today: suppressions and consent are read from the warehouse now.
    """
    from spotify_pipeline.components import PipelineHome, WarehouseResource, in_words
    from spotify_pipeline.components.audiences import membership_steps
    from spotify_pipeline.components.sources import read_suppressions

    chain = chosen_chain(load_definitions(), audience)
    home, warehouse = PipelineHome(), WarehouseResource()
    lists = home.snapshots.lists(audience)
    if len(lists) < 2:
        raise CommandError(f"Two lists are needed to compare, and {len(lists)} of {audience} are kept here.")
    newest, before = lists[0], lists[1]
    suppressions = read_suppressions(chain.suppressions, warehouse, home.ledger)
    steps = membership_steps(chain, warehouse, home.snapshots, before[1].sha256, newest, suppressions)
    if steps is None:
        raise CommandError(f"The list of {audience} for {before[1].snapshot} is not kept here any more.")
    sys.stdout.write(f"{audience}: from {before[1].snapshot} to {newest[1].snapshot}\n\n")
    print_table("changes", ("", "rows"), [(label, in_words(count)) for label, count in steps.lines()])
