"""An authorization for one business writes to no other business, nor to its ad accounts."""

from __future__ import annotations

from spotify_pipeline.spotify.ads.expected import Its
from spotify_pipeline.spotify.ads.request import ApiCalls, Operation
from spotify_pipeline.spotify.auth import Access
from spotify_pipeline.spotify.errors import BusinessNotAllowed
from spotify_pipeline.spotify.ids import same
from spotify_pipeline.spotify.lenient_json import JsonObject, text


class RestrictedCalls:
    """:class:`ApiCalls`, with a look at whose ad account it is before the first write to it.

    The user who signed in may see several businesses, as an agency's does; a mistaken ad account id would then reach
    another client's audiences. The restriction is that of the authorization whose token is sent, each time a write is
    sent: somebody may sign in again between two tries. Whose an ad account is, is asked once. Reading is not
    restricted.
    """

    def __init__(self, calls: ApiCalls, label: str) -> None:
        self._calls = calls
        self._label = label
        self._owners: dict[str, str] = {}

    def __call__(self, operation: Operation) -> JsonObject:
        """As :meth:`ApiCalls.__call__`.

        Raises:
            BusinessNotAllowed: the operation would write to another business, or to an ad account of one.
        """
        business_id, ad_account_id = (operation.ids.get(name) for name in ("business_id", "ad_account_id"))
        if not operation.writes or (business_id is None and ad_account_id is None):
            return self._calls(operation)

        def permit(access: Access) -> None:
            if access.business_id is None:
                return
            if business_id is not None:
                self._refuse_another(access.business_id, business_id, operation.doing)
            if ad_account_id is not None:
                self._refuse_unless_owned_by(access.business_id, ad_account_id, operation.doing)

        return self._calls(operation, permit=permit)

    def _refuse_another(self, allowed: str, business_id: str, doing: str) -> None:
        if not same(business_id, allowed):
            raise BusinessNotAllowed(
                f"Did not {doing}: the authorization `{self._label}` is for the business {allowed} only, not for the "
                f"business {business_id}."
            )

    def _refuse_unless_owned_by(self, allowed: str, ad_account_id: str, doing: str) -> None:
        owner = self._owners.get(ad_account_id)
        if owner is None:
            ids = {"ad_account_id": ad_account_id}
            route = "/ad_accounts/{ad_account_id}"
            about = Its(what="ad account", id=ad_account_id)
            operation = Operation(method="GET", route=route, doing="show the ad account", about=about, ids=ids)
            answer = self._calls(operation)
            owner = text(answer, "business_id") or ""
        if not same(owner, allowed):
            belongs = f"belongs to the business {owner}" if owner else "does not say which business it belongs to"
            raise BusinessNotAllowed(
                f"Did not {doing}: the authorization `{self._label}` is for the business {allowed} only, and the ad "
                f"account {ad_account_id} {belongs}."
            )
        self._owners[ad_account_id] = owner
