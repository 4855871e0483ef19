"""Finds our audience at Spotify when no id leads to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import Unfinished
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.retries import SHOWS_LATE
from spotify_pipeline.spotify import Audience, NotFound, SpotifyAdsClient
from spotify_pipeline.spotify.ads import CUSTOM, LOOKALIKE

CUSTOMER_LIST = "CUSTOMER_LIST"
CLOCKS_DIFFER_BY = timedelta(minutes=10)
"""How much earlier or later than we asked for it an audience may be created by Spotify's clock and be the one."""

_ANY_KEY = re.compile(r"\[sp:[0-9a-f]{8}\]")


def shown_audience(
    client: SpotifyAdsClient, spec: AudienceSpec, audience_id: str, sleep: Callable[[float], None]
) -> Audience | None:
    """The audience with this id, or None when none was shown, however often ``SHOWS_LATE`` looks."""

    def look() -> Audience | None:
        try:
            return client.audience(spec.ad_account_id, audience_id)
        except NotFound:
            return None

    return SHOWS_LATE.until(look, lambda shown: shown is not None, sleep)


def confirmed(
    client: SpotifyAdsClient, spec: AudienceSpec, listed: Audience, sleep: Callable[[float], None]
) -> Audience:
    """An audience that was found in a list alone, as it is shown by its id: the list may be of another ad account.

    Raises:
        MirrorRefused: it is not shown, or as another than it was listed.
    """
    shown = shown_audience(client, spec, listed.id, sleep)
    if shown is None or (shown.name, shown.description) != (listed.name, listed.description):
        raise MirrorRefused(
            f"Spotify lists audience {listed.id} as the one of {spec.audience}, and by its id shows "
            f"{'none' if shown is None else 'another'} in ad account {spec.ad_account_id}. Nothing was changed. Run "
            "again; if it stays so, report it."
        )
    return shown


def find_audience(
    spec: AudienceSpec, audiences: Iterable[Audience], in_creation: Unfinished | None = None
) -> Audience | None:
    """The one audience among ``audiences`` that is ours, or None when there is none.

    Ours is a customer list whose description holds the spec's key, or, where the key did not fit into the description,
    whose name and description both are the spec's. Another audience of the same name is somebody's: it is
    neither replaced nor doubled; unless ``in_creation`` proves that we asked for one of that name, and when.

    Raises:
        MirrorRefused: several are ours, or another audience bears the name.
    """
    ours: dict[str, Audience] = {}
    namesakes: dict[str, Audience] = {}
    for audience in audiences:
        if is_customer_list(audience) and (_bears_mark(spec, audience) or _was_asked_for(audience, in_creation)):
            ours[audience.id] = audience
        elif audience.name == spec.name:
            namesakes[audience.id] = audience
    if ours:
        return only_one(spec, ours)
    if namesakes:
        raise MirrorRefused(_name_is_taken(spec, namesakes))
    return None


def doubles(spec: AudienceSpec, audiences: Iterable[Audience], audience_id: str) -> dict[str, Audience]:
    """The audiences that bear the spec's mark, by id, if there are others than ``audience_id``; else none."""
    marked = {each.id: each for each in audiences if is_customer_list(each) and _bears_mark(spec, each)}
    return marked if set(marked) - {audience_id} else {}


def find_event_based(
    spec: AudienceSpec, audiences: Iterable[Audience], is_kind: Callable[[Audience], bool]
) -> Audience | None:
    """The one audience among ``audiences`` of a kind that Spotify fills which bears the spec's mark, or None.

    Raises:
        MirrorRefused: several do.
    """
    ours = {each.id: each for each in audiences if is_kind(each) and _bears_mark(spec, each)}
    return only_one(spec, ours, way_out="") if ours else None


def refuse_mistakable(spec: AudienceSpec, audiences: Iterable[Audience]) -> None:
    """Refuse to create an audience where one of ``audiences``, none of which is it, could be mistaken for it.

    Raises:
        MirrorRefused: one has its name, or its mark although it is of another kind.
    """
    others = sorted(each.id for each in audiences if each.name == spec.name or _bears_mark(spec, each))
    if others:
        raise MirrorRefused(
            f'Ad account {spec.ad_account_id} already has an audience that is called "{spec.name}" or bears the '
            f"mark of {spec.audience}, and is another one: {', '.join(others)}. Nothing was created. Choose another "
            "name for the audience and for its folder, or delete or rename that one in Ads Manager."
        )


def is_event_based(audience: Audience) -> bool:
    """Whether Spotify fills an audience by itself, as far as it says: a subtype may be left out."""
    return audience.type == LOOKALIKE or audience.subtype != CUSTOMER_LIST


def is_customer_list(audience: Audience) -> bool:
    """Whether an audience is made of a customer list, as far as Spotify says: a subtype may be left out."""
    return audience.type == CUSTOM and audience.subtype in (None, CUSTOMER_LIST)


def only_one(
    spec: AudienceSpec,
    ours: dict[str, Audience],
    *,
    after: str = "No audience was changed.",
    way_out: str = ", or name the right one as audience_id in the YAML",
) -> Audience:
    """The audience in ``ours``, by id; it holds at least one. ``after`` says what has been done by then.

    Raises:
        MirrorRefused: it holds several.
    """
    if len(ours) > 1:
        raise MirrorRefused(
            f"{len(ours)} audiences of ad account {spec.ad_account_id} could be {spec.audience}: "
            f"{', '.join(sorted(ours))}. {after} Delete all but one in Ads Manager{way_out}."
        )
    return next(iter(ours.values()))


def _name_is_taken(spec: AudienceSpec, namesakes: dict[str, Audience]) -> str:
    taken = f'Ad account {spec.ad_account_id} already has an audience named "{spec.name}"'
    ids = ", ".join(sorted(namesakes))
    if any(_ANY_KEY.search(each.description or "") for each in namesakes.values()):
        return (
            f"{taken} that mirrors another audience of this project, by the mark in its description: {ids}. No "
            "audience was changed. Choose another name."
        )
    advice = "To take it over, with its list replaced, put its id as audience_id into the YAML; otherwise choose"
    if not all(map(is_customer_list, namesakes.values())):
        advice = "It is not made of a customer list, so it cannot be taken over: choose"
    return f"{taken} that this project did not make: {ids}. No audience was changed. {advice} another name."


def _bears_mark(spec: AudienceSpec, audience: Audience) -> bool:
    described = audience.description or ""
    return spec.key in described or (audience.name == spec.name and described == spec.full_description)


def _was_asked_for(audience: Audience, in_creation: Unfinished | None) -> bool:
    """Whether ``audience`` can only be the one whose creation we asked for and saw no answer to."""
    if in_creation is None or in_creation.begun_at is None or audience.name != in_creation.name:
        return False
    if _ANY_KEY.search(audience.description or ""):
        return False  # another audience of this project: the spec's own key was looked for before
    if audience.created_at is None:
        return (audience.description or "") == (in_creation.description or "")
    first = datetime.fromisoformat(in_creation.begun_at)
    last = datetime.fromisoformat(in_creation.asked_at or in_creation.begun_at)
    return first - CLOCKS_DIFFER_BY <= audience.created_at <= last + CLOCKS_DIFFER_BY
