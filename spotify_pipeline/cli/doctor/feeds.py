"""What sending events needs, and how it is looked at. No event is sent: Spotify has no way to try without counting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from spotify_pipeline.cli.doctor.check_result import CheckResult, State, checked, combined
from spotify_pipeline.cli.project import FeedConnection, current_settings, project_state
from spotify_pipeline.cli.spotify import signed_in
from spotify_pipeline.conversions import OutboxMissing, view_outbox
from spotify_pipeline.spotify import Business, Dataset, SpotifyAdsClient

NONE = "no feed is defined"

Feeds: TypeAlias = Callable[[], Mapping[str, FeedConnection]]
"""Gives the project's feeds, or raises CommandError where their YAML is wrong."""


def outboxes(feeds: Feeds) -> CheckResult:
    """Whether each feed's outbox can be opened, its accounts add up, and nothing stopped it."""
    return combined([checked(lambda each=each: _outbox(each)) for each in feeds()]) or CheckResult(State.OK, NONE)


def connections(feeds: Feeds) -> CheckResult:
    """Whether each connection has a token, belongs to us, and leads to a data set that an ad account uses."""
    targets = dict.fromkeys(feeds().values())
    return combined([checked(lambda each=each: _connection(each)) for each in targets]) or CheckResult(State.OK, NONE)


def _outbox(feed: str) -> CheckResult:
    try:
        with view_outbox(feed, project_state()) as outbox:
            stop = outbox.stopped()
            wrong = [each.day.isoformat() for each in outbox.accounts() if not each.adds_up]
    except OutboxMissing:
        return CheckResult(State.OK, f"{feed}: nothing was read yet.")
    if wrong:
        return CheckResult(
            State.FAILED, f"{feed}: the account does not add up on {', '.join(wrong)}. Report this as a bug."
        )
    if stop is not None:
        return CheckResult(State.FAILED, f"{feed}: {stop.sentence(feed)}")
    return CheckResult(State.OK, f"{feed}: the accounts add up.")


def _connection(target: FeedConnection) -> CheckResult:
    settings = current_settings().conversions(token_variable=target.token_variable, connection_id=target.connection_id)
    connection = settings.require_connection_id()
    settings.require_token()
    ads = current_settings().spotify()
    with signed_in(ads) as client:
        found = client.find_capi_connection(connection)
        if found is None:
            return CheckResult(
                State.FAILED,
                f"No data set of yours has the connection {connection}. `spotify-pipeline conversions datasets` lists "
                "those there are; correct SPOTIFY_CAPI_CONNECTION_ID or the feed's YAML.",
            )
        return _routed(client, *found, ads.ad_account_id)


def _routed(client: SpotifyAdsClient, business: Business, dataset: Dataset, ad_account: str | None) -> CheckResult:
    """Whether what is accepted also arrives: Spotify takes events that lead nowhere without a word."""
    connection = dataset.capi_connection
    said = f"{connection.name if connection else 'the connection'} sends to the data set {dataset.name} ({dataset.id})"
    if dataset.is_archived:
        return CheckResult(State.FAILED, f"{said}, which is archived. Restore it in Ads Manager, or connect another.")
    if dataset.pixel_joined_late:
        return CheckResult(
            State.FAILED,
            f"{said}, whose pixel names {dataset.pixel_dataset_id or 'no data set'}: they were joined late, and events "
            "may be accepted and lead nowhere. Take the pixel out of the data set in Ads Manager; then make a new "
            "connection on the one that the pixel has then: `spotify-pipeline conversions connect NAME --dataset ID`.",
        )
    if connection is not None and connection.dataset_id != dataset.id:
        return CheckResult(
            State.WARNING,
            f"{said}, but names {connection.dataset_id or 'no data set'} itself, so its events may be accepted and "
            "lead nowhere. Look in Ads Manager whether they arrive; if not, make a new connection.",
        )
    shared_with = {each.lower() for each in dataset.shared_ad_account_ids}
    if not shared_with or (ad_account is not None and ad_account.lower() not in shared_with):
        who = "no ad account may use" if ad_account is None else f"ad account {ad_account} may not use"
        option = " --ad-account ID" if ad_account is None else ""
        return CheckResult(
            State.WARNING,
            f"{said}, which {who}, so these events measure no campaign there. "
            f"Run `spotify-pipeline conversions share {dataset.id}{option}`.",
        )
    twin = _pixel_beside(client, business, dataset)
    if twin is not None:
        return CheckResult(
            State.WARNING,
            f"{said}; a pixel of yours sends to another, {twin.name} ({twin.id}). If both send the same events, they "
            "are counted twice: make the connection on the pixel's data set, with `spotify-pipeline conversions "
            f"connect NAME --dataset {twin.id}`.",
        )
    return CheckResult(State.OK, f"{said}.")


def _pixel_beside(client: SpotifyAdsClient, business: Business, dataset: Dataset) -> Dataset | None:
    """Another data set with a pixel that an ad account uses together with this one, if this one has no pixel."""
    if dataset.has_pixel:
        return None
    shared = set(dataset.shared_ad_account_ids)
    others = [each for each in client.datasets(business.id) if each.id != dataset.id and not each.is_archived]
    return next((each for each in others if each.has_pixel and shared.intersection(each.shared_ad_account_ids)), None)
