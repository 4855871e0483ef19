"""Data sets, connections, tokens and diagnostics of the Ads API."""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    CallRecord,
    CapiToken,
    Conflict,
    PermissionDenied,
    Secret,
    SpotifyError,
    SpotifyUnavailable,
    TokenStore,
    UnexpectedResponse,
)
from spotify_pipeline_tests.spotify.client_calls import Call, carry_out, ok
from spotify_pipeline_tests.spotify.conversion_objects import (
    CAPI_SECRET,
    CAPI_TOKEN,
    CONNECTION,
    DATASET,
    HOUR_MS,
    INTEGRATION,
    connection_json,
    dataset_json,
    diagnostics_json,
    token_json,
)
from spotify_pipeline_tests.spotify.scripted import AD_ACCOUNT, BUSINESS, Clock, Spotify, error_body
from spotify_pipeline_tests.spotify.shown import texts_of

ANOTHER = "b0000000-0000-4000-8000-00000000000b"
MADE = datetime(2026, 1, 23, 4, 56, 7, tzinfo=UTC)


def asked(store: TokenStore, spotify: Spotify, clock: Clock, call: Call, *answers: httpx.Response) -> Any:
    spotify.api = [*answers]
    return carry_out(call, store, spotify, clock)


def test_data_set_is_read_with_its_connection_pixel_and_ad_accounts(store: TokenStore, spotify: Spotify, clock: Clock):
    full = dataset_json(pixel={"id": "cd2f1480ba3d4f9b9c5a39893c0def91", "dataset_id": None})
    (dataset,) = asked(store, spotify, clock, lambda client: client.datasets(BUSINESS), ok({"datasets": [full]}))
    assert dataclasses.asdict(dataset) == {
        "id": DATASET,
        "name": "US Advertising",
        "capi_connection": {
            "id": CONNECTION,
            "integration_id": INTEGRATION,
            "name": "Retail Sales",
            "dataset_id": DATASET,
        },
        "has_pixel": True,
        "pixel_dataset_id": None,
        "is_archived": False,
        "is_receiving_events": True,
        "shared_ad_account_ids": (AD_ACCOUNT,),
        "ad_set_count": 2,
    }


@pytest.mark.parametrize("bare", [{}, {"capi_integration": None, "pixel": None}, {"capi_integration": {}, "pixel": {}}])
def test_data_set_without_anything_in_it_is_read(
    store: TokenStore, spotify: Spotify, clock: Clock, bare: dict[str, Any]
):
    dataset = asked(
        store, spotify, clock, lambda client: client.dataset(BUSINESS, DATASET), ok({"id": DATASET, **bare})
    )
    assert (dataset.capi_connection, dataset.has_pixel, dataset.shared_ad_account_ids) == (None, False, ())


def test_data_sets_that_are_counted_and_not_listed_are_warned_of(
    store: TokenStore, spotify: Spotify, clock: Clock, caplog: pytest.LogCaptureFixture
):
    body = {"datasets": [dataset_json()], "paging": {"total_results": 2}}
    with caplog.at_level(logging.WARNING):
        asked(store, spotify, clock, lambda client: client.ad_account_datasets(BUSINESS, AD_ACCOUNT), ok(body))
    assert "counts 2 data sets and listed 1" in caplog.text


def test_p02_tokens_are_listed_without_their_secrets(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok({"data": [token_json(), token_json(capi_auth_token_id=ANOTHER, created_at=None)]})]
    records: list[CallRecord] = []
    with spotify.open(store, clock, observer=records.append) as client:
        tokens = client.capi_tokens(BUSINESS, CONNECTION)
    assert tokens == [CapiToken(id=CAPI_TOKEN, created_at=MADE), CapiToken(id=ANOTHER)]
    assert "CANARY" not in repr([dataclasses.asdict(token) for token in tokens]) + repr(records)


def test_p02_new_token_is_given_as_a_secret(store: TokenStore, spotify: Spotify, clock: Clock):
    made = asked(
        store,
        spotify,
        clock,
        lambda client: client.create_capi_token(BUSINESS, CONNECTION),
        ok({"data": token_json()}, status=201),
    )
    assert (made.id, made.token, made.created_at) == (CAPI_TOKEN, Secret(CAPI_SECRET), MADE)
    assert "CANARY" not in repr(made) + repr(dataclasses.asdict(made))


@pytest.mark.parametrize("key", ["capi_auth_token", "capi_auth_token_id"])
def test_p02_half_an_answer_about_a_token_may_have_made_one_and_shows_nothing(
    store: TokenStore, spotify: Spotify, clock: Clock, key: str
):
    half = {name: value for name, value in token_json().items() if name != key}
    with pytest.raises(UnexpectedResponse) as caught:
        asked(store, spotify, clock, lambda client: client.create_capi_token(BUSINESS, CONNECTION), ok({"data": half}))
    assert caught.value.may_have_happened
    assert not [text for text in texts_of(caught.value) if "CANARY" in text]


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_p02_refusal_that_repeats_a_token_is_not_repeated(
    store: TokenStore, spotify: Spotify, clock: Clock, status: int
):
    for call in (
        lambda client: client.create_capi_token(BUSINESS, CONNECTION),
        lambda client: client.delete_capi_token(BUSINESS, CONNECTION, CAPI_TOKEN),
        lambda client: client.capi_tokens(BUSINESS, CONNECTION),
    ):
        answers = [ok(error_body(f"three already: {CAPI_SECRET}"), status=status) for _ in range(4)]
        with pytest.raises(SpotifyError) as caught:
            asked(store, spotify, clock, call, *answers)
        assert not [text for text in texts_of(caught.value) if "CANARY" in text]


def test_lost_answer_about_a_new_connection_is_not_asked_for_again(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.ReadError("x"), ok()]
    with pytest.raises(SpotifyUnavailable) as caught:
        carry_out(lambda client: client.create_capi_connection(BUSINESS, "Shop"), store, spotify, clock)
    assert caught.value.may_have_happened
    assert len(spotify.api_calls) == 1


def test_data_set_that_has_a_connection_says_which_way_out_there_is(store: TokenStore, spotify: Spotify, clock: Clock):
    with pytest.raises(Conflict, match="has a connection already"):
        asked(
            store,
            spotify,
            clock,
            lambda client: client.create_capi_connection(BUSINESS, "Shop", DATASET),
            ok(status=409),
        )


@pytest.mark.parametrize("status", [200, 204])
def test_sharing_needs_no_answer_and_no_body(store: TokenStore, spotify: Spotify, clock: Clock, status: int):
    for call in (
        lambda client: client.share_dataset(BUSINESS, DATASET, AD_ACCOUNT),
        lambda client: client.unshare_dataset(BUSINESS, DATASET, AD_ACCOUNT),
        lambda client: client.delete_capi_token(BUSINESS, CONNECTION, CAPI_TOKEN),
    ):
        assert asked(store, spotify, clock, call, httpx.Response(status)) is None
    assert [call.method for call in spotify.api_calls] == ["POST", "DELETE", "DELETE"]
    assert {call.content for call in spotify.api_calls} == {b""}


def test_connection_is_found_in_whichever_business_has_it(store: TokenStore, spotify: Spotify, clock: Clock):
    businesses = ok({"businesses": [{"id": ANOTHER, "name": "A"}, {"id": BUSINESS, "name": "B"}]})
    elsewhere = dataset_json(capi_integration=connection_json(capi_connection_id=ANOTHER))
    answers = [businesses, ok({"datasets": [elsewhere]}), ok({"datasets": [elsewhere, dataset_json()]})]
    found = asked(store, spotify, clock, lambda client: client.find_capi_connection(CONNECTION.upper()), *answers)
    assert (found[0].id, found[1].id) == (BUSINESS, DATASET)


def test_connection_that_no_business_has_is_none_but_not_where_one_would_not_say(
    store: TokenStore, spotify: Spotify, clock: Clock
):
    businesses = {"businesses": [{"id": ANOTHER}, {"id": BUSINESS}]}
    find = lambda client: client.find_capi_connection(CONNECTION)  # noqa: E731
    find_dataset = lambda client: client.find_dataset(DATASET.upper())  # noqa: E731
    nothing = {"datasets": [dataset_json(id=ANOTHER, capi_integration=None)]}
    assert asked(store, spotify, clock, find, ok(businesses), ok(nothing), ok(nothing)) is None
    with pytest.raises(PermissionDenied):
        asked(store, spotify, clock, find, ok(businesses), ok(status=403), ok(nothing))
    found = asked(store, spotify, clock, find, ok(businesses), ok(status=403), ok({"datasets": [dataset_json()]}))
    assert found[1].id == DATASET
    assert asked(store, spotify, clock, find_dataset, ok(businesses), ok(nothing), ok(nothing)) is None
    answers = [ok(businesses), ok(status=403), ok({"datasets": [dataset_json()]})]
    found = asked(store, spotify, clock, find_dataset, *answers)
    assert (found[0].id, found[1].id) == (BUSINESS, DATASET)


@pytest.mark.parametrize("stamp", [HOUR_MS, HOUR_MS // 1000, float(HOUR_MS)], ids=["ms", "seconds", "float"])
def test_diagnostics_are_counts_per_hour_and_event_as_it_is_sent(
    store: TokenStore, spotify: Spotify, clock: Clock, stamp: float
):
    answer = ok(diagnostics_json(stamp, ADDTOCART=12.0, checkout=1, CUSTOM_EVENT_2=0, NEW_ONE=3))
    received = asked(store, spotify, clock, lambda client: client.diagnostics(BUSINESS, DATASET), answer)
    hour = datetime(2026, 1, 1, tzinfo=UTC)
    assert {(each.datasource_type, each.datasource_id, each.hour, each.granularity) for each in received} == {
        ("CAPI", CONNECTION, hour, "HOURLY")
    }
    counts = [(each.event_name, each.events) for each in received]
    assert counts == [("ADD_TO_CART", 12), ("CHECK_OUT", 1), ("CUSTOM_EVENT_2", 0), ("NEW_ONE", 3)]
    assert spotify.api_calls[0].url.query == b"granularities=HOURLY"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"datasources": None},
        diagnostics_json("2026"),
        diagnostics_json(None),
        diagnostics_json(10**30),
        diagnostics_json(PURCHASE="1"),
        diagnostics_json(PURCHASE=1.5),
    ],
)
def test_diagnostics_that_cannot_be_read_do_not_look_like_nothing_received(
    store: TokenStore, spotify: Spotify, clock: Clock, body: dict[str, Any]
):
    with pytest.raises(UnexpectedResponse):
        asked(store, spotify, clock, lambda client: client.diagnostics(BUSINESS, DATASET), ok(body))


def test_connection_is_made_in_the_data_set_that_is_named(store: TokenStore, spotify: Spotify, clock: Clock):
    for dataset_id, body in ((None, {"name": "Shop"}), (DATASET, {"name": "Shop", "dataset_id": DATASET})):
        made = asked(
            store,
            spotify,
            clock,
            lambda client, dataset_id=dataset_id: client.create_capi_connection(BUSINESS, "Shop", dataset_id),
            ok(connection_json(name="Shop"), status=201),
        )
        assert made.id == CONNECTION
        assert json.loads(spotify.api_calls[-1].content) == body
