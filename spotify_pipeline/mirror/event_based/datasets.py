"""Finds the data sets that a YAML names, by id or by their name at Spotify."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.spotify import AudienceDataset, SpotifyAdsClient
from spotify_pipeline.spotify_limits import PAGE_SIZE


def dataset_ids(client: SpotifyAdsClient, ad_account_id: str, stated: Sequence[str]) -> tuple[str, ...]:
    """The ids of the data sets that ``stated`` names, by id or by name, in that order, each once.

    Raises:
        MirrorRefused: the ad account cannot make audiences of one of them, or several have the same name.
        SpotifyError: Spotify refused or was not reached.
    """
    listed = client.audience_datasets(ad_account_id)
    return tuple(dict.fromkeys(_meant(client, ad_account_id, each, listed) for each in stated))


def _meant(client: SpotifyAdsClient, ad_account_id: str, stated: str, listed: Sequence[AudienceDataset]) -> str:
    found = _those_called(stated, listed)
    all_are_listed = len(listed) < PAGE_SIZE  # others are found by their name only
    if not found and not all_are_listed:
        if _is_id(stated):
            return stated.lower()  # it may be one of those not listed; Spotify says so when it is not
        found = _those_called(stated, client.audience_datasets(ad_account_id, query=stated))
    if len(found) > 1:
        raise MirrorRefused(
            f"Ad account {ad_account_id} has {len(found)} data sets called {stated}: {', '.join(sorted(found))}. "
            "Nothing was changed. Put the id of the right one into the YAML."
        )
    if not found:
        there = ", ".join(f"{each.name} ({each.id})" for each in listed) or "none"
        more = "" if all_are_listed else " and more"
        raise MirrorRefused(
            f"Ad account {ad_account_id} can make audiences of no data set {stated}. Nothing was changed. There are: "
            f"{there}{more}. Correct the YAML, or share the data set with the ad account in Ads Manager."
        )
    return found[0]


def _those_called(stated: str, listed: Sequence[AudienceDataset]) -> list[str]:
    if _is_id(stated):
        return [each.id.lower() for each in listed if each.id.lower() == stated.lower()][:1]
    return list(dict.fromkeys(each.id.lower() for each in listed if each.name.strip() == stated.strip()))


def _is_id(stated: str) -> bool:
    try:
        UUID(stated)
    except ValueError:
        return False
    return True
