"""The Ads API's operations on data sets, and on connections of the Conversions API and their tokens."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from spotify_pipeline.spotify.ads.expected import Done, ExistingObject, NewObject, ObjectList
from spotify_pipeline.spotify.ads.models import (
    CapiConnection,
    CapiToken,
    Dataset,
    NewCapiToken,
    ReceivedEvents,
    received_events,
)
from spotify_pipeline.spotify.ads.pages import objects
from spotify_pipeline.spotify.ads.request import RestrictedCalls
from spotify_pipeline.spotify.errors import Conflict, InvalidRequest
from spotify_pipeline.spotify.lenient_json import JsonObject, as_object, whole_number

_DATASETS = "/businesses/{business_id}/datasets"
_DATASET = _DATASETS + "/{dataset_id}"
_SHARED = _DATASET + "/ad_accounts/{ad_account_id}"
_CONNECTIONS = "/businesses/{business_id}/capi"
_CONNECTION = _CONNECTIONS + "/{capi_connection_id}"
_TOKENS = _CONNECTION + "/tokens"
_log = logging.getLogger(__name__)


class DatasetOperations:
    """Part of :class:`SpotifyAdsClient`, which lists the errors that every method may raise.

    Spotify does not list connections: they are found in the data sets.
    """

    _call: RestrictedCalls

    def datasets(self, business_id: str) -> list[Dataset]:
        """The data sets of a business."""
        expected = ObjectList("datasets", of={"business_id": business_id})
        return _listed(self._call.get(_DATASETS, "list the data sets", expected, ids={"business_id": business_id}))

    def dataset(self, business_id: str, dataset_id: str) -> Dataset:
        """One data set.

        Raises:
            NotFound: it does not exist, or belongs to another business.
        """
        expected = ExistingObject("data set", dataset_id)
        ids = {"business_id": business_id, "dataset_id": dataset_id}
        return Dataset.from_json(self._call.get(_DATASET, "show the data set", expected, ids=ids))

    def create_dataset(self, business_id: str, name: str, integration_ids: Sequence[str]) -> Dataset:
        """Create a data set of existing integrations: pixels and connections. Repeating the call makes a second one.

        Joining an existing pixel and an existing connection this way can leave the pixel without a data set, its
        events accepted and lost: check ``pixel_joined_late`` of the result. A connection made with the pixel's data
        set (:meth:`create_capi_connection`) avoids that.
        """
        created = self._call.write(
            "POST",
            _DATASETS,
            "create the data set",
            NewObject("data set", name=name),
            body={"name": name, "integration_ids": [*integration_ids]},
            ids={"business_id": business_id},
        )
        return Dataset.from_json(created)

    def ad_account_datasets(self, business_id: str, ad_account_id: str) -> list[Dataset]:
        """The data sets that are shared with an ad account."""
        found = self._call.get(
            "/businesses/{business_id}/ad_accounts/{ad_account_id}/datasets",
            "list the data sets of the ad account",
            ObjectList("datasets", of={"business_id": business_id}),
            ids={"business_id": business_id, "ad_account_id": ad_account_id},
        )
        return _listed(found)

    def share_dataset(self, business_id: str, dataset_id: str, ad_account_id: str) -> None:
        """Let an ad account of the business use a data set. May be repeated."""
        self._share("POST", "share the data set", business_id, dataset_id, ad_account_id)

    def unshare_dataset(self, business_id: str, dataset_id: str, ad_account_id: str) -> None:
        """Take a data set from an ad account, whose audiences and ads can no longer use it. May be repeated."""
        self._share("DELETE", "unshare the data set", business_id, dataset_id, ad_account_id)

    def _share(self, method: str, doing: str, business_id: str, dataset_id: str, ad_account_id: str) -> None:
        ids = {"business_id": business_id, "dataset_id": dataset_id, "ad_account_id": ad_account_id}
        self._call.write(method, _SHARED, doing, Done(ids), succeeds=frozenset({200, 201, 204}), ids=ids)

    def diagnostics(
        self,
        business_id: str,
        dataset_id: str,
        granularities: Sequence[str] = ("HOURLY",),
        datasource_ids: Sequence[str] = (),
    ) -> list[ReceivedEvents]:
        """What a data set received, by source, hour and event name. The last twenty minutes are not in it yet.

        Args:
            business_id: whose it is.
            dataset_id: which.
            granularities: HOURLY, DAILY; with both, each event is counted in both.
            datasource_ids: only these sources; by default all.
        """
        query = [*(("granularities", each) for each in granularities)]
        found = self._call.get(
            _DATASET + "/diagnostics",
            "show what the data set received",
            ObjectList("datasources", of={"dataset_id": dataset_id}),
            query=[*query, *(("datasource_ids", each) for each in datasource_ids)],
            ids={"business_id": business_id, "dataset_id": dataset_id},
        )
        objects(found, "datasources")  # a missing list must not look like nothing received
        return [*received_events(found)]

    def create_capi_connection(self, business_id: str, name: str, dataset_id: str | None = None) -> CapiConnection:
        """Create a connection. Repeating the call makes a second one.

        Args:
            business_id: whose it will be.
            name: for people.
            dataset_id: that its events go to, for instance a pixel's; by default Spotify makes a new one.

        Raises:
            Conflict: the data set has a connection already.
        """
        into = {} if dataset_id is None else {"dataset_id": dataset_id}
        try:
            created = self._call.write(
                "POST",
                _CONNECTIONS,
                "create the connection",
                NewObject("connection", at=("capi_connection_id",), name=name, says=into),
                body={"name": name, **into},
                ids={"business_id": business_id},
            )
        except Conflict as failure:
            failure.next_step = "The data set has a connection already: use that one, or leave the data set out."
            raise
        return CapiConnection.from_json(created)

    def capi_connection(self, business_id: str, capi_connection_id: str) -> CapiConnection:
        """One connection.

        Raises:
            NotFound: it does not exist, or belongs to another business.
        """
        expected = ExistingObject("connection", capi_connection_id, at=("capi_connection_id",))
        ids = {"business_id": business_id, "capi_connection_id": capi_connection_id}
        return CapiConnection.from_json(self._call.get(_CONNECTION, "show the connection", expected, ids=ids))

    def capi_tokens(self, business_id: str, capi_connection_id: str) -> list[CapiToken]:
        """The active tokens of a connection, three at most, without the secrets that Spotify sends with them."""
        ids = {"business_id": business_id, "capi_connection_id": capi_connection_id}
        found = self._call.get(_TOKENS, "list the tokens of the connection", ObjectList("data", of=ids), ids=ids)
        return [CapiToken.from_json(each) for each in objects(found, "data")]

    def create_capi_token(self, business_id: str, capi_connection_id: str) -> NewCapiToken:
        """Create a token to send events with. It never expires.

        After an error with ``may_have_happened``, look among the tokens for one that nobody knows, and delete it.

        Raises:
            InvalidRequest: the connection has three already; delete one that nothing uses.
        """
        try:
            created = self._call.write(
                "POST",
                _TOKENS,
                "make a token for the connection",
                NewObject("token", at=("data", "capi_auth_token_id"), needs=("data", "capi_auth_token")),
                ids={"business_id": business_id, "capi_connection_id": capi_connection_id},
            )
        except InvalidRequest as failure:
            if failure.status == 400:  # and not an invalid id
                failure.next_step = (
                    "A connection has three tokens at most: `spotify-pipeline conversions tokens` lists them; delete "
                    "one that nothing uses with `... delete-token`, then run again."
                )
            raise
        return NewCapiToken.from_json(as_object(created.get("data")) or {})

    def delete_capi_token(self, business_id: str, capi_connection_id: str, capi_token_id: str) -> None:
        """Delete a token: Spotify rejects whatever is sent with it from then on.

        Raises:
            NotFound: it does not exist, or no longer does.
        """
        ids = {
            "business_id": business_id,
            "capi_connection_id": capi_connection_id,
            "capi_auth_token_id": capi_token_id,
        }
        route = _TOKENS + "/{capi_auth_token_id}"
        self._call.write("DELETE", route, "delete the token", Done(ids), succeeds=frozenset({200, 204}), ids=ids)


def _listed(response: JsonObject) -> list[Dataset]:
    found = [Dataset.from_json(each) for each in objects(response, "datasets")]
    total = whole_number(as_object(response.get("paging")) or {}, "total_results")
    if total is not None and len(found) < total:
        _log.warning("Spotify counts %d data sets and listed %d; some may be missing here.", total, len(found))
    return found
