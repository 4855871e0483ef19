"""The host that takes conversion events: who may send, what it refuses, and that it does so whole or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig
from spotify_pipeline_tests.sandbox.visitor import CAPI, EVENTS, Visitor, conversion, digest, visiting

HEADERS = {"Authorization": f"Bearer {DEFAULTS.capi_token}"}
OTHER = "9f6b2d30-0000-4000-8000-00000000abcd"
NOBODY = {"received": 0, "distinct": 0, "repeated": 0}


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def test_success_is_exactly_what_is_known_of_spotifys(visitor: Visitor) -> None:
    answer = visitor.capi([conversion(), conversion("order-2")])
    assert (answer.status_code, answer.json()) == (200, {"message": "SUCCESS"})
    assert visitor.counted() == {"received": 2, "distinct": 2, "repeated": 0}


FULL = {
    "user_data": {
        "hashed_emails": [digest("a"), digest("b")],
        "hashed_phone_number": digest("c"),
        "device_id": "6b2d3000-0000-4000-8000-00000000abcd",
        "ip_address": "203.0.113.12",
    },
    "event_details": {"currency": "SEK", "amount": 99.5, "content_category": "2271", "content_name": "Boots"},
    "event_source_url": "https://shop.example.com/thanks?order=1",
    "action_source": "WEB",
    "opt_out_targeting": True,
}


@pytest.mark.parametrize(
    "event",
    [
        conversion(**FULL),
        conversion(user_data={"hashed_phone_number": digest("c")}),
        conversion(user_data={"device_id": "anything raw"}),
        conversion(user_data={"ip_address": "2001:db8::1"}),
        conversion(user_data={"hashed_emails": [], "ip_address": "203.0.113.12"}),
        *(conversion(event_name=name) for name in ("ALIAS", "CHECK_OUT", "CUSTOM_EVENT_5")),
        *(conversion(event_time=time) for time in ("2020-02-29T00:00:00Z", "2026-01-01T01:00:00.123456+02:00")),
        conversion(event_details={"amount": 0}),
        conversion(event_details={}),
        conversion(action_source="OFFLINE", event_source_url="http://example.com"),
    ],
)
def test_what_is_taken(visitor: Visitor, event: object) -> None:
    answer = visitor.capi([event])
    assert (answer.status_code, answer.text) == (200, '{"message":"SUCCESS"}')


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("event", "a text"),
        ("event", {**conversion(), "user_agent": "x"}),
        *(("event_name", conversion(event_name=name)) for name in (None, "purchase", "CHECKOUT", 1, ["VIEW"])),
        *(("event_id", conversion(id_)) for id_ in ("", "  ", "a\x00b", "a\nb")),
        *(("event_id", {**conversion(), "event_id": id_}) for id_ in (None, 17)),
        *(
            ("event_time", conversion(event_time=time))
            for time in (
                *(None, "", 1767225600, "1767225600000", "2026-01-23", "2026-01-23T12:34:56", "2026-01-23 12:34:56Z"),
                *("2016-12-31T23:59:60Z", "2026-02-30T00:00:00Z", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"),
            )
        ),
        *(("user_data", conversion(user_data=data)) for data in (None, {}, [], {"hashed_emails": []}, {"x": "y"})),
        *(
            ("hashed_emails", conversion(user_data={"hashed_emails": emails}))
            for emails in (digest("a"), ["person@example.com"], [digest("a").upper()], [digest("a")[1:]], [None], None)
        ),
        ("hashed_phone_number", conversion(user_data={"hashed_phone_number": [digest("a")]})),
        ("hashed_phone_number", conversion(user_data={"hashed_phone_number": "+447700900123"})),
        *(("device_id", conversion(user_data={"device_id": id_})) for id_ in ("", " ", 7, digest("a"))),
        *(
            ("ip_address", conversion(user_data={"ip_address": address}))
            for address in ("", "203.0.113", "256.0.0.1", "host.example.com", 3405803788, None)
        ),
        ("event_details", conversion(event_details=[])),
        ("event_details", conversion(event_details={"colour": "red"})),
        *(("amount", conversion(event_details={"amount": amount})) for amount in ("100", -1, True, [1], 10**400)),
        *(("currency", conversion(event_details={"currency": code})) for code in ("kr", "usd", 752)),
        *(
            ("content_category", conversion(event_details={"content_category": category}))
            for category in ("Boots", 35, "", "012")
        ),
        ("content_name", conversion(event_details={"content_name": 1})),
        *(("event_source_url", conversion(event_source_url=url)) for url in ("ftp://example.com", "example.com", 1)),
        ("event_source_url", conversion(event_source_url="https://")),
        *(("action_source", conversion(action_source=source)) for source in ("web", "STORE", 1, ["WEB"])),
        *(("opt_out_targeting", conversion(opt_out_targeting=value)) for value in ("true", 0)),
    ],
)
def test_a03_a06_a12_one_event_at_fault_refuses_the_request(visitor: Visitor, field: str, event: object) -> None:
    """Also what a client may read as None: a null is no value of any field."""
    answer = visitor.capi([conversion("good-1"), event, conversion("good-2")])
    assert answer.status_code == 400
    body = answer.json()
    assert (body["message"], [(one["index"], one["field"]) for one in body["errors"]]) == (
        "INVALID_ARGUMENT",
        [(1, field)],
    )
    assert visitor.counted() == NOBODY


def test_a06_a_clock_may_be_five_minutes_ahead(visitor: Visitor) -> None:
    assert visitor.capi([conversion("1", event_time=in_seconds(240))]).status_code == 200
    assert visitor.capi([conversion("2", event_time=in_seconds(360))]).status_code == 400


def test_half_a_character_in_an_id_is_refused(visitor: Visitor) -> None:
    event = json.dumps(conversion("a\ud800"))
    body = f'{{"conversion_events": {{"capi_connection_id": "{DEFAULTS.capi_connection_id}", "events": [{event}]}}}}'
    answer = visitor.http.post(EVENTS, content=body, headers={**HEADERS, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "event_id")


@pytest.mark.parametrize("name", ["event_source_url", "action_source", "opt_out_targeting", "event_details"])
def test_a_null_is_no_value(visitor: Visitor, name: str) -> None:
    assert visitor.capi([{**conversion(), name: None}]).status_code == 400


def test_every_event_at_fault_is_named_and_no_value_is_repeated(visitor: Visitor) -> None:
    secret = "person@example.com"
    bad = conversion(secret, user_data={"hashed_emails": [secret]}, event_name=secret)
    answer = visitor.capi([bad, conversion(), conversion(event_details={"content_category": secret})])
    assert [one["index"] for one in answer.json()["errors"]] == [0, 2]
    assert secret not in answer.text


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"{}", b'{"conversion_events": []}', b'{"capi_connection_id": "x", "events": []}'),
        b'{"conversion_events": {"capi_connection_id": "%s"}}' % DEFAULTS.capi_connection_id.encode(),
        b'{"conversion_events": {"capi_connection_id": "%s", "events": {}}}' % DEFAULTS.capi_connection_id.encode(),
        b'{"conversion_events": {"capi_connection_id": "%s", "events": []}}' % DEFAULTS.capi_connection_id.encode(),
        b'{"conversion_events": {"events": [1]}}',
        b'{"conversion_events": {"capi_connection_id": 1, "events": [1], "test": true}}',
        b'{"conversion_events": NaN}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_envelope_is_400(visitor: Visitor, content: bytes) -> None:
    answer = visitor.http.post(EVENTS, content=content, headers={**HEADERS, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["message"]) == (400, "INVALID_ARGUMENT")


def test_only_json_on_the_path_with_the_slash(visitor: Visitor) -> None:
    assert visitor.http.post(EVENTS, content=b"{}", headers=HEADERS).status_code == 400
    for path in (EVENTS.rstrip("/"), EVENTS + "more"):
        answer = visitor.http.post(path, json={}, headers=HEADERS)
        assert (answer.status_code, answer.json()) == (404, {"message": "NOT_FOUND"})
    assert visitor.http.get(EVENTS, headers=HEADERS).status_code == 405


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {DEFAULTS.capi_token}"])
def test_a04_without_a_good_token_401(visitor: Visitor, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = visitor.http.post(EVENTS, json={"conversion_events": {"events": [conversion()]}}, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "UNAUTHENTICATED"})
    assert visitor.http.post(EVENTS, json={}, headers=visitor.bearer).status_code == 401  # the Ads API's is another


def test_a04_another_connection_403_and_a_deleted_token_401(visitor: Visitor) -> None:
    made = visitor.ads("POST", CAPI, json={"name": "Second"}).json()["capi_connection_id"]
    token = visitor.ads("POST", f"{CAPI}/{made}/tokens").json()["data"]
    secret = token["capi_auth_token"]
    assert visitor.capi([conversion()], token=secret, capi_connection_id=made).status_code == 200
    for id_ in (DEFAULTS.capi_connection_id, OTHER, "x"):
        answer = visitor.capi([conversion()], token=secret, capi_connection_id=id_)
        assert (answer.status_code, answer.json()) == (403, {"message": "PERMISSION_DENIED"})
    visitor.ads("DELETE", f"{CAPI}/{made}/tokens/{token['capi_auth_token_id']}")
    assert visitor.capi([conversion()], token=secret, capi_connection_id=made).status_code == 401
    assert visitor.counted()["received"] == 1


def test_a03_limits_can_be_set() -> None:
    config = SandboxConfig(
        events_per_request=3,
        event_request_bytes=2_000,
        maximum_event_age_seconds=3_600,
        event_requests_per_window=10,
        errors_name_events=False,
    )
    with visiting(config) as visitor:
        fresh = [conversion(str(number), event_time=in_seconds(-60)) for number in range(4)]
        assert visitor.capi(fresh[:3]).status_code == 200
        assert visitor.capi(fresh).json()["errors"][0]["field"] == "events"
        long = conversion("5", event_time=in_seconds(-60), event_details={"content_name": "x" * 2_000})
        assert (visitor.capi([long]).status_code, visitor.capi([long]).json()["message"]) == (413, "PAYLOAD_TOO_LARGE")
        late = visitor.capi([fresh[3], conversion("late", event_time=in_seconds(-3_700))])
        assert (late.status_code, late.json()) == (400, {"message": "INVALID_ARGUMENT"})
        assert visitor.counted()["distinct"] == 3
        answers = [visitor.capi(fresh[:1]) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert answers[-1].json() == {"message": "RESOURCE_EXHAUSTED"}
        assert answers[-1].headers["x-ratelimit-remaining"] == "0"
        assert 1 <= int(answers[-1].headers["x-ratelimit-reset"]) <= 30
        assert visitor.ads("GET", CAPI.removesuffix("/capi")).status_code == 200  # a limit of its own


def test_a02_poison_refuses_every_request_that_holds_it(visitor: Visitor) -> None:
    named = conversion("2", event_details={"content_name": "Bad boots"})
    poison = {"event_ids": ["1"], "content_names": ["Bad boots"]}
    assert visitor.http.post("/sandbox/poison", json=poison).json() == poison
    assert visitor.http.get("/sandbox/poison").json() == poison
    answer = visitor.capi([conversion("0"), conversion("1"), named])
    assert [(one["index"], one["field"]) for one in answer.json()["errors"]] == [(1, "event_id"), (2, "content_name")]
    assert visitor.counted() == NOBODY
    assert visitor.capi([conversion("0")]).status_code == 200
    assert visitor.http.post("/sandbox/poison", json={}).status_code == 200
    assert visitor.capi([conversion("1"), named]).status_code == 200
    for nonsense in ([], {"ids": []}, {"event_ids": "1"}, {"event_ids": [1]}):
        assert visitor.http.post("/sandbox/poison", json=nonsense).status_code == 400
