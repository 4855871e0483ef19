from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    Audience,
    CallRecord,
    Conflict,
    InvalidRequest,
    TokenStore,
    UnexpectedResponse,
)
from spotify_pipeline_tests.spotify.client_calls import BASE, READS, WRITES, carry_out, ok
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    BUSINESS,
    SIGNED,
    Clock,
    Spotify,
    audience_json,
    error_body,
)


def test_businesses_and_ad_accounts_are_read(store: TokenStore, spotify: Spotify, clock: Clock):
    business = {"id": BUSINESS, "name": "Example AB", "type": "ADVERTISER", "status": "ACTIVE", "new_field": [1]}
    account = {
        "id": AD_ACCOUNT,
        "business_id": BUSINESS,
        "name": "Example ads",
        "status": "SOME_NEW_STATUS",
        "ad_account_role": "AD_ACCOUNT_VIEWER",
        "country_code": "SE",
        "currency_code": "SEK",
        "test_account_type": "NO_DELIVERY_NO_BILLING",
    }
    spotify.api = [ok({"businesses": [business]}), ok({"ad_accounts": [account]}), ok(account)]
    with spotify.open(store, clock) as client:
        (found,) = client.businesses()
        (listed,) = client.ad_accounts(BUSINESS)
        one = client.ad_account(AD_ACCOUNT)
    assert (found.id, found.name, found.type, found.status) == (BUSINESS, "Example AB", "ADVERTISER", "ACTIVE")
    assert listed == one
    assert (one.status, one.role, one.country_code, one.currency_code) == (
        "SOME_NEW_STATUS",
        "AD_ACCOUNT_VIEWER",
        "SE",
        "SEK",
    )
    assert one.test_account_type == "NO_DELIVERY_NO_BILLING"
    assert [str(request.url) for request in spotify.api_calls] == [
        f"{BASE}/businesses",
        f"{BASE}/businesses/{BUSINESS}/ad_accounts",
        f"{BASE}/ad_accounts/{AD_ACCOUNT}",
    ]
    assert {request.headers["authorization"] for request in spotify.api_calls} == {"Bearer access-7CANARYACCESS"}


def test_audience_is_read_with_its_size_and_times(store: TokenStore, spotify: Spotify, clock: Clock):
    body = audience_json(
        description="Cancelled", subtype="CUSTOMER_LIST", status="BOOKABLE", size={"min": 1000, "max": 2000},
        created_at="2026-01-23T04:56:07Z", updated_at="2026-01-23T06:56:07+02:00",
    )  # fmt: skip
    spotify.api = [ok(body)]
    found = carry_out(READS["audience"], store, spotify, clock)
    moment = datetime(2026, 1, 23, 4, 56, 7, tzinfo=UTC)
    assert found == Audience(
        id=AUDIENCE,
        name="Lapsed subscribers",
        description="Cancelled",
        type="CUSTOM",
        subtype="CUSTOMER_LIST",
        status="BOOKABLE",
        size_min=1000,
        size_max=2000,
        created_at=moment,
        updated_at=moment,
    )


def test_c15_unknown_statuses_kinds_and_odd_fields_are_tolerated(store: TokenStore, spotify: Spotify, clock: Clock):
    odd = {
        "id": AUDIENCE, "status": "DREAMING", "type": "MOOD", "subtype": "NEBULA", "size": [], "created_at": "soon",
        "updated_at": 5, "name": None, "description": {}, "surprise": {"a": 1},
    }  # fmt: skip
    spotify.api = [ok(odd), ok({"id": AUDIENCE})]
    with spotify.open(store, clock) as client:
        found, bare = (client.audience(AD_ACCOUNT, AUDIENCE) for _ in range(2))
    assert (found.status, found.type, found.subtype) == ("DREAMING", "MOOD", "NEBULA")
    assert (found.size_min, found.created_at, found.updated_at, found.name, found.description) == (
        None,
        None,
        None,
        "",
        None,
    )
    assert (bare.status, bare.type, bare.subtype) == ("PROCESSING", "CUSTOM", None)


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": 7}, {"id": None}])
def test_object_without_an_id_is_an_unexpected_answer(store: TokenStore, spotify: Spotify, clock: Clock, body: Any):
    spotify.api = [ok(body)]
    with pytest.raises(UnexpectedResponse, match="audience without an id"):
        carry_out(READS["audience"], store, spotify, clock)


@pytest.mark.parametrize(
    "body", [{}, {"audiences": None}, {"audiences": {}}, {"audiences": ["x"]}, {"audiences": [{"name": "no id"}]}]
)
def test_list_that_is_missing_is_not_an_empty_one(store: TokenStore, spotify: Spotify, clock: Clock, body: Any):
    spotify.api = [ok(body)]
    with pytest.raises(UnexpectedResponse):
        carry_out(READS["audiences"], store, spotify, clock)


def test_create_sends_what_the_document_asks_for_and_nothing_else(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(audience_json(), 201)]
    with spotify.open(store, clock) as client:
        made = client.create_customer_list_audience(AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description="Why")
    (request,) = spotify.api_calls
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/ad_accounts/{AD_ACCOUNT}/audiences")
    assert json.loads(request.content) == {
        "audience_type": "CUSTOM",
        "subtype": "CUSTOMER_LIST",
        "audience_id": AUDIENCE,
        "name": "Lapsed",
        "description": "Why",
    }
    assert made.status == "PROCESSING"


def test_a_lookalike_is_created_of_its_seed_and_its_seed_is_read(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(audience_json(name="Like", type="LOOKALIKE", seed_audience_id=BUSINESS), 201)]
    with spotify.open(store, clock) as client:
        made = client.create_lookalike_audience(AD_ACCOUNT, name="Like", description=None, seed_audience_id=BUSINESS)
    (request,) = spotify.api_calls
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/ad_accounts/{AD_ACCOUNT}/audiences")
    assert json.loads(request.content) == {
        "audience_type": "LOOKALIKE",
        "seed_audience_id": BUSINESS,
        "name": "Like",
    }
    assert (made.type, made.seed_audience_id) == ("LOOKALIKE", BUSINESS)


def test_edit_sends_only_what_changes(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(audience_json()), ok(audience_json())]
    with spotify.open(store, clock) as client:
        client.edit_audience(AD_ACCOUNT, AUDIENCE, name="New")
        client.edit_audience(AD_ACCOUNT, AUDIENCE, description="")
    assert [json.loads(request.content) for request in spotify.api_calls] == [
        {"audience_type": "CUSTOM", "name": "New"},
        {"audience_type": "CUSTOM", "description": ""},
    ]
    assert [request.method for request in spotify.api_calls] == ["PATCH", "PATCH"]


@pytest.mark.parametrize("texts", [{"name": "x"}, {"name": "x" * 81}, {"description": "x" * 81}, {}])
def test_texts_that_spotify_would_refuse_are_refused_before_any_call(
    store: TokenStore, spotify: Spotify, clock: Clock, texts: dict[str, str]
):
    with spotify.open(store, clock) as client, pytest.raises(InvalidRequest):
        client.edit_audience(AD_ACCOUNT, AUDIENCE, **texts)
    assert spotify.asked == []


@pytest.mark.parametrize("identity", ["", "..", "a/b", "a?b", "a#b", "a%2fb", "x" * 129, "a\nb", "å"])
def test_id_that_would_change_the_path_is_refused_before_any_call(
    store: TokenStore, spotify: Spotify, clock: Clock, identity: str
):
    with spotify.open(store, clock) as client, pytest.raises(InvalidRequest, match="is not an id"):
        client.delete_audience(AD_ACCOUNT, identity)
    assert spotify.asked == []


@pytest.mark.parametrize(
    "answer",
    [ok({"deletion_count": 1}), httpx.Response(204), httpx.Response(200), httpx.Response(200, text="<html>"), ok([])],
    ids=["200", "204", "200 without a body", "200 with HTML", "200 with a list"],
)
def test_delete_is_done_by_its_status_whatever_the_body(
    store: TokenStore, spotify: Spotify, clock: Clock, answer: httpx.Response
):
    spotify.api = [answer]
    carry_out(WRITES["delete"], store, spotify, clock)
    assert [(call.method, call.url.path) for call in spotify.api_calls] == [
        ("DELETE", f"/ads/v3/ad_accounts/{AD_ACCOUNT}/audiences/{AUDIENCE}")
    ]


def test_deleting_an_audience_in_use_is_a_conflict(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(error_body("audience is LIVE"), 409)]
    with pytest.raises(Conflict, match=r"audience is LIVE.*remove it there first"):
        carry_out(WRITES["delete"], store, spotify, clock)


def test_upload_urls_are_asked_for_without_a_body(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok({"id": AUDIENCE, "upload_url": SIGNED}), ok({"id": AUDIENCE, "upload_url": SIGNED})]
    with spotify.open(store, clock) as client:
        new, replacement = client.new_upload(AD_ACCOUNT), client.replacement_upload(AD_ACCOUNT, AUDIENCE)
    assert new == replacement
    assert (new.audience_id, new.url.reveal()) == (AUDIENCE, SIGNED)
    assert [(request.method, request.url.path, request.content) for request in spotify.api_calls] == [
        ("POST", f"/ads/v3/ad_accounts/{AD_ACCOUNT}/audiences/upload_url", b""),
        ("POST", f"/ads/v3/ad_accounts/{AD_ACCOUNT}/audiences/upload_url/{AUDIENCE}", b""),
    ]


@pytest.mark.parametrize("body", [{"id": AUDIENCE}, {"upload_url": SIGNED}, {"id": AUDIENCE, "upload_url": 5}])
def test_incomplete_ticket_is_an_unexpected_answer(store: TokenStore, spotify: Spotify, clock: Clock, body: Any):
    spotify.api = [ok(body)]
    with pytest.raises(UnexpectedResponse) as caught:
        carry_out(WRITES["new_upload"], store, spotify, clock)
    assert "CANARY" not in str(caught.value)


def test_observer_sees_token_calls_and_each_try_by_its_route(store: TokenStore, spotify: Spotify, clock: Clock):
    records: list[CallRecord] = []
    spotify.api = [ok(status=503), ok(audience_json())]
    carry_out(READS["audience"], store, spotify, clock, observer=records.append)
    assert [(each.service, each.method, each.route, each.status, each.attempt) for each in records] == [
        ("accounts", "POST", "/api/token", 200, 1),
        ("ads-api", "GET", "/ad_accounts/{ad_account_id}/audiences/{audience_id}", 503, 1),
        ("ads-api", "GET", "/ad_accounts/{ad_account_id}/audiences/{audience_id}", 200, 2),
    ]


def test_opening_a_client_touches_neither_network_nor_disk(store: TokenStore, spotify: Spotify, clock: Clock):
    with spotify.open(store, clock):
        pass
    assert spotify.asked == []
    assert not store.state.home.exists()
