"""Which answers say that Spotify took the events of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spotify_pipeline.spotify.capi.accepted_responses import CONTRACT, AcceptedResponse, accepts_all
from spotify_pipeline.spotify.capi.error_mapping import SentBatch, batch_error
from spotify_pipeline.spotify.errors import InvalidRequest, SpotifyError, UnknownSuccess
from spotify_pipeline.spotify.transport import Response

SENT = 3
PARTS = {"index": 1, "field": "event_name", "reason": "INVALID"}


def error_of(status: int, body: bytes, *accepted: str) -> SpotifyError | None:
    known = tuple(map(AcceptedResponse.parse, accepted or (CONTRACT,)))
    sent = SentBatch(events=SENT, token_variable="SPOTIFY_CAPI_TOKEN", trace_id=None, now=0, accepted=known)
    return batch_error(Response(status, {}, body), sent)


@pytest.mark.parametrize(
    "body", [b'{"message":"SUCCESS"}', b'{"message": "SUCCESS"}\n', b' { "message" : "\\u0053UCCESS" } ']
)
def test_a21_what_the_contract_calls_a_success_is_one(body: bytes):
    assert error_of(200, body) is None
    assert accepts_all(Response(200, {}, body), SENT)


UNKNOWN: list[Any] = [
    {},
    [],
    None,
    True,
    1,
    "SUCCESS",
    ["SUCCESS"],
    [{"message": "SUCCESS"}],
    {"message": "success"},
    {"message": "Success"},
    {"message": "SUCCESS "},
    {"message": "OK"},
    {"message": ""},
    {"message": None},
    {"message": True},
    {"message": ["SUCCESS"]},
    {"message": {"message": "SUCCESS"}},
    {"message": "SUCCESS", "code": 400},
    {"message": "SUCCESS", "events_received": SENT},
    {"message": "SUCCESS", "events_received": 0},
    {"message": "SUCCESS", "error": None},
    {"message": "SUCCESS", "errors": []},
    {"message": "SUCCESS", "errors": ["event_name"]},
    {"message": "SUCCESS", "errors": {"1": "event_name"}},
    {"message": "SUCCESS", "errors": [{"index": SENT}]},
    {"message": "SUCCESS", "errors": [{"index": -1}]},
    {"message": "SUCCESS", "errors": [{"index": "1"}]},
    {"message": "SUCCESS", "errors": [PARTS, {"field": "event_id"}]},
    {"message": "SUCCESS", "failed_events": 2},
    {"message": "SUCCESS", "rejectedEvents": ["x"]},
    {"Message": "SUCCESS"},
    {"messages": ["SUCCESS"]},
    {"status": "SUCCESS"},
    {"result": {"message": "SUCCESS"}},
    {"message": "PARTIAL_SUCCESS"},
    {"message": "UNAVAILABLE"},
    {"message": "FAILED"},
    {"message": "Not accepted"},
    {"message": "INVALID_ARGUMENT"},
    {"events_received": 0},
    {"events_received": SENT},
    {"events_received": SENT - 1},
    {"success": "false"},
    {"success": False},
    {"success": True},
    {"ok": False},
    {"ok": True},
    {"code": 400},
    {"code": 200},
    {"num_failed": 2},
    {"num_failed": 0},
    {"error": "x"},
    {"error_codes": [{"code": "X"}]},
    {"sp_trace_id": "abc", "message": "SUCCESS"},
]
RAW = [
    b"",
    b" ",
    b"SUCCESS",
    b'"SUCCESS"',
    b"OK",
    b"Success",
    b"<html>Success</html>",
    b'{"message":"FAILED","message":"SUCCESS"}',
    b'{"message":"SUCCESS","message":"SUCCESS"}',
    b'{"message":"SUCCESS"}{"message":"FAILED"}',
    b'{"message":"SUCCESS"',
    b'{"message":"SUCCESS"}x',
    b"{'message':'SUCCESS'}",
    b'\xef\xbb\xbf{"message":"SUCCESS"}',
    '{"message":"SUCCESS"}'.encode("utf-16"),
    b'{"message":"SUCCESS\xff"}',
    b'{"message":NaN}',
    b"[" * 100_000,
    b'{"message":"SUCCESS"}' + b" " * 20_000,
    b'{"message":"SUCCESS","padding":"' + b"x" * 2_000_000 + b'"}',
]


@pytest.mark.parametrize(
    "body",
    [*(json.dumps(each).encode() for each in UNKNOWN), *RAW],
    ids=lambda body: body[:40].decode("ascii", "replace"),
)
def test_a21_no_other_answer_is_one_whatever_it_says(body: bytes):
    error = error_of(200, body)
    assert isinstance(error, UnknownSuccess)
    assert error.may_have_happened
    assert error.shown.startswith("200 ")
    assert len(error.shown) < 600


@pytest.mark.parametrize("status", [100, 201, 202, 203, 204, 205, 206, 207, 226, 299, 301, 304, 400, 500])
def test_a21_another_status_is_no_success_even_with_the_words_of_one(status: int):
    error = error_of(status, b'{"message":"SUCCESS"}')
    assert isinstance(error, UnknownSuccess if 200 < status < 300 else SpotifyError)


def test_a21_refused_parts_are_named_by_places_of_the_request_and_nothing_else():
    for body in ({"errors": [PARTS]}, {"message": "SUCCESS", "errors": [PARTS, {**PARTS, "index": 0}]}):
        error = error_of(200, json.dumps(body).encode())
        assert isinstance(error, InvalidRequest)
        assert error.may_have_happened


STATED: list[tuple[str, list[tuple[int, Any]], list[tuple[int, Any]]]] = [
    ('202 {"ok": true}', [(202, {"ok": True})], [(200, {"ok": True}), (202, {"ok": 1}), (202, {"ok": "true"})]),
    (
        '200 {"events_received": "{events}", "trace": "{any}"}',
        [(200, {"events_received": SENT, "trace": "x"}), (200, {"trace": None, "events_received": SENT})],
        [
            (200, {"events_received": SENT - 1, "trace": "x"}),
            (200, {"events_received": float(SENT), "trace": "x"}),
            (200, {"events_received": "{events}", "trace": "x"}),
            (200, {"events_received": SENT}),
            (200, {"events_received": SENT, "trace": 1, "more": 1}),
            (200, {"message": "SUCCESS"}),
        ],
    ),
    (
        '200 {"results": [{"n": 1}, "{any}"]}',
        [(200, {"results": [{"n": 1}, []]})],
        [(200, {"results": [{"n": 1}]}), (200, {"results": {"n": 1}}), (200, {"results": [{"n": 1.0}, 2]})],
    ),
    ('200 {"note": {}, "x": 1}', [(200, {"note": {}, "x": 1})], [(200, {"note": {"a": 1}, "x": 1})]),
]


@pytest.mark.parametrize(("stated", "taken", "not_taken"), STATED)
def test_a21_which_answers_count_can_be_stated(
    stated: str, taken: list[tuple[int, object]], not_taken: list[tuple[int, object]]
):
    for status, body in taken:
        assert error_of(status, json.dumps(body).encode(), stated) is None
    for status, body in not_taken:
        assert isinstance(error_of(status, json.dumps(body).encode(), stated), UnknownSuccess)


@pytest.mark.parametrize(
    "stated",
    [
        "",
        "200",
        "200 SUCCESS",
        '200 "SUCCESS"',
        "200 []",
        "200 {}",
        '200 {"x": "{any}"}',
        '200 {"x": {}}',
        '400 {"message": "SUCCESS"}',
        '{"message": "SUCCESS"}',
        '200 {"a": 1, "a": 2}',
        '200 {"a": NaN}',
        '2xx {"a": 1}',
    ],
)
def test_a21_a_stated_answer_that_says_nothing_or_is_none_is_refused(stated: str):
    with pytest.raises(ValueError, match="status and its JSON"):
        AcceptedResponse.parse(stated)


def test_a21_an_unknown_answer_is_shown_without_anything_that_may_be_somebodys():
    body = {
        "events_received": 2,
        "success": "false",
        "numFailed": 1,
        "note": "Jane Roe",
        "jane.roe@example.com": 1,
        "phone": 12025550143,
        "errors": [{"message": "failed", "email": "jane.roe@example.com"}],
    }
    error = error_of(200, json.dumps(body).encode())
    assert isinstance(error, UnknownSuccess)
    assert error.shown == (
        '200 {"events_received": 2, "success": "false", "numFailed": 1, "...": 1, "phone": "...", "errors": '
        '[{"message": "failed", "email": "..."}]}'
    )
    assert error.shown in str(error)
