"""An authorization for one business, used for an ad account of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import BusinessNotAllowed, NotFound, Secret, SpotifyAdsClient, TokenStore
from spotify_pipeline_tests.spotify.authorizations import provider, put, stored
from spotify_pipeline_tests.spotify.conversion_objects import CAPI_TOKEN, CONNECTION, DATASET, INTEGRATION, token_json
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    BUSINESS,
    SIGNED,
    Clock,
    Spotify,
    audience_json,
    settings,
    token_answer,
)

OTHER = "b0000000-0000-4000-8000-00000000000b"
WRITES: list[Callable[[SpotifyAdsClient], object]] = [
    lambda client: client.new_upload(AD_ACCOUNT),
    lambda client: client.replacement_upload(AD_ACCOUNT, AUDIENCE),
    lambda client: client.create_customer_list_audience(
        AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description=None
    ),
    lambda client: client.edit_audience(AD_ACCOUNT, AUDIENCE, name="Lapsed"),
    lambda client: client.delete_audience(AD_ACCOUNT, AUDIENCE),
    lambda client: client.share_dataset(BUSINESS, DATASET, AD_ACCOUNT),
]
WRITES_TO_A_BUSINESS: list[Callable[[SpotifyAdsClient], object]] = [
    lambda client: client.create_dataset(OTHER, "Shop", [INTEGRATION]),
    lambda client: client.share_dataset(OTHER, DATASET, AD_ACCOUNT),
    lambda client: client.unshare_dataset(OTHER, DATASET, AD_ACCOUNT),
    lambda client: client.create_capi_connection(OTHER, "Shop"),
    lambda client: client.create_capi_token(OTHER, CONNECTION),
    lambda client: client.delete_capi_token(OTHER, CONNECTION, CAPI_TOKEN),
]


def restricted(store: TokenStore, clock: Clock, business_id: str | None = BUSINESS) -> dict[str, Any]:
    put(store, clock, label="agency", business_id=business_id)
    return {"settings": settings(authorization="agency", refresh_token=None)}


def account_of(business_id: str | None) -> httpx.Response:
    return httpx.Response(200, json={"id": AD_ACCOUNT, "name": "An ad account", "business_id": business_id})


def ticket() -> httpx.Response:
    return httpx.Response(200, json={"id": AUDIENCE, "upload_url": SIGNED})


@pytest.mark.parametrize("write", WRITES)
def test_no_write_reaches_another_businesss_ad_account(store: TokenStore, spotify: Spotify, clock: Clock, write: Any):
    chosen = restricted(store, clock)
    for owner, words in [(OTHER, f"belongs to the business {OTHER}"), (None, "does not say which business")]:
        spotify.api = [account_of(owner)]
        with spotify.open(store, clock, **chosen) as client, pytest.raises(BusinessNotAllowed, match=words) as caught:
            write(client)
        assert f"the authorization `agency` is for the business {BUSINESS} only" in str(caught.value)
        assert not caught.value.may_have_happened
    assert {call.method for call in spotify.api_calls} == {"GET"}


@pytest.mark.parametrize("write", WRITES_TO_A_BUSINESS)
def test_no_write_reaches_another_business(store: TokenStore, spotify: Spotify, clock: Clock, write: Any):
    words = f"`agency` is for the business {BUSINESS} only, not for the business {OTHER}"
    with (
        spotify.open(store, clock, **restricted(store, clock)) as client,
        pytest.raises(BusinessNotAllowed, match=words) as caught,
    ):
        write(client)
    assert not caught.value.may_have_happened
    assert spotify.api_calls == []


def test_data_sets_of_its_own_business_are_written_to(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.Response(201, json={"data": token_json()})]
    with spotify.open(store, clock, **restricted(store, clock)) as client:
        client.create_capi_token(BUSINESS.upper(), CONNECTION)
    assert [call.method for call in spotify.api_calls] == ["POST"]


def test_its_own_business_is_written_to_and_asked_for_once(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [account_of(BUSINESS.upper()), ticket(), httpx.Response(201, json=audience_json()), ticket()]
    with spotify.open(store, clock, **restricted(store, clock)) as client:
        client.new_upload(AD_ACCOUNT)
        client.create_customer_list_audience(AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description=None)
        client.new_upload(AD_ACCOUNT)
    assert [call.method for call in spotify.api_calls] == ["GET", "POST", "POST", "POST"]


def test_ad_account_that_the_user_cannot_see_is_not_written_to(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.Response(404)]
    with spotify.open(store, clock, **restricted(store, clock)) as client, pytest.raises(NotFound):
        client.new_upload(AD_ACCOUNT)
    assert [call.method for call in spotify.api_calls] == ["GET"]


def test_reading_is_not_restricted_and_an_unrestricted_authorization_asks_nothing_more(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    spotify.api = [httpx.Response(200, json=audience_json())]
    with spotify.open(store, clock, **restricted(store, clock)) as client:
        client.audience(AD_ACCOUNT, AUDIENCE)
    spotify.api = [ticket()]
    with spotify.open(store, clock, **restricted(store, clock, None)) as client:
        client.new_upload(AD_ACCOUNT)
    assert [call.method for call in spotify.api_calls] == ["GET", "POST"]


def test_restriction_that_changes_while_a_client_is_open_counts_from_the_next_token(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    spotify.api = [account_of(BUSINESS), ticket()]
    with spotify.open(store, clock, **restricted(store, clock)) as client:
        client.new_upload(AD_ACCOUNT)
        restricted(store, clock, OTHER)
        clock.now += 3600
        with pytest.raises(BusinessNotAllowed):
            client.new_upload(AD_ACCOUNT)


def test_write_that_is_repeated_after_401_is_not_sent_with_the_token_of_a_sign_in_for_another_business(
    store: TokenStore, clock: Clock
):
    """While the first sending was on its way, somebody signed in again under the same label."""
    chosen = restricted(store, clock)
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "accounts.spotify.com":
            return token_answer("before")
        if request.method == "GET":
            return account_of(BUSINESS)
        seen.append(request.headers["authorization"])
        newer = {"refresh_token": Secret("n"), "access_token": Secret("after"), "renew_at": clock.now + 3000}
        put(store, clock, label="agency", business_id=OTHER, **newer)
        return httpx.Response(401)

    class SignedInMeanwhile(Spotify):
        def transport(self) -> httpx.MockTransport:
            return httpx.MockTransport(answer)

    with SignedInMeanwhile().open(store, clock, **chosen) as client, pytest.raises(BusinessNotAllowed) as caught:
        client.new_upload(AD_ACCOUNT)
    assert not caught.value.may_have_happened
    assert seen == ["Bearer before"]


def test_new_seed_and_renewal_keep_the_restriction(store: TokenStore, spotify: Spotify, clock: Clock):
    put(store, clock, business_id=BUSINESS)
    for seed in ("seed-7CANARYSEED", "another"):
        tokens = provider(store, spotify, clock, settings(refresh_token=Secret(seed)))
        assert tokens.current().business_id == BUSINESS
        assert stored(store).business_id == BUSINESS
        clock.now += 3600
