"""An answer about another object than was asked for is not believed, whichever operation it answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import SpotifyAdsClient, TokenStore, UnexpectedResponse
from spotify_pipeline.spotify.ads.request import Operation
from spotify_pipeline.spotify.lenient_json import canonical_id, same_id
from spotify_pipeline_tests.spotify.client_calls import ok
from spotify_pipeline_tests.spotify.conversion_objects import (
    CAPI_TOKEN,
    CONNECTION,
    DATASET,
    INTEGRATION,
    connection_json,
    dataset_json,
    diagnostics_json,
    token_json,
)
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    BUSINESS,
    SIGNED,
    Clock,
    Spotify,
    audience_json,
)

OTHER = "9f6b2d30-0000-4000-8000-0000000000bb"
Call = Callable[[SpotifyAdsClient], object]

KNOWN_BY_ID: Mapping[str, tuple[Call, dict[str, Any]]] = {
    "ad_account": (lambda client: client.ad_account(AD_ACCOUNT), {"id": AD_ACCOUNT, "name": "Example ads"}),
    "audience": (lambda client: client.audience(AD_ACCOUNT, AUDIENCE), audience_json()),
    "create_customer_list_audience": (
        lambda client: client.create_customer_list_audience(
            AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed subscribers", description=None
        ),
        audience_json(),
    ),
    "edit_audience": (lambda client: client.edit_audience(AD_ACCOUNT, AUDIENCE, name="Lapsed"), audience_json()),
    "replacement_upload": (
        lambda client: client.replacement_upload(AD_ACCOUNT, AUDIENCE),
        {"id": AUDIENCE, "upload_url": SIGNED},
    ),
    "dataset": (lambda client: client.dataset(BUSINESS, DATASET), dataset_json()),
    "capi_connection": (lambda client: client.capi_connection(BUSINESS, CONNECTION), connection_json()),
}
"""Each operation about one object whose id is given, and its right answer."""

MADE_BY_SPOTIFY: Mapping[str, tuple[Call, dict[str, Any]]] = {
    "create_lookalike_audience": (
        lambda client: client.create_lookalike_audience(
            AD_ACCOUNT, name="Like them", description="Key", seed_audience_id=AUDIENCE
        ),
        audience_json(name="Like them", description="Key", type="LOOKALIKE", seed_audience_id=AUDIENCE),
    ),
    "create_web_event_audience": (
        lambda client: client.create_web_event_audience(
            AD_ACCOUNT, name="Bought", description="Key", dataset_ids=[DATASET], included_events=["LEAD"],
            lookback_days=30,
        ),
        audience_json(name="Bought", description="Key", subtype="WEB_EVENT"),
    ),
    "create_ad_engagement_audience": (
        lambda client: client.create_ad_engagement_audience(
            AD_ACCOUNT, name="Heard", description="Key", campaign_ids=[DATASET], exposure_type="CLICKS",
            lookback_days=30,
        ),
        audience_json(name="Heard", description="Key", subtype="AD_ENGAGEMENT"),
    ),
    "create_dataset": (
        lambda client: client.create_dataset(BUSINESS, "Shop", [INTEGRATION]),
        dataset_json(name="Shop"),
    ),
    "create_capi_connection": (
        lambda client: client.create_capi_connection(BUSINESS, "Shop", DATASET),
        connection_json(name="Shop"),
    ),
    "create_capi_token": (lambda client: client.create_capi_token(BUSINESS, CONNECTION), {"data": token_json()}),
    "new_upload": (lambda client: client.new_upload(AD_ACCOUNT), {"id": AUDIENCE, "upload_url": SIGNED}),
}  # fmt: skip
"""Each operation that makes an object whose id Spotify chooses, and its right answer."""

DONE_BY_STATUS: Mapping[str, Call] = {
    "delete_audience": lambda client: client.delete_audience(AD_ACCOUNT, AUDIENCE),
    "delete_capi_token": lambda client: client.delete_capi_token(BUSINESS, CONNECTION, CAPI_TOKEN),
    "share_dataset": lambda client: client.share_dataset(BUSINESS, DATASET, AD_ACCOUNT),
    "unshare_dataset": lambda client: client.unshare_dataset(BUSINESS, DATASET, AD_ACCOUNT),
}

LISTS: Mapping[str, tuple[Call, dict[str, Any], dict[str, Any] | None]] = {
    "businesses": (lambda client: client.businesses(), {"businesses": []}, None),
    "ad_accounts": (
        lambda client: client.ad_accounts(BUSINESS),
        {"ad_accounts": [{"id": AD_ACCOUNT, "business_id": BUSINESS}]},
        {"ad_accounts": [{"id": AD_ACCOUNT, "business_id": OTHER}]},
    ),
    "audiences": (lambda client: list(client.audiences(AD_ACCOUNT)), {"audiences": []}, None),
    "audience_datasets": (lambda client: client.audience_datasets(AD_ACCOUNT), {"datasets": []}, None),
    "datasets": (
        lambda client: client.datasets(BUSINESS),
        {"datasets": [dataset_json()]},
        {"datasets": [dataset_json(business_id=OTHER)]},
    ),
    "ad_account_datasets": (
        lambda client: client.ad_account_datasets(BUSINESS, AD_ACCOUNT),
        {"datasets": [dataset_json()]},
        {"datasets": [dataset_json(business_id=OTHER)]},
    ),
    "diagnostics": (
        lambda client: client.diagnostics(BUSINESS, DATASET),
        diagnostics_json(),
        {**diagnostics_json(), "dataset_id": OTHER},
    ),
    "capi_tokens": (
        lambda client: client.capi_tokens(BUSINESS, CONNECTION),
        {"data": [token_json()]},
        {"data": [token_json(capi_connection_id=OTHER)]},
    ),
}
"""Each list: its right answer, and one of another business, data set or connection where an answer can say so."""

NO_OPERATION = {"open", "close", "upload", "resume_upload", "cancel_upload", "find_capi_connection", "find_dataset"}
"""Methods that make no call of their own to the Ads API."""
OTHERS = ("id", "capi_connection_id")


def asked(store: TokenStore, spotify: Spotify, clock: Clock, call: Call, *answers: httpx.Response) -> object:
    spotify.api = [*answers]
    with spotify.open(store, clock) as client:
        return call(client)


def of_another(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, **{name: OTHER for name in OTHERS if name in answer}}


def test_c20_every_operation_of_the_client_is_held_against_what_it_is_about():
    methods = {name for name, _ in inspect.getmembers(SpotifyAdsClient, inspect.isfunction) if name[0] != "_"}
    methods -= NO_OPERATION
    assert methods == {*KNOWN_BY_ID, *MADE_BY_SPOTIFY, *DONE_BY_STATUS, *LISTS}


def test_c20_no_operation_can_be_made_without_saying_what_it_is_about():
    with pytest.raises(TypeError, match="expected"):
        Operation(method="GET", route="/businesses", doing="list the businesses")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", [*KNOWN_BY_ID, *MADE_BY_SPOTIFY])
def test_the_right_answer_is_believed(store: TokenStore, spotify: Spotify, clock: Clock, name: str):
    call, right = {**KNOWN_BY_ID, **MADE_BY_SPOTIFY}[name]
    assert asked(store, spotify, clock, call, ok(right))


@pytest.mark.parametrize("name", KNOWN_BY_ID)
@pytest.mark.parametrize(
    "wrong",
    [
        of_another,
        lambda right: of_another({**right, "audience": {"id": AUDIENCE}}),
        lambda right: {**right, **dict.fromkeys(OTHERS)},
        lambda right: {**right, **{name: [right.get(name)] for name in OTHERS}},
        lambda right: {**right, **{name: {"id": right.get(name)} for name in OTHERS}},
        lambda right: {**right, **dict.fromkeys(OTHERS, 7)},
        lambda right: {**right, **{name: f" {right.get(name)} " for name in OTHERS}},
        lambda right: {**right, **{name: f"{right.get(name)}\u202e" for name in OTHERS}},
        lambda right: {**right, **dict.fromkeys(OTHERS, "../audiences")},
        lambda right: {"audiences": [right]},
        lambda right: {"data": right},
        lambda right: [right],
        lambda _: {},
        lambda _: "text",
        lambda _: None,
    ],
    ids=[
        "another", "another around it", "null", "list", "object", "number", "blanks", "bidi", "path", "in a list",
        "in data", "array", "empty", "text", "null document",
    ],
)  # fmt: skip
def test_c20_an_answer_about_another_is_an_error_and_a_write_may_have_happened(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, wrong: Callable[[dict[str, Any]], Any]
):
    call, right = KNOWN_BY_ID[name]
    answer = wrong(right)
    with pytest.raises(UnexpectedResponse) as caught:
        asked(store, spotify, clock, call, httpx.Response(200, json=answer))
    (request,) = spotify.api_calls
    assert caught.value.may_have_happened is (request.method != "GET")
    assert "CANARY" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", KNOWN_BY_ID)
def test_c20_an_empty_answer_is_about_nothing(store: TokenStore, spotify: Spotify, clock: Clock, name: str):
    with pytest.raises(UnexpectedResponse, match="is not a JSON object") as caught:
        asked(store, spotify, clock, KNOWN_BY_ID[name][0], httpx.Response(200))
    assert caught.value.may_have_happened is (spotify.api_calls[0].method != "GET")


def test_c20_the_sentence_names_both_ids_and_what_may_be_wrong(store: TokenStore, spotify: Spotify, clock: Clock):
    with pytest.raises(UnexpectedResponse) as caught:
        asked(store, spotify, clock, KNOWN_BY_ID["audience"][0], ok(audience_json(OTHER)))
    assert str(caught.value) == (
        f"Spotify's response to the call to show the audience is about another audience ({OTHER}) than the one asked "
        f"for ({AUDIENCE}). Something between this machine and Spotify, such as a cache or a gateway, may mix up "
        "responses. Run again; if it happens again, report it."
    )


@pytest.mark.parametrize("name", KNOWN_BY_ID)
def test_c20_upper_and_lower_case_of_a_uuid_are_one_id(store: TokenStore, spotify: Spotify, clock: Clock, name: str):
    call, right = KNOWN_BY_ID[name]
    shouted = {**right, **{key: right[key].upper() for key in OTHERS if key in right}}
    assert asked(store, spotify, clock, call, ok(shouted)) == asked(store, spotify, clock, call, ok(right))


def test_c20_only_a_uuid_has_one_spelling():
    assert same_id(AUDIENCE.upper(), AUDIENCE)
    assert not same_id("List-A", "list-a")
    assert canonical_id("0123456789ABCDEF0123456789ABCDEF") == "0123456789ABCDEF0123456789ABCDEF"


@pytest.mark.parametrize("name", sorted(set(MADE_BY_SPOTIFY) - {"create_capi_token", "new_upload"}))
@pytest.mark.parametrize("another_name", ["Somebody else's", "", None, ["Like them"], "like them"])
def test_c20_what_was_made_bears_the_name_that_was_asked_for(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, another_name: object
):
    call, right = MADE_BY_SPOTIFY[name]
    with pytest.raises(UnexpectedResponse, match="another name") as caught:
        asked(store, spotify, clock, call, ok({**of_another(right), "name": another_name}, 201))
    assert caught.value.may_have_happened


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("create_lookalike_audience", "seed_audience_id", OTHER),
        ("create_lookalike_audience", "type", "CUSTOM"),
        ("create_lookalike_audience", "description", "[sp:00000000]"),
        ("create_web_event_audience", "subtype", "CUSTOMER_LIST"),
        ("create_ad_engagement_audience", "description", "[sp:00000000]"),
        ("create_capi_connection", "dataset_id", OTHER),
    ],
)
def test_c20_what_was_made_is_what_was_asked_for(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, field: str, value: str
):
    call, right = MADE_BY_SPOTIFY[name]
    with pytest.raises(UnexpectedResponse, match="another") as caught:
        asked(store, spotify, clock, call, ok({**right, field: value}, 201))
    assert caught.value.may_have_happened


def test_a_name_that_spotify_tidied_is_the_one_that_was_asked_for(store: TokenStore, spotify: Spotify, clock: Clock):
    def call(client: SpotifyAdsClient) -> object:
        return client.create_dataset(BUSINESS, " Caf\u00e9  shop ", [INTEGRATION])

    assert asked(store, spotify, clock, call, ok(dataset_json(name="Cafe\u0301 shop")))


@pytest.mark.parametrize("name", DONE_BY_STATUS)
@pytest.mark.parametrize(
    "answer",
    [audience_json(OTHER), {"id": OTHER}, dataset_json(id=OTHER), connection_json(capi_connection_id=OTHER),
     {"audiences": [audience_json()]}, {"deletion_count": 0}, {"deletion_count": 2}, {"deletion_count": "1"},
     {"message": "Good day"}],
)  # fmt: skip
def test_c20_what_a_status_says_is_not_believed_with_another_object_behind_it(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, answer: dict[str, Any]
):
    with pytest.raises(UnexpectedResponse) as caught:
        asked(store, spotify, clock, DONE_BY_STATUS[name], ok(answer))
    assert caught.value.may_have_happened


@pytest.mark.parametrize("name", DONE_BY_STATUS)
@pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(200), ok({}), ok({"deletion_count": 1})])
def test_what_is_done_is_done(store: TokenStore, spotify: Spotify, clock: Clock, name: str, answer: httpx.Response):
    asked(store, spotify, clock, DONE_BY_STATUS[name], answer)


@pytest.mark.parametrize("name", LISTS)
def test_c20_a_list_of_another_is_an_error_where_it_says_so(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str
):
    call, right, wrong = LISTS[name]
    asked(store, spotify, clock, call, ok(right))
    if wrong is not None:
        with pytest.raises(UnexpectedResponse, match=f"is about another .* than {'[0-9a-f-]{36}'}"):
            asked(store, spotify, clock, call, ok(wrong))
    with pytest.raises(UnexpectedResponse, match="no list of"):
        asked(store, spotify, clock, call, ok(audience_json(OTHER)))
