"""Audiences that Spotify fills by itself, from web events or from ads heard."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    CAPI_EVENT_NAMES,
    InvalidRequest,
    SpotifyUnavailable,
    TokenStore,
    UnexpectedResponse,
    capi_event_name,
    is_signal,
    signal_event_name,
)
from spotify_pipeline_tests.spotify.client_calls import carry_out, ok
from spotify_pipeline_tests.spotify.conversion_objects import DATASET
from spotify_pipeline_tests.spotify.scripted import AD_ACCOUNT, AUDIENCE, Clock, Spotify, audience_json

WEB: dict[str, Any] = {
    "name": "Bought lately",
    "description": None,
    "dataset_ids": [DATASET],
    "included_events": ["PURCHASE", "add_to_cart"],
    "lookback_days": 30,
}
ADS: dict[str, Any] = {
    "name": "Heard the spot",
    "description": "In autumn",
    "campaign_ids": [DATASET],
    "exposure_type": "CLICKS",
    "lookback_days": 90,
}


def web(client: Any, **changes: Any) -> Any:
    return client.create_web_event_audience(AD_ACCOUNT, **{**WEB, **changes})


def ads(client: Any, **changes: Any) -> Any:
    return client.create_ad_engagement_audience(AD_ACCOUNT, **{**ADS, **changes})


def test_web_event_audience_is_sent_and_read_back_in_the_spelling_of_audiences(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    answer = audience_json(
        name="Bought lately",
        subtype="WEB_EVENT",
        datasets=[{"id": DATASET, "name": "Shop"}, None],
        included_events=["PURCHASE", "ADDTOCART"],
        excluded_events=["checkout"],
        lookback_days=30,
    )
    spotify.api = [ok(answer, status=201)]
    made = carry_out(lambda client: web(client, excluded_events=["CHECK_OUT"]), store, spotify, clock)
    assert json.loads(spotify.api_calls[0].content) == {
        "audience_type": "CUSTOM",
        "subtype": "WEB_EVENT",
        "name": "Bought lately",
        "dataset_ids": [DATASET],
        "included_events": ["PURCHASE", "ADDTOCART"],
        "excluded_events": ["CHECKOUT"],
        "lookback_days": 30,
    }
    assert (made.id, made.subtype, made.dataset_ids, made.lookback_days) == (AUDIENCE, "WEB_EVENT", (DATASET,), 30)
    assert (made.included_events, made.excluded_events) == (("PURCHASE", "ADDTOCART"), ("CHECKOUT",))


def test_ad_engagement_audience_is_sent_and_read_back(store: TokenStore, spotify: Spotify, clock: Clock):
    fields = {"campaign_ids": [DATASET], "exposure_type": "CLICKS", "lookback_days": 90}
    spotify.api = [
        ok(audience_json(name="Heard the spot", subtype="AD_ENGAGEMENT", ad_set_ids=[], **fields), status=201)
    ]
    made = carry_out(ads, store, spotify, clock)
    assert json.loads(spotify.api_calls[0].content) == {
        "audience_type": "CUSTOM",
        "subtype": "AD_ENGAGEMENT",
        "name": "Heard the spot",
        "description": "In autumn",
        **fields,
    }
    assert (made.campaign_ids, made.ad_set_ids) == ((DATASET,), ())
    assert (made.exposure_type, made.lookback_days) == ("CLICKS", 90)


@pytest.mark.parametrize(
    ("make", "changes"),
    [
        (web, {"dataset_ids": []}),
        (web, {"included_events": []}),
        (web, {"included_events": ["SEARCH"]}),
        (web, {"excluded_events": ["SEARCH"]}),
        (web, {"lookback_days": 45}),
        (web, {"name": "x"}),
        (ads, {"campaign_ids": []}),
        (ads, {"ad_set_ids": [DATASET]}),
        (ads, {"exposure_type": "clicks"}),
        (ads, {"lookback_days": 0}),
        (ads, {"description": "x" * 81}),
    ],
)
def test_what_spotify_would_not_take_is_said_before_it_is_asked(
    store: TokenStore, spotify: Spotify, clock: Clock, make: Any, changes: dict[str, Any]
):
    with pytest.raises(InvalidRequest) as caught:
        carry_out(lambda client: make(client, **changes), store, spotify, clock)
    assert not caught.value.may_have_happened
    assert spotify.api_calls == []


@pytest.mark.parametrize("make", [web, ads])
def test_c02_lost_answer_leaves_it_open_whether_there_is_one_now(
    store: TokenStore, spotify: Spotify, clock: Clock, make: Any
):
    for lost in (httpx.ReadError("x"), ok({"name": "without an id"}, status=201)):
        spotify.api = [lost]
        with pytest.raises((SpotifyUnavailable, UnexpectedResponse)) as caught:
            carry_out(make, store, spotify, clock)
        assert caught.value.may_have_happened
    assert len(spotify.api_calls) == 2


def test_data_sets_for_audiences_are_listed_with_the_events_they_have_seen(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    spotify.api = [ok({"datasets": [{"id": DATASET, "name": "Shop", "events": ["add_to_cart", "PURCHASE"]}]})]
    (found,) = carry_out(lambda client: client.audience_datasets(AD_ACCOUNT), store, spotify, clock)
    assert (found.id, found.name, found.events) == (DATASET, "Shop", ("ADDTOCART", "PURCHASE"))
    assert spotify.api_calls[0].url.query == b"limit=50"


@pytest.mark.parametrize("name", CAPI_EVENT_NAMES)
def test_every_spelling_of_an_event_is_read(name: str):
    signal = signal_event_name(name)
    bare = name.replace("_", "")
    for spelled in (name, signal, bare, name.lower(), bare.lower(), signal.capitalize(), f" {name} "):
        assert capi_event_name(spelled) == name
        assert signal_event_name(spelled) == signal
        assert is_signal(spelled)


def test_events_as_audiences_spell_them_are_those_of_the_document():
    assert [signal_event_name(name) for name in ("CHECK_OUT", "ADD_TO_CART", "SIGN_UP", "CUSTOM_EVENT_1", "click")] == [
        "CHECKOUT",
        "ADDTOCART",
        "SIGNUP",
        "CUSTOM_EVENT_1",
        "CLICK",
    ]
    assert not is_signal("SEARCH")
    assert capi_event_name("New_One") == signal_event_name("New_One") == "New_One"
