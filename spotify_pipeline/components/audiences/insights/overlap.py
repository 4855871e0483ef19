"""How many people the audiences at Spotify share, and whether one was left behind there."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.checks import clean_up_removed
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.guarding import live_list
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import SMALL, in_words
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource
from spotify_pipeline.customer_list import Overlap, SnapshotStore, StoredList, overlaps
from spotify_pipeline.mirror import AlertKind, Journal, Orphan, orphans


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
) -> dict[str, StoredList]:
    """The lists that Spotify has, as far as they are kept here, by audience.

    Raises:
        JournalError, HomeError, CustomerListError: what this machine knows cannot be read.
        SpotifyError: an audience's ad account is not configured.
    """
    found: dict[str, StoredList] = {}
    for audience in audiences:
        live = live_list(journal.read(audience.folder, ad_account_of(audience)))
        kept = store.find_list(audience.folder, live) if live is not None else None
        if kept is not None:
            found[audience.folder] = kept
    return found


def overlap_rows(lists: Mapping[str, StoredList], store: SnapshotStore) -> list[OverlapRow]:
    """The exact overlap of every pair, in alphabetical order. Each list is read once.

    Raises:
        CustomerListError: a list cannot be read.
        HomeError: there is no place to compare them.
    """
    with store.comparison_directory() as folder:
        return [
            OverlapRow(first=first, second=second, overlap=common) for first, second, common in overlaps(lists, folder)
        ]


def overlap_matrix(lists: Mapping[str, StoredList], rows: Sequence[OverlapRow]) -> str:
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


NO_ORPHANS = "no_orphans"


def overlap_key(project: str) -> dg.AssetKey:
    """The asset that says how the audiences of a project overlap."""
    return dg.AssetKey(["spotify", project, "audience_overlap"])


def overlap_definitions(
    audiences: Sequence[AudienceDefinition], project: str, filled: Collection[str] = ()
) -> dg.Definitions:
    """The asset, and the check beside it.

    Args:
        audiences: every audience of the project that is made of a list.
        project: its name.
        filled: folder names of those that Spotify fills. Nobody knows who is in them, so they overlap with none here.
    """

    @dg.asset(
        key=overlap_key(project),
        group_name="spotify",
        kinds={"polars"},
        description=(
            "How many people of each audience are in each other one, by the lists that Spotify has. Makes no calls "
            "to Spotify. Audiences that share most of their people bid against each other."
        ),
    )
    def audience_overlap(spotify_home: PipelineHome, spotify_ads: SpotifyAdsResource) -> dg.MaterializeResult:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
        with sanitized_failures():
            lists = live_lists(
                audiences,
                spotify_home.snapshots,
                spotify_home.journal,
                spotify_ads.account_of,
            )
            matrix = overlap_matrix(lists, overlap_rows(lists, spotify_home.snapshots))
        return dg.MaterializeResult(
            metadata={
                "overlap": dg.MarkdownMetadataValue(matrix if lists else "no list that Spotify has is kept here"),
                "audiences": dg.IntMetadataValue(len(lists)),
            }
        )

    @dg.asset_check(
        asset=overlap_key(project),
        name=NO_ORPHANS,
        description="No audience is at Spotify that this project once made and no YAML file defines any more.",
    )
    def no_orphans(spotify_home: PipelineHome) -> dg.AssetCheckResult:
        with sanitized_failures():
            return judge_orphans(
                {*filled, *(audience.folder for audience in audiences)}, spotify_home, datetime.now(UTC)
            )

    return dg.Definitions(assets=[audience_overlap], asset_checks=[no_orphans])


def judge_orphans(configured: set[str], home: PipelineHome, now: datetime) -> dg.AssetCheckResult:
    """Whether an audience was removed from the configuration without deciding what happens to it at Spotify.

    One that was left at Spotify on purpose counts again once an erasure waits for it.
    """
    clean_up_removed(configured, home, now)
    waiting = home.ledger.waiting_audiences()
    left = {each.audience: each for each in orphans(home.journal, configured, waiting=waiting)}
    for name, orphan in left.items():
        code = "erasure waits" if orphan.waits_only else "orphan"
        home.alerts.state(name, AlertKind.ORPHAN, [code], _sentence(orphan), now)
    for alert in home.alerts.standing():
        if alert.kind is AlertKind.ORPHAN and alert.audience not in left:
            home.alerts.state(alert.audience, AlertKind.ORPHAN, (), f"{alert.audience} is accounted for again.", now)
    return dg.AssetCheckResult(
        passed=not left,
        description=" ".join(map(_sentence, left.values())) or "Every audience that was made is accounted for.",
        metadata={"audiences left behind": len(left)},
    )


def _sentence(orphan: Orphan) -> str:
    audience = orphan.audience
    if orphan.waits_only:
        return (
            f"Audience {audience} is no longer mirrored, and an erasure waits for it: people who asked to be "
            f"forgotten may still be in it at Spotify. Delete it: spotify-pipeline retire {audience} --policy delete; "
            "or put its file back and materialize it."
        )
    return (
        f"Audience {audience} is at Spotify, with the people it last had, and no YAML file defines it any more. Decide "
        f"what happens to it: spotify-pipeline retire {audience} --policy leave, or --policy delete; or put its "
        "file back."
    )
