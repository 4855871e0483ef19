"""Finds our audience at Spotify when the journal does not know it."""

from __future__ import annotations

from collections.abc import Iterable

from spotify_pipeline.mirror.refusal import MirrorRefused
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import Audience


def find_audience(target: AudienceTarget, audiences: Iterable[Audience]) -> Audience | None:
    """The one audience among ``audiences`` that is ours, or None when there is none.

    Ours is a customer list whose description holds the target's key, or, where the description left no room for the
    key, whose name and description both are the target's. Another audience of the same name is somebody's: it is
    neither replaced nor doubled.

    Raises:
        MirrorRefused: several are ours, or another audience bears the name.
    """
    ours: dict[str, Audience] = {}
    namesakes: dict[str, Audience] = {}
    for audience in audiences:
        described = audience.description or ""
        is_list = audience.subtype in (None, "CUSTOMER_LIST")
        keyless_match = audience.name == target.name and described == target.full_description
        if is_list and (target.key in described or keyless_match):
            ours[audience.id] = audience
        elif audience.name == target.name:
            namesakes[audience.id] = audience
    if len(ours) > 1:
        raise MirrorRefused(
            f"{len(ours)} audiences of ad account {target.ad_account_id} could be {target.audience}: "
            f"{', '.join(sorted(ours))}. Nothing was sent. Delete all but one in Ads Manager, or name the right one as "
            "audience_id in the YAML."
        )
    if ours:
        return next(iter(ours.values()))
    if namesakes:
        raise MirrorRefused(
            f'Ad account {target.ad_account_id} already has an audience named "{target.name}" that this project did '
            f"not make: {', '.join(sorted(namesakes))}. Nothing was sent. To take it over, with its list replaced, put "
            "its id as audience_id into the YAML; otherwise choose another name."
        )
    return None
