"""Finds our audience at Spotify: by the id we know, else by the key in its description, else by its name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from spotify_pipeline.mirror.errors import MirrorRefused, way_to_another_kind
from spotify_pipeline.mirror.spec import AudienceSpec, folder_of
from spotify_pipeline.mirror.sync.write_ahead import ListWriteAheadLog
from spotify_pipeline.mirror.writes import confirmed, find_audience, is_customer_list, only_one, shown_audience
from spotify_pipeline.spotify import Audience, NotFound, SpotifyAdsClient


def our_audience(
    client: SpotifyAdsClient, spec: AudienceSpec, wal: ListWriteAheadLog, sleep: Callable[[float], None]
) -> Audience | None:
    """The audience to mirror to, or None when there is none yet.

    An audience that we had is gone only when it is not shown again and again: one 404 may be a slip.

    Raises:
        MirrorRefused: it cannot be told which one is ours, or it is not one to replace. The message lists the ids.
    """
    if wal.entry.asked_spotify_to_fill:
        raise MirrorRefused(
            f"Spotify was asked to make {spec.audience} an audience that it fills by itself, and it is not known "
            f"whether it did. Nothing was sent. {way_to_another_kind(spec.audience)}"
        )
    if spec.adopted_audience_id is not None:
        return _adopted(client, spec, spec.adopted_audience_id, wal)
    ours: dict[str, Audience] = {}
    had, in_creation = wal.entry.audience_id, wal.entry.in_creation
    asked_for = in_creation.audience_id if in_creation is not None else None
    for known in (had, asked_for):
        if known is not None:
            wal.refuse_held(known)
            with suppress(NotFound):
                ours[known] = _replaceable(spec, client.audience(spec.ad_account_id, known))
    if not ours and had is not None:
        late = shown_audience(client, spec, had, sleep)
        if late is not None:
            return _replaceable(spec, late)
    if ours:
        return only_one(spec, ours)
    listed = find_audience(spec, client.audiences(spec.ad_account_id, complete=True), in_creation)
    found = listed and confirmed(client, spec, listed, sleep)
    if found is not None:
        wal.refuse_held(found.id)
    if found is not None and in_creation is None:
        wal.note(
            f"Audience {found.id} bears the mark of {spec.audience}, and the journal of this machine does not name "
            "it. Either the journal was lost, or another deployment mirrors to this audience too: the two would then "
            "overwrite each other's lists, so give one of them another ad account or another name of the folder.",
            level=logging.WARNING,
        )
    return found


def _adopted(client: SpotifyAdsClient, spec: AudienceSpec, audience_id: str, wal: ListWriteAheadLog) -> Audience:
    holder = wal.holder(audience_id)
    if holder is not None:
        raise MirrorRefused(
            f"Audience {audience_id}, which the YAML of {spec.audience} adopts, is the one of {holder} in this "
            "project: the two would overwrite each other's lists. Nothing was sent. Correct audience_id; or, if "
            f"{holder} is no longer mirrored, run: spotify-pipeline retire {folder_of(holder)} --policy leave."
        )
    try:
        return _replaceable(spec, client.audience(spec.ad_account_id, audience_id))
    except NotFound:
        raise MirrorRefused(
            f"Ad account {spec.ad_account_id} has no audience {audience_id}, which the YAML of {spec.audience} "
            "adopts. Correct audience_id; or remove it, and where no other audience is found to be this one, one is "
            "created."
        ) from None


def _replaceable(spec: AudienceSpec, audience: Audience) -> Audience:
    if not is_customer_list(audience):
        adopted = spec.adopted_audience_id is not None
        way_out = "Correct audience_id in the YAML." if adopted else way_to_another_kind(spec.audience)
        raise MirrorRefused(
            f"Audience {audience.id} is of the kind {audience.subtype or audience.type}, not a customer list, so "
            f"{spec.audience} cannot be mirrored to it. Nothing was sent. {way_out}"
        )
    return audience
