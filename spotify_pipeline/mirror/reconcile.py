"""Which audience at Spotify is ours: by the id we know, else by the key in its description, else by its name."""

from __future__ import annotations

from spotify_pipeline.mirror.journal_entry import JournalEntry
from spotify_pipeline.mirror.refusal import MirrorRefused
from spotify_pipeline.mirror.search import CUSTOMER_LIST, find_audience, only_one
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import Audience, NotFound, SpotifyAdsClient


def our_audience(client: SpotifyAdsClient, target: AudienceTarget, entry: JournalEntry) -> Audience | None:
    """The audience to mirror to, or None when there is none yet.

    Raises:
        MirrorRefused: it cannot be told which one is ours, or it is not one to replace. The message lists the ids.
    """
    if target.adopted_audience_id is not None:
        return _adopted(client, target, target.adopted_audience_id)
    ours: dict[str, Audience] = {}
    in_creation = entry.in_creation
    for known in (entry.audience_id, in_creation and in_creation.audience_id):
        if known is None:
            continue
        try:
            ours[known] = _replaceable(target, client.audience(target.ad_account_id, known))
        except NotFound:
            continue
    if ours:
        return only_one(target, ours)
    return find_audience(target, client.audiences(target.ad_account_id), in_creation)


def _adopted(client: SpotifyAdsClient, target: AudienceTarget, audience_id: str) -> Audience:
    try:
        return _replaceable(target, client.audience(target.ad_account_id, audience_id))
    except NotFound:
        raise MirrorRefused(
            f"Ad account {target.ad_account_id} has no audience {audience_id}, which the YAML of {target.audience} "
            "adopts. Correct audience_id, or remove it to have a new audience created."
        ) from None


def _replaceable(target: AudienceTarget, audience: Audience) -> Audience:
    if audience.subtype not in (None, CUSTOMER_LIST):
        raise MirrorRefused(
            f"Audience {audience.id} is of the kind {audience.subtype}, not a customer list, so {target.audience} "
            "cannot be mirrored to it. Nothing was sent. Correct audience_id in the YAML."
        )
    return audience
