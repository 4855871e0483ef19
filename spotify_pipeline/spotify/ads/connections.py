"""The Ads API's operations on connections of the Conversions API and on their tokens."""

from __future__ import annotations

from spotify_pipeline.spotify.ads.business_scope import RestrictedCalls
from spotify_pipeline.spotify.ads.dataset_models import CapiConnection, CapiToken, NewCapiToken
from spotify_pipeline.spotify.ads.expected import Done, Its, Listing, Made
from spotify_pipeline.spotify.ads.pages import objects
from spotify_pipeline.spotify.ads.request import Operation
from spotify_pipeline.spotify.errors import Conflict, InvalidRequest
from spotify_pipeline.spotify.lenient_json import as_object

_CONNECTIONS = "/businesses/{business_id}/capi"
_CONNECTION = _CONNECTIONS + "/{capi_connection_id}"
_TOKENS = _CONNECTION + "/tokens"


class CapiOperations:
    """Part of :class:`SpotifyAdsClient`, which says what every method may raise.

    Spotify lists no connections: they are found in the data sets (:meth:`DatasetOperations.datasets`).
    """

    _call: RestrictedCalls

    def create_capi_connection(self, business_id: str, name: str, dataset_id: str | None = None) -> CapiConnection:
        """Create a connection; a call that is repeated makes a second one.

        Args:
            business_id: whose it is to be.
            name: for people.
            dataset_id: that its events go to, for instance a pixel's; by default Spotify makes a new one.

        Raises:
            Conflict: the data set has a connection already.
        """
        body: dict[str, object] = {"name": name}
        if dataset_id is not None:
            body["dataset_id"] = dataset_id
        operation = Operation(
            method="POST",
            route=_CONNECTIONS,
            doing="create the connection",
            about=Made(
                what="connection",
                at=("capi_connection_id",),
                name=name,
                says={} if dataset_id is None else {"dataset_id": dataset_id},
            ),
            ids={"business_id": business_id},
            body=body,
            succeeds=frozenset({200, 201}),
        )
        try:
            return CapiConnection.from_json(self._call(operation))
        except Conflict as failure:
            failure.next_step = "The data set has a connection already: use that one, or leave the data set out."
            raise

    def capi_connection(self, business_id: str, capi_connection_id: str) -> CapiConnection:
        """One connection.

        Raises:
            NotFound: it does not exist, or belongs to another business.
        """
        ids = {"business_id": business_id, "capi_connection_id": capi_connection_id}
        about = Its(what="connection", id=capi_connection_id, at=("capi_connection_id",))
        return CapiConnection.from_json(
            self._call(Operation(method="GET", route=_CONNECTION, doing="show the connection", about=about, ids=ids))
        )

    def capi_tokens(self, business_id: str, capi_connection_id: str) -> list[CapiToken]:
        """The active tokens of a connection, three at most. Spotify answers with their secrets, which are dropped."""
        ids = {"business_id": business_id, "capi_connection_id": capi_connection_id}
        about, doing = Listing(key="data", of=ids), "list the tokens of the connection"
        answer = self._call(Operation(method="GET", route=_TOKENS, doing=doing, about=about, ids=ids))
        return [CapiToken.from_json(each) for each in objects(answer, "data")]

    def create_capi_token(self, business_id: str, capi_connection_id: str) -> NewCapiToken:
        """Make a token to send events with. It never expires.

        After an error with ``may_have_happened``, look among the tokens for one that nobody knows, and delete it.

        Raises:
            InvalidRequest: the connection has three already; delete one that nothing uses.
        """
        operation = Operation(
            method="POST",
            route=_TOKENS,
            doing="make a token for the connection",
            about=Made(what="token", at=("data", "capi_auth_token_id"), needs=("data", "capi_auth_token")),
            ids={"business_id": business_id, "capi_connection_id": capi_connection_id},
            succeeds=frozenset({200, 201}),
        )
        try:
            answer = self._call(operation)
        except InvalidRequest as failure:
            if failure.status == 400:  # and not an id that is none
                failure.next_step = (
                    "A connection has three tokens at most: `spotify-pipeline conversions tokens` lists them; delete "
                    "one that nothing uses with `... delete-token`, then run again."
                )
            raise
        return NewCapiToken.from_json(as_object(answer.get("data")) or {})

    def delete_capi_token(self, business_id: str, capi_connection_id: str, capi_token_id: str) -> None:
        """End a token: whoever sends with it is refused from then on.

        Raises:
            NotFound: there is no such token (any more).
        """
        ids = {
            "business_id": business_id,
            "capi_connection_id": capi_connection_id,
            "capi_auth_token_id": capi_token_id,
        }
        done = frozenset({200, 204})
        route = _TOKENS + "/{capi_auth_token_id}"
        about = Done(ids=ids)
        self._call(
            Operation(method="DELETE", route=route, doing="delete the token", about=about, ids=ids, succeeds=done)
        )
