"""How many people the audiences at Spotify share, pair by pair, from the lists that are kept here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.sync import live_list
from spotify_pipeline.components.metadata import SMALL, in_words
from spotify_pipeline.customer_list import Manifest, Overlap, SnapshotStore, overlaps
from spotify_pipeline.mirror import Journal

CustomerList = tuple[Path, Manifest]


@dataclass(frozen=True, kw_only=True)
class OverlapRow:
    """Two audiences, and the overlap of the lists that Spotify has of them.

    Attributes:
        first, second: their folder names.
        overlap: rows of either that are of people in both.
    """

    first: str
    second: str
    overlap: Overlap


def live_lists(
    audiences: Sequence[AudienceDefinition],
    store: SnapshotStore,
    journal: Journal,
    ad_account_of: Callable[[AudienceDefinition], str],
) -> dict[str, CustomerList]:
    """The lists that Spotify has, as far as they are kept here, by audience.

    Raises:
        JournalError, HomeError, CustomerListError: what this machine knows cannot be read.
        SpotifyError: an audience's ad account is not configured.
    """
    found: dict[str, CustomerList] = {}
    for audience in audiences:
        live = live_list(journal.read(audience.folder, ad_account_of(audience)))
        kept = store.find_list(audience.folder, live) if live is not None else None
        if kept is not None:
            found[audience.folder] = kept
    return found


def overlap_rows(lists: Mapping[str, CustomerList], store: SnapshotStore) -> list[OverlapRow]:
    """The exact overlap of every pair, in alphabetical order. Each list is read once.

    Raises:
        CustomerListError: a list cannot be read.
        HomeError: there is no place to compare them.
    """
    with store.comparison_directory() as folder:
        return [
            OverlapRow(first=first, second=second, overlap=common) for first, second, common in overlaps(lists, folder)
        ]


def overlap_matrix(lists: Mapping[str, CustomerList], rows: Sequence[OverlapRow]) -> str:
    """A Markdown matrix: in each line, how many rows of that audience are of people in the audience of the column."""
    names = sorted(lists)
    shared: dict[tuple[str, str], int] = {}
    for row in rows:
        shared[row.first, row.second] = row.overlap.shared_a
        shared[row.second, row.first] = row.overlap.shared_b
    head = ["| of | rows | " + " | ".join(f"in {name}" for name in names) + " |", "|:--|--:|" + "--:|" * len(names)]
    lines = [
        f"| {name} | {in_words(lists[name][1].list_rows)} | "
        + " | ".join(_cell(shared.get((name, other)), lists[name][1].list_rows) for other in names)
        + " |"
        for name in names
    ]
    return "\n".join([*head, *lines])


def _cell(shared: int | None, rows: int) -> str:
    if shared is None:
        return ""
    if 0 < shared < SMALL or 0 < rows - shared < SMALL:
        # A share, too, would say how few they are.
        return in_words(shared) if shared < SMALL else "nearly all"
    return f"{shared:,} ({shared / max(rows, 1):.0%})"
