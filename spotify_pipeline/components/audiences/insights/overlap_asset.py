"""What spans all audiences in Dagster's graph: how they overlap, and whether one was left behind at Spotify."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.insights.overlap import live_lists, overlap_matrix, overlap_rows
from spotify_pipeline.components.audiences.promises import keep_promises_of_left
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import PipelineHome, SpotifyAds
from spotify_pipeline.mirror import AlertKind, Orphan, orphans

OVERLAP = dg.AssetKey(["spotify", "audience_overlap"])
NO_ORPHANS = "no_orphans"


def overlap_definitions(audiences: Sequence[AudienceDefinition], filled: Collection[str] = ()) -> dg.Definitions:
    """The asset, and the check beside it.

    Args:
        audiences: every audience of the deployment that is made of a list.
        filled: folder names of those that Spotify fills. Nobody knows who is in them, so they overlap with none here.
    """

    @dg.asset(
        key=OVERLAP,
        group_name="spotify",
        kinds={"polars"},
        description=(
            "How many people of each audience are in each other one, from the lists that Spotify has. Nothing is asked "
            "of Spotify. Audiences that share most of their people bid against each other."
        ),
    )
    def audience_overlap(home: PipelineHome, spotify: SpotifyAds) -> dg.MaterializeResult:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType]
        with sanitized_failures():
            lists = live_lists(
                audiences,
                home.snapshots,
                home.journal,
                spotify.account_of,
            )
            matrix = overlap_matrix(lists, overlap_rows(lists, home.snapshots))
        return dg.MaterializeResult(
            metadata={
                "overlap": dg.MarkdownMetadataValue(matrix if lists else "no list that Spotify has is kept here"),
                "audiences": dg.IntMetadataValue(len(lists)),
            }
        )

    @dg.asset_check(
        asset=OVERLAP,
        name=NO_ORPHANS,
        description="No audience is at Spotify that this project once made and no YAML file defines any more.",
    )
    def no_orphans(home: PipelineHome) -> dg.AssetCheckResult:
        with sanitized_failures():
            return judge_orphans({*filled, *(audience.folder for audience in audiences)}, home, datetime.now(UTC))

    return dg.Definitions(assets=[audience_overlap], asset_checks=[no_orphans])


def judge_orphans(configured: set[str], home: PipelineHome, now: datetime) -> dg.AssetCheckResult:
    """Whether an audience was taken out of the configuration without saying what is to become of it at Spotify.

    One that was left at Spotify on purpose counts again once an erasure waits for it.
    """
    keep_promises_of_left(configured, home, now)
    waiting = {audience for request in home.ledger.requests() for audience in request.waiting}
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
            f"Audience {audience} is no longer mirrored, and an erasure waits for it: whoever asked to be forgotten "
            f"may still be in it at Spotify. Delete it: spotify-pipeline retire {audience} --policy delete; or put "
            "its file back and materialize it."
        )
    return (
        f"Audience {audience} is at Spotify, with the people it last had, and no YAML file defines it any more. Say "
        f"what is to become of it: spotify-pipeline retire {audience} --policy leave, or --policy delete; or put its "
        "file back."
    )
