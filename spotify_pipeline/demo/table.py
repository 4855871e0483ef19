"""The tables that the demo prints at the end."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from spotify_pipeline.components import size_range
from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.demo.feeds import feed_notes, feeds_table
from spotify_pipeline.demo.run import DemoAudience, DemoOutcome
from spotify_pipeline.spotify import Audience

COLUMNS = ("segment", "people", "kept", "rows", "digests", "audience", "status", "size", "matched")
RIGHT = frozenset({"people", "kept", "rows", "digests", "size", "matched"})
NARROWEST = 150


@dataclass(frozen=True)
class OutcomeTable:
    """A line per audience, with why any was held back or failed, and the same for feeds."""

    table: Table
    notes: tuple[str, ...]
    feeds: Table | None = None
    feed_notes: tuple[str, ...] = ()

    def print(self) -> None:
        """Write it to standard output."""
        console = Console(markup=False, highlight=False)
        if console.width < NARROWEST:
            # A table whose columns were folded cannot be read; a long line at least can be scrolled.
            console = Console(markup=False, highlight=False, width=NARROWEST)
        console.print()
        console.print(self.table)
        for note in self.notes:
            console.print(note, soft_wrap=True)
        if self.feeds is not None:
            console.print()
            console.print(self.feeds)
            for note in self.feed_notes:
                console.print(note, soft_wrap=True)


def outcome_table(outcome: DemoOutcome) -> OutcomeTable:
    """The table of an outcome. "Matched" is the middle of Spotify's size range over the rows sent."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in RIGHT else "left", no_wrap=True)
    for each in outcome.audiences:
        table.add_row(*_cells(each))
    notes = tuple(
        f"{each.chain.folder}: {each.held_back or each.failure}"
        for each in outcome.audiences
        if each.held_back or each.failure
    )
    if not outcome.feeds:
        return OutcomeTable(table, notes)
    said = feed_notes(outcome.feeds)
    if outcome.counted is not None:
        said.append(
            f"Spotify's diagnostics count {outcome.counted:,} events received; {outcome.delivered:,} delivered."
        )
    return OutcomeTable(table, notes, feeds_table(outcome.feeds), tuple(said))


def _cells(each: DemoAudience) -> tuple[str, ...]:
    manifest, audience = each.manifest, each.audience
    return (
        str(each.chain.relation),
        f"{manifest.rows_read:,}" if manifest else "",
        f"{manifest.rows_kept:,}" if manifest else "",
        f"{manifest.list_rows:,}" if manifest else "",
        f"{sum(manifest.digests.values()):,}" if manifest else "",
        each.chain.name,
        _status(each),
        size_range(audience) if audience else "",
        _share_matched(manifest, audience),
    )


def _status(each: DemoAudience) -> str:
    if each.held_back:
        return "held back" if each.manifest else "skipped"
    if each.failure or each.audience is None:
        return "FAILED"
    return f"{each.audience.status} ({each.done})"


def _share_matched(manifest: Manifest | None, audience: Audience | None) -> str:
    if manifest is None or audience is None or not audience.size_max:
        return ""
    middle = ((audience.size_min or 0) + audience.size_max) / 2
    return f"about {middle / manifest.list_rows:.0%}"
