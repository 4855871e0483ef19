"""The Ads API's operations on audiences that Spotify fills by itself: from web events, or from ads."""

from __future__ import annotations

from collections.abc import Sequence

from spotify_pipeline.spotify.ads.audiences import (
    AD_ENGAGEMENT,
    CUSTOM,
    EXPOSURE_TYPES,
    LOOKBACK_DAYS,
    WEB_EVENT,
    AudienceOperations,
    name_and_description,
)
from spotify_pipeline.spotify.ads.expected import Listing
from spotify_pipeline.spotify.ads.pages import AUDIENCES, PAGE_SIZE, objects
from spotify_pipeline.spotify.ads.request import Operation
from spotify_pipeline.spotify.errors import InvalidRequest
from spotify_pipeline.spotify.event_names import is_signal, signal_event_name
from spotify_pipeline.spotify.models import Audience, AudienceDataset


class EventAudienceOperations(AudienceOperations):
    """Part of :class:`SpotifyAdsClient`, which says what every method may raise."""

    def create_web_event_audience(
        self,
        ad_account_id: str,
        *,
        name: str,
        description: str | None,
        dataset_ids: Sequence[str],
        included_events: Sequence[str],
        excluded_events: Sequence[str] = (),
        lookback_days: int,
    ) -> Audience:
        """Create an audience of people whose events arrived in data sets; Spotify fills it by itself.

        Spotify chooses its id, so a call that is repeated makes a second one: after an error with
        ``may_have_happened``, look for it among the audiences before creating it again.

        Args:
            ad_account_id: where.
            name: 2 to 80 characters.
            description: at most 80 characters.
            dataset_ids: of data sets that are shared with the ad account.
            included_events: who did one of these belongs to it. Any spelling; sent as ``ADDTOCART``.
            excluded_events: who did one of these does not. Likewise.
            lookback_days: how long ago an event may be: 30, 60, 90 or 180.

        Raises:
            InvalidRequest: an argument cannot be used, or Spotify refuses it.
            NotFound: there is no such data set.
        """
        if not dataset_ids or not included_events:
            raise InvalidRequest("A web event audience needs a data set and an event to include.")
        body: dict[str, object] = {
            "audience_type": CUSTOM,
            "subtype": WEB_EVENT,
            "dataset_ids": [*dataset_ids],
            "included_events": _signals(included_events),
            "lookback_days": _lookback(lookback_days),
            **name_and_description(name, description),
        }
        if excluded_events:
            body["excluded_events"] = _signals(excluded_events)
        return self.created_by_spotify(ad_account_id, "create the web event audience", body)

    def create_ad_engagement_audience(
        self,
        ad_account_id: str,
        *,
        name: str,
        description: str | None,
        campaign_ids: Sequence[str] = (),
        ad_set_ids: Sequence[str] = (),
        exposure_type: str,
        lookback_days: int,
    ) -> Audience:
        """Create an audience of people who heard, saw or clicked ads; Spotify fills it by itself.

        Spotify chooses its id, as for :meth:`create_web_event_audience`.

        Args:
            ad_account_id: where.
            name: 2 to 80 characters.
            description: at most 80 characters.
            campaign_ids, ad_set_ids: whose ads count: one of the two is given, not both.
            exposure_type: IMPRESSIONS or CLICKS.
            lookback_days: how long ago that may be: 30, 60, 90 or 180.

        Raises:
            InvalidRequest: an argument cannot be used, or Spotify refuses it.
            NotFound: there is no such campaign or ad set.
        """
        if bool(campaign_ids) == bool(ad_set_ids):
            raise InvalidRequest("An ad engagement audience is made of campaigns or of ad sets: one of the two.")
        if exposure_type not in EXPOSURE_TYPES:
            raise InvalidRequest("The exposure type of an ad engagement audience is IMPRESSIONS or CLICKS.")
        whose = {"campaign_ids": [*campaign_ids]} if campaign_ids else {"ad_set_ids": [*ad_set_ids]}
        body: dict[str, object] = {
            "audience_type": CUSTOM,
            "subtype": AD_ENGAGEMENT,
            **whose,
            "exposure_type": exposure_type,
            "lookback_days": _lookback(lookback_days),
            **name_and_description(name, description),
        }
        return self.created_by_spotify(ad_account_id, "create the ad engagement audience", body)

    def audience_datasets(self, ad_account_id: str, *, query: str | None = None) -> list[AudienceDataset]:
        """The data sets that a web event audience of the ad account may be made of, 50 at most.

        ``query`` is Spotify's keyword search; with it, one can be found among more.
        """
        parameters = [("limit", str(PAGE_SIZE))]
        answer = self._call(
            Operation(
                method="GET",
                route=AUDIENCES + "/datasets",
                doing="list the data sets for audiences",
                about=Listing(key="datasets"),
                ids={"ad_account_id": ad_account_id},
                query=parameters if query is None else [("q", query), *parameters],
            )
        )
        return [AudienceDataset.from_json(each) for each in objects(answer, "datasets")]


def _signals(events: Sequence[str]) -> list[str]:
    if not all(is_signal(event) for event in events):
        raise InvalidRequest("An event of a web event audience is none of Spotify's.")
    return [signal_event_name(event) for event in events]


def _lookback(days: int) -> int:
    if days not in LOOKBACK_DAYS:
        raise InvalidRequest("An audience's lookback is 30, 60, 90 or 180 days.")
    return days
