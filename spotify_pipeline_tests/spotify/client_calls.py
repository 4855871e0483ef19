"""Each operation of the client as one call, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from spotify_pipeline.spotify import (
    SpotifyAdsClient,
    TokenStore,
)
from spotify_pipeline_tests.spotify.conversion_objects import CONNECTION, DATASET, INTEGRATION
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    BUSINESS,
    Clock,
    Spotify,
)

BASE = "https://api-partner.spotify.com/ads/v3"
Call = Callable[[SpotifyAdsClient], object]
READS: dict[str, Call] = {
    "businesses": lambda client: client.businesses(),
    "ad_accounts": lambda client: client.ad_accounts(BUSINESS),
    "ad_account": lambda client: client.ad_account(AD_ACCOUNT),
    "audiences": lambda client: list(client.audiences(AD_ACCOUNT)),
    "audience_datasets": lambda client: client.audience_datasets(AD_ACCOUNT),
    "datasets": lambda client: client.datasets(BUSINESS),
    "diagnostics": lambda client: client.diagnostics(BUSINESS, DATASET),
    "capi_tokens": lambda client: client.capi_tokens(BUSINESS, CONNECTION),
    "audience": lambda client: client.audience(AD_ACCOUNT, AUDIENCE),
}
WRITES: dict[str, Call] = {
    "create": lambda client: client.create_customer_list_audience(
        AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description=None
    ),
    "edit": lambda client: client.edit_audience(AD_ACCOUNT, AUDIENCE, name="Lapsed"),
    "delete": lambda client: client.delete_audience(AD_ACCOUNT, AUDIENCE),
    "create_dataset": lambda client: client.create_dataset(BUSINESS, "Shop", [INTEGRATION]),
    "create_capi_connection": lambda client: client.create_capi_connection(BUSINESS, "Shop"),
    "create_capi_token": lambda client: client.create_capi_token(BUSINESS, CONNECTION),
    "new_upload": lambda client: client.new_upload(AD_ACCOUNT),
    "replacement_upload": lambda client: client.replacement_upload(AD_ACCOUNT, AUDIENCE),
}


def ok(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={} if body is None else body, headers=headers)


def carry_out(call: Call, store: TokenStore, spotify: Spotify, clock: Clock, **given: Any) -> Any:
    with spotify.open(store, clock, **given) as client:
        return call(client)
