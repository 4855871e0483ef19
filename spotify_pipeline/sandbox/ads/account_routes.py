"""The Ads API's businesses and ad accounts: read only."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.ads.access import guarded, readable_ad_account, readable_business
from spotify_pipeline.sandbox.ads.errors import invalid
from spotify_pipeline.sandbox.store import AdAccount, Business, SandboxState, in_utc_seconds

AD_ACCOUNT_TYPES = (
    "AD_AGENCY",
    "BRAND_ADVERTISER",
    "MUSIC_LABEL",
    "CONCERT_PROMOTER",
    "ARTIST",
    "MANAGER",
    "PUBLISHER",
    "PUBLISHER_PROMOS",
)
_TYPE_OF_ALL = "BRAND_ADVERTISER"


class AccountOperations:
    """Finding out which ad accounts the user has, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self, prefix: str) -> list[Route]:
        """The four read operations of the document that lead to an ad account."""
        table = (
            ("/businesses", self.businesses, "list_businesses", frozenset[str]()),
            ("/businesses/{business_id}", self.business, "get_business", frozenset[str]()),
            (
                "/businesses/{business_id}/ad_accounts",
                self.ad_accounts,
                "list_ad_accounts",
                frozenset({"type"}),
            ),
            ("/ad_accounts/{ad_account_id}", self.ad_account, "get_ad_account", frozenset[str]()),
        )
        return [
            Route(prefix + path, guarded(self._state, handler, query), methods=["GET"], name=name)
            for path, handler, name, query in table
        ]

    async def businesses(self, request: Request) -> Response:
        """Every business of the user. ``paging`` is in Spotify's examples, though not in its document."""
        del request
        found = [business_response(business) for business in self._state.businesses.all()]
        paging = {"page_size": 50, "total_results": len(found), "offset": 0, "current_page": 1}
        return JSONResponse({"paging": paging, "businesses": found})

    async def business(self, request: Request) -> Response:
        """One business."""
        return JSONResponse(business_response(readable_business(self._state, request)))

    async def ad_accounts(self, request: Request) -> Response:
        """The ad accounts of a business that the user has a role in."""
        business = readable_business(self._state, request)
        wanted = request.query_params.get("type", _TYPE_OF_ALL)
        if wanted not in AD_ACCOUNT_TYPES:
            raise invalid("TYPE", f"type must be one of {', '.join(AD_ACCOUNT_TYPES)}")
        found = self._state.ad_accounts.of(business.id) if wanted == _TYPE_OF_ALL else []
        return JSONResponse({"ad_accounts": [ad_account_response(account) for account in found]})

    async def ad_account(self, request: Request) -> Response:
        """One ad account."""
        return JSONResponse(ad_account_response(readable_ad_account(self._state, request)))


def business_response(business: Business) -> dict[str, object]:
    return {
        "id": business.id,
        "name": business.name,
        "type": "ADVERTISER",
        "status": "ACTIVE",
        "created_at": in_utc_seconds(business.created_at),
        "updated_at": in_utc_seconds(business.created_at),
    }


def ad_account_response(account: AdAccount) -> dict[str, object]:
    return {
        "id": account.id,
        "business_id": account.business_id,
        "name": account.name,
        "status": "ACTIVE",
        "ad_account_role": account.role,
        "country_code": account.country_code,
        "currency_code": account.currency_code,
        "created_at": in_utc_seconds(account.created_at),
        "updated_at": in_utc_seconds(account.created_at),
    }
