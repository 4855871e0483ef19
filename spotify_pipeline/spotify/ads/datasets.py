"""The Ads API's operations on data sets: list, show, create, share, and what they have received."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from spotify_pipeline.spotify.ads.business_scope import RestrictedCalls
from spotify_pipeline.spotify.ads.dataset_models import Dataset, ReceivedEvents, received_events
from spotify_pipeline.spotify.ads.expected import Done, Its, Listing, Made
from spotify_pipeline.spotify.ads.pages import objects
from spotify_pipeline.spotify.ads.request import Operation
from spotify_pipeline.spotify.lenient_json import JsonObject, as_object, whole_number

_DATASETS = "/businesses/{business_id}/datasets"
_DATASET = _DATASETS + "/{dataset_id}"
_SHARED = _DATASET + "/ad_accounts/{ad_account_id}"
_log = logging.getLogger(__name__)


class DatasetOperations:
    """Part of :class:`SpotifyAdsClient`, which says what every method may raise."""

    _call: RestrictedCalls

    def datasets(self, business_id: str) -> list[Dataset]:
        """The data sets of a business."""
        ids = {"business_id": business_id}
        about = Listing(key="datasets", of=ids)
        operation = Operation(method="GET", route=_DATASETS, doing="list the data sets", about=about, ids=ids)
        return _listed(self._call(operation))

    def dataset(self, business_id: str, dataset_id: str) -> Dataset:
        """One data set.

        Raises:
            NotFound: it does not exist, or belongs to another business.
        """
        ids = {"business_id": business_id, "dataset_id": dataset_id}
        about = Its(what="data set", id=dataset_id)
        return Dataset.from_json(
            self._call(Operation(method="GET", route=_DATASET, doing="show the data set", about=about, ids=ids))
        )

    def create_dataset(self, business_id: str, name: str, integration_ids: Sequence[str]) -> Dataset:
        """Create a data set of integrations that there are: pixels and connections.

        Joining a pixel and a connection of long standing this way can leave the pixel without a data set, its events
        accepted and lost: look at ``pixel_joined_late`` of the answer. A connection made with the pixel's data set
        (:meth:`create_capi_connection`) is spared that. A call that is repeated makes a second data set.
        """
        operation = Operation(
            method="POST",
            route=_DATASETS,
            doing="create the data set",
            about=Made(what="data set", name=name),
            ids={"business_id": business_id},
            body={"name": name, "integration_ids": [*integration_ids]},
            succeeds=frozenset({200, 201}),
        )
        return Dataset.from_json(self._call(operation))

    def ad_account_datasets(self, business_id: str, ad_account_id: str) -> list[Dataset]:
        """The data sets that are shared with an ad account."""
        route = "/businesses/{business_id}/ad_accounts/{ad_account_id}/datasets"
        ids = {"business_id": business_id, "ad_account_id": ad_account_id}
        doing = "list the data sets of the ad account"
        about = Listing(key="datasets", of={"business_id": business_id})
        return _listed(self._call(Operation(method="GET", route=route, doing=doing, about=about, ids=ids)))

    def share_dataset(self, business_id: str, dataset_id: str, ad_account_id: str) -> None:
        """Let an ad account of the business use a data set. May be repeated."""
        self._share("POST", "share the data set", business_id, dataset_id, ad_account_id)

    def unshare_dataset(self, business_id: str, dataset_id: str, ad_account_id: str) -> None:
        """Take a data set from an ad account; its audiences and ads can use it no more. May be repeated."""
        self._share("DELETE", "unshare the data set", business_id, dataset_id, ad_account_id)

    def _share(self, method: str, doing: str, business_id: str, dataset_id: str, ad_account_id: str) -> None:
        ids = {"business_id": business_id, "dataset_id": dataset_id, "ad_account_id": ad_account_id}
        done = frozenset({200, 201, 204})
        about = Done(ids=ids)
        self._call(Operation(method=method, route=_SHARED, doing=doing, about=about, ids=ids, succeeds=done))

    def diagnostics(
        self,
        business_id: str,
        dataset_id: str,
        granularities: Sequence[str] = ("HOURLY",),
        datasource_ids: Sequence[str] = (),
    ) -> list[ReceivedEvents]:
        """What a data set received, by source, hour and event name. Says nothing yet of the last twenty minutes.

        Args:
            business_id: whose it is.
            dataset_id: which.
            granularities: HOURLY, DAILY; with both, each event is counted in both.
            datasource_ids: only these sources; by default all.
        """
        query = [*(("granularities", each) for each in granularities)]
        answer = self._call(
            Operation(
                method="GET",
                route=_DATASET + "/diagnostics",
                doing="show what the data set received",
                about=Listing(key="datasources", of={"dataset_id": dataset_id}),
                ids={"business_id": business_id, "dataset_id": dataset_id},
                query=[*query, *(("datasource_ids", each) for each in datasource_ids)],
            )
        )
        objects(answer, "datasources")  # a list that is missing must not look like nothing received
        return [*received_events(answer)]


def _listed(answer: JsonObject) -> list[Dataset]:
    found = [Dataset.from_json(each) for each in objects(answer, "datasets")]
    total = whole_number(as_object(answer.get("paging")) or {}, "total_results")
    if total is not None and len(found) < total:
        _log.warning("Spotify counts %d data sets and listed %d; some may be missing here.", total, len(found))
    return found
