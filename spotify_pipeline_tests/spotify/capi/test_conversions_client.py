"""Sending events: what goes out, what is sent again, and what never is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.spotify import (
    CallRecord,
    CapiTokenRefused,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    SettingsMissing,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedResponse,
)
from spotify_pipeline.spotify.capi.client import request_content
from spotify_pipeline_tests.spotify.events import CONNECTION, TOKEN, Capi, conversions_settings, event, success
from spotify_pipeline_tests.spotify.scripted import Seen, loopback_server

LOST = {
    "answer broken": lambda: httpx.ReadError("x"),
    "timeout": lambda: httpx.ReadTimeout("x"),
    "500": lambda: httpx.Response(500),
    "502": lambda: httpx.Response(502, text="<html>"),
    "503": lambda: httpx.Response(503),
    "504": lambda: httpx.Response(504),
    "408": lambda: httpx.Response(408),
}
NOT_DONE = {
    "no connection": lambda: httpx.ConnectError("x"),
    "connecting took too long": lambda: httpx.ConnectTimeout("x"),
    "429": lambda: httpx.Response(429),
}


@pytest.fixture
def capi(tmp_path: Path) -> Capi:
    return Capi(tmp_path)


def sent(capi: Capi, *bodies: str, **changes: Any) -> None:
    with capi.open(**changes) as client:
        client.send(bodies)


def test_events_go_out_as_they_are_in_one_envelope(capi: Capi):
    capi.script = [success()]
    bodies = [event(1, event_details={"content_name": "Kött & fisk 🐟", "amount": 1e2}), '{"event_id": "x",  "n":1.10}']
    sent(capi, *bodies)
    (request,) = capi.requests
    assert request.method == "POST"
    assert str(request.url) == "https://capi.spotify.com/capi-direct/events/"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.content))
    assert "transfer-encoding" not in request.headers
    assert json.loads(request.content) == {
        "conversion_events": {"capi_connection_id": CONNECTION, "events": [json.loads(body) for body in bodies]}
    }
    assert bodies[1].encode() in request.content  # not one byte of it was written anew


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.floats(allow_nan=False) | st.none()), max_size=4))
def test_any_events_make_one_json_document(events: list[dict[str, Any]]):
    for ascii_only in (True, False):
        bodies = [json.dumps(each, ensure_ascii=ascii_only) for each in events]
        content = request_content(CONNECTION, bodies)
        parsed = json.loads(content)
        assert parsed == {"conversion_events": {"capi_connection_id": CONNECTION, "events": events}}
        assert len(content) == sum(map(len, map(str.encode, bodies))) + max(0, len(bodies) - 1) + len(
            request_content(CONNECTION, [])
        )


def test_half_a_character_is_refused_without_showing_the_text_around_it():
    with pytest.raises(InvalidRequest, match="Nothing was sent") as caught:
        request_content(CONNECTION, ['{"event_id": "Jane Roe \ud83d"}'])
    assert caught.value.__context__ is None
    assert "Jane" not in str(caught.value)


def test_nothing_to_send_makes_no_call_and_needs_no_token(capi: Capi):
    sent(capi, settings=conversions_settings(token=None, connection_id=None))
    assert capi.requests == []


@pytest.mark.parametrize("missing", [{"token": None}, {"connection_id": None}])
def test_no_token_or_no_connection_is_said_before_anything_is_sent(capi: Capi, missing: dict[str, None]):
    with pytest.raises(SettingsMissing, match="nothing was sent") as caught:
        sent(capi, event(), settings=conversions_settings(**missing))
    assert not caught.value.may_have_happened
    assert capi.requests == []


@pytest.mark.parametrize("failure", [*LOST, *NOT_DONE])
def test_a01_request_without_a_usable_answer_goes_out_again_byte_for_byte(capi: Capi, failure: str):
    made = {**LOST, **NOT_DONE}[failure]
    capi.script = [made(), made(), success()]
    sent(capi, event(1), event(2))
    assert len(capi.bodies) == 3
    assert len(set(capi.bodies)) == 1


@pytest.mark.parametrize("failure", LOST)
def test_a01_after_four_tries_the_outcome_is_said_to_be_open(capi: Capi, failure: str):
    capi.script = [LOST[failure]() for _ in range(9)]
    with pytest.raises(SpotifyUnavailable) as caught:
        sent(capi, event())
    assert len(capi.requests) == 4
    assert caught.value.may_have_happened


@pytest.mark.parametrize("failure", NOT_DONE)
def test_request_that_never_arrived_surely_did_not_happen(capi: Capi, failure: str):
    capi.script = [NOT_DONE[failure]() for _ in range(9)]
    with pytest.raises((SpotifyUnavailable, RateLimited)) as caught:
        sent(capi, event())
    assert len(capi.requests) == 4
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("then", [*NOT_DONE, "400", "401"])
def test_a01_lost_answer_is_not_forgotten_by_what_comes_after_it(capi: Capi, then: str):
    made = {**NOT_DONE, "400": lambda: httpx.Response(400), "401": lambda: httpx.Response(401)}[then]
    capi.script = [httpx.ReadError("x"), *(made() for _ in range(9))]
    with pytest.raises(SpotifyError) as caught:
        sent(capi, event())
    assert caught.value.may_have_happened


@pytest.mark.parametrize("failure", LOST)
def test_once_only_is_never_sent_again_after_it_may_have_arrived(capi: Capi, failure: str):
    capi.script = [LOST[failure](), success()]
    with pytest.raises(SpotifyUnavailable) as caught:
        sent(capi, event(), guarantee_once=True)
    assert caught.value.may_have_happened
    assert len(capi.requests) == 1


@pytest.mark.parametrize("failure", NOT_DONE)
def test_once_only_is_sent_again_while_it_surely_did_not_arrive(capi: Capi, failure: str):
    capi.script = [NOT_DONE[failure](), NOT_DONE[failure](), success()]
    sent(capi, event(), guarantee_once=True)
    assert len(capi.requests) == 3


REFUSALS = {
    400: InvalidRequest,
    413: InvalidRequest,
    422: InvalidRequest,
    401: CapiTokenRefused,
    403: PermissionDenied,
    404: NotFound,
    302: UnexpectedResponse,
    307: UnexpectedResponse,
    308: UnexpectedResponse,
    405: UnexpectedResponse,
    409: UnexpectedResponse,
    411: UnexpectedResponse,
    415: UnexpectedResponse,
    431: UnexpectedResponse,
    501: SpotifyUnavailable,
}


@pytest.mark.parametrize("status", REFUSALS)
def test_a04_refusal_is_not_repeated_and_says_whether_an_event_may_be_at_fault(capi: Capi, status: int):
    capi.script = [httpx.Response(status, headers={"Location": "https://example.com/"}), success()]
    with pytest.raises(SpotifyError) as caught:
        sent(capi, event())
    assert type(caught.value) is REFUSALS[status]
    assert caught.value.status == status
    # A refusal without a word does not say that no event was taken.
    assert caught.value.may_have_happened == (status < 400 or status in (400, 422) or status >= 500)
    assert len(capi.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "taken"),
    [
        (400, {"message": "INVALID_ARGUMENT", "errors": [{"index": 0, "field": "event_name"}]}, "may be"),
        (422, {"message": "1 event failed"}, "may be"),
        (400, {"message": "Partial failure", "num_failed": 1}, "may be"),
        (400, {"message": "failed", "num_failed": True}, "may be"),
        (400, {"events_received": 1, "num_failed": 1}, "may be"),
        (400, {"events_received": "none"}, "may be"),
        (400, {"message": "Not all events were rejected"}, "may be"),
        (400, {"message": "INVALID_ARGUMENT", "events_received": 0}, "none"),
        (400, {"num_failed": 2}, "none"),
        (400, {"message": "No events were accepted"}, "none"),
        (400, {"message": "INVALID_ARGUMENT", "errors": ["All events rejected"]}, "none"),
        (413, {}, "none"),
    ],
)
def test_a18_a_refusal_says_that_none_of_its_events_was_taken_or_they_may_have_been(
    capi: Capi, status: int, body: dict[str, Any], taken: str
) -> None:
    capi.script = [httpx.Response(status, json=body)]
    with pytest.raises(InvalidRequest) as caught:
        sent(capi, event(), event())
    assert caught.value.may_have_happened == (taken == "may be")


def test_a04_refused_token_names_its_variable_and_how_to_make_one(capi: Capi):
    capi.script = [httpx.Response(401)]
    with pytest.raises(CapiTokenRefused) as caught:
        sent(capi, event(), settings=conversions_settings(names={"capi_token": "SHOP_TOKEN"}))
    assert "SHOP_TOKEN" in str(caught.value)
    assert "spotify-pipeline conversions create-token" in str(caught.value)


def test_a04_forbidden_says_that_the_token_may_be_another_connection_s(capi: Capi):
    capi.script = [httpx.Response(403)]
    with pytest.raises(PermissionDenied) as caught:
        sent(capi, event())
    assert "SPOTIFY_CAPI_TOKEN belongs to another connection" in str(caught.value)
    assert "AD_ACCOUNT_ADMIN" not in str(caught.value)


def test_429_pauses_everybody_who_sends_to_the_connection(capi: Capi):
    capi.script = [httpx.Response(429, headers={"Retry-After": "20"}), success(), success()]
    with capi.open() as first, capi.open() as second:
        began = capi.clock.now
        first.send([event(1)])
        assert capi.clock.now - began == pytest.approx(20.5)
        capi.script = [httpx.Response(429, headers={"Retry-After": "20"}) for _ in range(4)]
        with pytest.raises(RateLimited) as caught:
            first.send([event(2)])
        assert caught.value.retry_after == 20
        paused_at = capi.clock.now
        capi.script = [success()]
        second.send([event(3)])
    assert capi.clock.now - paused_at == pytest.approx(20.5)


def test_patience_ends_the_wait_and_nothing_was_sent(capi: Capi):
    capi.script = [httpx.Response(429, headers={"Retry-After": "60"})]
    with capi.open(max_wait=30) as client, pytest.raises(RateLimited) as caught:
        client.send([event()])
    assert not caught.value.may_have_happened
    assert len(capi.requests) == 1


def test_connections_have_budgets_of_their_own_that_processes_share(capi: Capi):
    for connection in (CONNECTION, CONNECTION, "3fd920ed-a111-43d4-bee2-74d078c479a5"):
        capi.script = [success()]
        sent(capi, event(), settings=conversions_settings(connection_id=connection), rate_limiter=None)
    files = list((capi.home / "rate").iterdir())
    assert len(files) == 2
    assert not [path for path in files if CONNECTION in path.name]


def test_each_call_is_told_with_a_route_and_without_an_address(capi: Capi):
    records: list[CallRecord] = []
    capi.script = [httpx.Response(503), success()]
    sent(capi, event(), observer=records.append)
    assert [(each.service, each.method, each.route, each.status, each.attempt) for each in records] == [
        ("capi", "POST", "/capi-direct/events/", 503, 1),
        ("capi", "POST", "/capi-direct/events/", 200, 2),
    ]


def test_over_a_real_connection_the_slash_at_the_end_stays_and_a_redirect_is_not_followed(capi: Capi):
    seen: list[Seen] = []

    def respond(request: Seen) -> tuple[int, dict[str, str], bytes]:
        seen.append(request)
        if request.path == "/capi-direct/events/":
            return 200, {}, b'{"message":"SUCCESS"}'
        return 308, {"Location": "/capi-direct/events/"}, b""

    with loopback_server(respond) as address:
        slash, bare = f"{address}/capi-direct/events/", f"{address}/capi-direct/events"
        sent(capi, event(), settings=conversions_settings(capi_url=slash), transport=None)
        with pytest.raises(UnexpectedResponse, match="ends with a slash"):
            sent(capi, event(), settings=conversions_settings(capi_url=bare), transport=None)
    assert [each.path for each in seen] == ["/capi-direct/events/", "/capi-direct/events"]
    assert seen[0].body == request_content(CONNECTION, [event()])
    assert seen[0].headers["content-length"] == str(len(seen[0].body))


def test_a_megabyte_goes_out_in_one_request(capi: Capi):
    bodies = [event(number, event_details={"content_name": "x" * 8_000}) for number in range(110)]
    seen: list[int] = []

    def respond(request: Seen) -> tuple[int, dict[str, str], bytes]:
        seen.append(len(json.loads(request.body)["conversion_events"]["events"]))
        return 200, {}, b'{"message":"SUCCESS"}'

    with loopback_server(respond) as address:
        sent(capi, *bodies, settings=conversions_settings(capi_url=f"{address}/"), transport=None)
    assert seen == [110]
