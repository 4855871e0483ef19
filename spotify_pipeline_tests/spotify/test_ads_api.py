from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from spotify_pipeline.spotify import (
    Audience,
    CallRecord,
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    SignInRequired,
    SpotifyAdsClient,
    SpotifyError,
    SpotifyUnavailable,
    TokenStore,
    UnexpectedAnswer,
)
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    BUSINESS,
    SIGNED,
    TRACE,
    Clock,
    Spotify,
    audience_json,
    error_body,
    settings,
    token_answer,
)

BASE = "https://api-partner.spotify.com/ads/v3"
Call = Callable[[SpotifyAdsClient], object]
READS: dict[str, Call] = {
    "businesses": lambda client: client.businesses(),
    "ad_accounts": lambda client: client.ad_accounts(BUSINESS),
    "ad_account": lambda client: client.ad_account(AD_ACCOUNT),
    "audiences": lambda client: list(client.audiences(AD_ACCOUNT)),
    "audience": lambda client: client.audience(AD_ACCOUNT, AUDIENCE),
}
WRITES: dict[str, Call] = {
    "create": lambda client: client.create_customer_list_audience(
        AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description=None
    ),
    "edit": lambda client: client.edit_audience(AD_ACCOUNT, AUDIENCE, name="Lapsed"),
    "delete": lambda client: client.delete_audience(AD_ACCOUNT, AUDIENCE),
    "new_upload": lambda client: client.new_upload(AD_ACCOUNT),
    "replacement_upload": lambda client: client.replacement_upload(AD_ACCOUNT, AUDIENCE),
}


def ok(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={} if body is None else body, headers=headers)


def carry_out(call: Call, store: TokenStore, spotify: Spotify, clock: Clock, **given: Any) -> Any:
    with spotify.open(store, clock, **given) as client:
        return call(client)


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
    with pytest.raises(UnexpectedAnswer, match="audience without an id"):
        carry_out(READS["audience"], store, spotify, clock)


@pytest.mark.parametrize(
    "body", [{}, {"audiences": None}, {"audiences": {}}, {"audiences": ["x"]}, {"audiences": [{"name": "no id"}]}]
)
def test_list_that_is_missing_is_not_an_empty_one(store: TokenStore, spotify: Spotify, clock: Clock, body: Any):
    spotify.api = [ok(body)]
    with pytest.raises(UnexpectedAnswer):
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


@pytest.mark.parametrize("answer", [ok({"deletion_count": 1}), httpx.Response(204)], ids=["200", "204"])
def test_delete_is_done_with_200_and_with_204(
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


def test_replacement_with_another_id_is_warned_of(
    store: TokenStore, spotify: Spotify, clock: Clock, caplog: pytest.LogCaptureFixture
):
    spotify.api = [ok({"id": BUSINESS, "upload_url": SIGNED})]
    assert carry_out(WRITES["replacement_upload"], store, spotify, clock).audience_id == BUSINESS
    assert f"audience {AUDIENCE} with another id" in caplog.text


@pytest.mark.parametrize("body", [{"id": AUDIENCE}, {"upload_url": SIGNED}, {"id": AUDIENCE, "upload_url": 5}])
def test_incomplete_ticket_is_an_unexpected_answer(store: TokenStore, spotify: Spotify, clock: Clock, body: Any):
    spotify.api = [ok(body)]
    with pytest.raises(UnexpectedAnswer) as caught:
        carry_out(WRITES["new_upload"], store, spotify, clock)
    assert "CANARY" not in str(caught.value)


# -- pages


class Pages:
    """A list of audiences behind Spotify's paging, with the oddities of its prose."""

    def __init__(
        self, total: int, *, first: int = 0, cap: int = 50, count: Callable[[int], object] = lambda n: n
    ) -> None:
        self.ids = [str(UUID(int=number)) for number in range(total)]
        self.first, self.cap, self.count = first, cap, count
        self.asked: list[dict[str, str]] = []
        self.before_page: Callable[[int], None] = lambda _: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "accounts.spotify.com":
            return token_answer()
        self.asked.append(dict(request.url.params))
        self.before_page(len(self.asked))
        start = max(0, int(request.url.params["offset"]) - self.first)
        page = self.ids[start : start + min(self.cap, int(request.url.params["limit"]))]
        paging = {"total_results": self.count(len(self.ids))}
        return ok({"paging": paging, "audiences": [audience_json(each) for each in page]})

    def listed(self, store: TokenStore, **given: Any) -> list[str]:
        assert len(self.asked) < 100
        with SpotifyAdsClient.open(settings(), store, transport=httpx.MockTransport(self)) as client:
            return [each.id for each in client.audiences(AD_ACCOUNT, **given)]


@pytest.mark.parametrize("total", [0, 1, 49, 50, 51, 100, 123])
@pytest.mark.parametrize("first", [0, 1], ids=["offset from 0", "offset from 1"])
@pytest.mark.parametrize("cap", [50, 7], ids=["full pages", "pages capped at 7"])
@pytest.mark.parametrize("count", [lambda n: n, lambda _: None], ids=["with total", "without total"])
def test_c06_every_audience_is_listed_once(store: TokenStore, total: int, first: int, cap: int, count: Any):
    pages = Pages(total, first=first, cap=cap, count=count)
    assert sorted(pages.listed(store)) == sorted(pages.ids)
    assert len(pages.asked) <= total // (cap - 1) + 3


def test_c06_list_that_grows_while_it_is_read_misses_none_of_the_old_ones(store: TokenStore):
    pages = Pages(120)
    old = list(pages.ids)

    def grow(page: int) -> None:
        pages.ids[:0] = [str(UUID(int=10_000 + 100 * page + number)) for number in range(50 if page in (2, 3) else 0)]

    pages.before_page = grow
    found = pages.listed(store)
    assert set(old) <= set(found)
    assert len(found) == len(set(found))


def test_c06_server_that_ignores_the_offset_ends_and_is_warned_of(store: TokenStore, caplog: pytest.LogCaptureFixture):
    pages = Pages(50, first=10_000, count=lambda _: 175)
    with caplog.at_level(logging.WARNING):
        assert sorted(pages.listed(store)) == sorted(pages.ids)
    assert len(pages.asked) == 4
    assert "counts 175 audiences and listed 50" in caplog.text


def test_list_is_asked_for_in_an_order_that_stays_while_it_is_read(store: TokenStore):
    pages = Pages(60)
    pages.listed(store, query="lapsed & co")
    common = {"q": "lapsed & co", "limit": "50", "sort_field": "NAME", "sort_direction": "ASC"}
    assert pages.asked == [{**common, "offset": "0"}, {**common, "offset": "50"}]


def test_pages_are_asked_for_as_they_are_needed(store: TokenStore):
    pages = Pages(500)
    with SpotifyAdsClient.open(settings(), store, transport=httpx.MockTransport(pages)) as client:
        next(client.audiences(AD_ACCOUNT))
    assert len(pages.asked) == 1


# -- repetitions

FAILURES = {
    "429": lambda: ok(status=429),
    "500": lambda: ok(status=500),
    "502": lambda: httpx.Response(502, text="<html>"),
    "503": lambda: ok(status=503),
    "504": lambda: ok(status=504),
    "reset": lambda: httpx.ReadError(SIGNED),
    "no connection": lambda: httpx.ConnectError(SIGNED),
    "timeout": lambda: httpx.ReadTimeout(SIGNED),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", READS)
def test_r05_read_is_tried_four_times_and_no_more(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, failure: str
):
    spotify.api = [FAILURES[failure]() for _ in range(9)]
    with pytest.raises((SpotifyUnavailable, RateLimited)) as caught:
        carry_out(READS[name], store, spotify, clock)
    assert len(spotify.api_calls) == 4
    assert len(clock.slept) == 3
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", WRITES)
def test_r05_write_is_never_repeated_blindly(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, failure: str
):
    spotify.api = [FAILURES[failure]() for _ in range(9)]
    with pytest.raises((SpotifyUnavailable, RateLimited)) as caught:
        carry_out(WRITES[name], store, spotify, clock)
    assert len(spotify.api_calls) == 1
    assert clock.slept == []
    assert caught.value.may_have_happened is (failure not in ("429", "no connection"))


def test_read_goes_on_when_the_failure_has_passed(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.ReadError(""), ok(status=503), ok({"businesses": []})]
    assert carry_out(READS["businesses"], store, spotify, clock) == []
    assert clock.slept == [0.5, 1.0]


def test_r02_limited_read_waits_as_long_as_the_server_says(store: TokenStore, spotify: Spotify, clock: Clock):
    limited = {"X-RateLimit-Reset": "12", "X-RateLimit-Remaining": "0", "X-RateLimit-Limit": "1500"}
    spotify.api = [ok(None, 429, **limited), ok({"businesses": []})]
    carry_out(READS["businesses"], store, spotify, clock)
    assert clock.slept == [12.5]


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 422])
@pytest.mark.parametrize("name", READS)
def test_final_refusal_is_not_repeated(store: TokenStore, spotify: Spotify, clock: Clock, name: str, status: int):
    spotify.api = [ok(error_body("no"), status)]
    with pytest.raises(SpotifyError) as caught:
        carry_out(READS[name], store, spotify, clock)
    assert (caught.value.status, caught.value.trace_id) == (status, TRACE)
    assert clock.slept == []


def test_deleted_audience_is_not_found(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [ok(error_body("gone"), 404)]
    with pytest.raises(NotFound, match="did not show the audience: status 404"):
        carry_out(READS["audience"], store, spotify, clock)


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_o12_refused_token_is_replaced_once_and_the_call_replayed_once(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str
):
    spotify.tokens = [token_answer("a1"), token_answer("a2")]
    spotify.api = [httpx.Response(401), httpx.Response(401)]
    with pytest.raises(SignInRequired, match=r"refuses even a new access token.*login"):
        carry_out({**READS, **WRITES}[name], store, spotify, clock)
    assert [call.headers["authorization"] for call in spotify.api_calls] == ["Bearer a1", "Bearer a2"]
    assert spotify.api_calls[0].content == spotify.api_calls[1].content
    assert len(spotify.token_calls) == 2
    assert clock.slept == []


def test_o12_replayed_write_is_done(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.Response(401), ok(audience_json(), 201)]
    assert carry_out(WRITES["create"], store, spotify, clock).id == AUDIENCE


# -- success by status, nonsense by body


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"id": ', b"{}"])
def test_c04_create_with_a_broken_body_says_that_it_may_have_happened(
    store: TokenStore, spotify: Spotify, clock: Clock, content: bytes
):
    spotify.api = [httpx.Response(201, content=content)]
    with pytest.raises(UnexpectedAnswer) as caught:
        carry_out(WRITES["create"], store, spotify, clock)
    assert caught.value.may_have_happened


@pytest.mark.parametrize("status", [202, 206, 301, 307, 308])
@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_status_that_is_no_documented_success_is_none(
    store: TokenStore, spotify: Spotify, clock: Clock, name: str, status: int
):
    spotify.api = [httpx.Response(status, json=audience_json(), headers={"Location": SIGNED})]
    with pytest.raises(UnexpectedAnswer) as caught:
        carry_out({**READS, **WRITES}[name], store, spotify, clock)
    assert caught.value.status == status
    assert len(spotify.api_calls) == 1


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
    assert not store.path.parent.exists()
