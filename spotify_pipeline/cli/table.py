"""Prints rows for a person to read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from spotify_pipeline.printable import printable


def print_table(what: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print rows with each cell made printable, or ``No <what>.`` if there are none."""
    lines = list(rows)
    if not lines:
        sys.stdout.write(f"No {what}.\n")
        return
    table = Table(*columns, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*[printable(cell or "") for cell in line])
    # Names at Spotify may contain `[x]` or `:smile:`, which is not markup here; ids must not be cut to the window.
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(markup=False, emoji=False, highlight=False, width=400)
    console.print(table)
