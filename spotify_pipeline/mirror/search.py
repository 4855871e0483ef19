"""Finds our audience at Spotify when no id leads to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from spotify_pipeline.mirror.journal_entry import Unfinished
from spotify_pipeline.mirror.refusal import MirrorRefused
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import Audience

CUSTOMER_LIST = "CUSTOMER_LIST"
CLOCKS_DIFFER_BY = timedelta(minutes=10)
"""How much earlier than we asked for it an audience may be created by Spotify's clock and still be the one."""

_ANY_KEY = re.compile(r"\[sp:[0-9a-f]{8}\]")


def find_audience(
    target: AudienceTarget, audiences: Iterable[Audience], in_creation: Unfinished | None = None
) -> Audience | None:
    """The one audience among ``audiences`` that is ours, or None when there is none.

    Ours is a customer list whose description holds the target's key, or, where the description left no room for the
    key, whose name and description both are the target's. Another audience of the same name is somebody's: it is
    neither replaced nor doubled; unless ``in_creation`` proves that we asked for one of that name, and when.

    Raises:
        MirrorRefused: several are ours, or another audience bears the name.
    """
    ours: dict[str, Audience] = {}
    namesakes: dict[str, Audience] = {}
    for audience in audiences:
        if _is_list(audience) and (_bears_mark(target, audience) or _was_asked_for(audience, in_creation)):
            ours[audience.id] = audience
        elif audience.name == target.name:
            namesakes[audience.id] = audience
    if ours:
        return only_one(target, ours)
    if namesakes:
        raise MirrorRefused(
            f'Ad account {target.ad_account_id} already has an audience named "{target.name}" that this project did '
            f"not make: {', '.join(sorted(namesakes))}. Nothing was sent. To take it over, with its list replaced, put "
            "its id as audience_id into the YAML; otherwise choose another name."
        )
    return None


def only_one(target: AudienceTarget, ours: dict[str, Audience]) -> Audience:
    """The audience in ``ours``, by id; it holds at least one.

    Raises:
        MirrorRefused: it holds several.
    """
    if len(ours) > 1:
        raise MirrorRefused(
            f"{len(ours)} audiences of ad account {target.ad_account_id} could be {target.audience}: "
            f"{', '.join(sorted(ours))}. Nothing was sent. Delete all but one in Ads Manager, or name the right one as "
            "audience_id in the YAML."
        )
    return next(iter(ours.values()))


def _is_list(audience: Audience) -> bool:
    return audience.subtype in (None, CUSTOMER_LIST)


def _bears_mark(target: AudienceTarget, audience: Audience) -> bool:
    described = audience.description or ""
    return target.key in described or (audience.name == target.name and described == target.full_description)


def _was_asked_for(audience: Audience, in_creation: Unfinished | None) -> bool:
    """Whether ``audience`` can only be the one whose creation we asked for and saw no answer to."""
    if in_creation is None or in_creation.begun_at is None or audience.name != in_creation.name:
        return False
    if _ANY_KEY.search(audience.description or ""):
        return False  # another audience of this project: the target's own key was looked for before
    if audience.created_at is None:
        return (audience.description or "") == (in_creation.description or "")
    return audience.created_at >= datetime.fromisoformat(in_creation.begun_at) - CLOCKS_DIFFER_BY
