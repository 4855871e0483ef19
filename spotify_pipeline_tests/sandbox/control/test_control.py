"""The sandbox's own endpoints: what tests and the demo lean on."""

from __future__ import annotations

import hashlib

import pytest

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, START, Visitor, digest, email_list


def test_the_clock_moves_forward_only(visitor: Visitor) -> None:
    before = visitor.http.get("/sandbox/clock").json()
    assert before["offset_seconds"] == 0
    after = visitor.http.post("/sandbox/clock", json={"advance_seconds": 86_400}).json()
    assert after["offset_seconds"] == 86_400
    assert after["now"] > before["now"]
    for nonsense in (-1, "1", True, None, 1e12):
        answer = visitor.http.post("/sandbox/clock", json={"advance_seconds": nonsense})
        assert answer.status_code == 400
        assert "advance_seconds" in answer.json()["error"]
    assert visitor.http.get("/sandbox/clock").json()["offset_seconds"] == 86_400


def test_an_audience_is_shown_with_what_its_list_held(visitor: Visitor) -> None:
    content = f"EMAIL_ID_SHA256,PHONE_NUMBER_SHA256\n{digest('a')},\n{digest('b')},{digest('c')}\nx@example.com,\n"
    audience_id = visitor.audience_of(content.encode(), name="Small")
    shown = visitor.inside(audience_id)
    received = shown["list"]
    assert (shown["name"], shown["status"], shown["times_replaced"]) == ("Small", "PROCESSING", 0)
    assert (received["layout"], received["list_format"], received["outcome"]) == ("wide", "strict", "processing")
    assert (received["rows"], received["usable_rows"]) == (3, 2)
    assert received["digests"] == {"EMAIL_ID_SHA256": 2, "PHONE_NUMBER_SHA256": 1, "DEVICE_ID_SHA256": 0}
    assert received["sha256"] == hashlib.sha256(content.encode()).hexdigest()
    assert received["bytes"] == len(content)
    assert [problem["kind"] for problem in received["problems"]] == ["raw_identifier", "too_few_rows"]
    assert "example.com" not in visitor.http.get("/sandbox/audiences").text


def test_the_bytes_that_arrived_can_be_read_back(visitor: Visitor) -> None:
    content = email_list(1_500)
    audience_id = visitor.audience_of(content)
    assert visitor.http.get(f"/sandbox/audiences/{audience_id}/list").content == content
    visitor.upload(email_list(3), audience_id)
    assert visitor.http.get(f"/sandbox/audiences/{audience_id}/list").content == email_list(3)


def test_the_list_format_can_be_switched_for_lists_to_come(visitor: Visitor) -> None:
    rows = "".join(f"EMAIL_ID_SHA256,{digest(str(number))}\n" for number in range(1_000))
    content = f"type,value\n{rows}".encode()
    strict = visitor.audience_of(content)
    assert visitor.inside(strict)["list"]["refusal"]

    assert visitor.http.post("/sandbox/list_format", json={"list_format": "lenient"}).status_code == 200
    lenient = visitor.audience_of(content)
    visitor.inside(lenient)
    assert visitor.http.post("/sandbox/list_format", json={"list_format": "strict"}).status_code == 200
    assert visitor.http.post("/sandbox/list_format", json={"list_format": "any"}).status_code == 400

    visitor.advance(6 * 3600)
    assert visitor.get(strict)["status"] == "EMPTY"
    assert visitor.get(lenient)["status"] == "BOOKABLE"
    assert visitor.inside(lenient)["list"]["layout"] == "long"


def test_u24_requests_are_recorded_without_any_secret(visitor: Visitor) -> None:
    last = visitor.http.get("/sandbox/requests").json()["requests"][-1]["number"]
    content = email_list(20)
    ticket = visitor.ticket()
    session = visitor.session(ticket["upload_url"])
    visitor.http.put(session, content=content)
    visitor.create(ticket["id"], name="Recorded name")
    visitor.http.get("/nowhere")

    answer = visitor.http.get("/sandbox/requests", params={"after": last + 1})

    seen = [(one["operation"], one["method"], one["status"]) for one in answer.json()["requests"]]
    assert seen == [
        ("new_upload_url", "POST", 200),
        ("start_upload", "POST", 201),
        ("put_upload", "PUT", 200),
        ("create_audience", "POST", 201),
        ("unknown", "GET", 404),
    ]
    start, put, create = answer.json()["requests"][1:4]
    assert put["body_bytes"] == len(content)
    assert start["body_bytes"] == 0
    assert "authorization" not in start["header_names"]
    assert "authorization" in create["header_names"]
    assert create["route"] == "/ads/v3/ad_accounts/{ad_account_id}/audiences"
    upload_id = session.partition("upload_id=")[2]
    for secret in (upload_id, visitor.bearer["Authorization"], ticket["id"], "Recorded", "Signature="):
        assert secret not in answer.text


def test_resetting_forgets_everything_and_the_seeded_token_works_again(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(10))
    pending = visitor.session(visitor.ticket()["upload_url"])
    visitor.http.post("/sandbox/clock", json={"advance_seconds": 100})
    visitor.http.post("/sandbox/terms", json={"accepted": False})

    assert visitor.http.delete("/sandbox").status_code == 204

    assert visitor.refresh(visitor.refresh_token).status_code == 400
    visitor.start_over()
    assert visitor.ads("GET", AUDIENCES).json()["audiences"] == []
    assert visitor.ads("GET", f"{AUDIENCES}/{audience_id}").status_code == 404
    assert visitor.http.put(pending, content=b"x").status_code == 404
    assert visitor.http.get("/sandbox/clock").json()["offset_seconds"] == 0
    state = visitor.server.state
    assert [*state.lists_directory.iterdir(), *state.sessions_directory.iterdir()] == []


def test_old_signed_urls_do_not_survive_a_reset(visitor: Visitor) -> None:
    url = visitor.ticket()["upload_url"]
    visitor.http.delete("/sandbox")
    assert visitor.http.post(url, headers=START).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/terms", {"accepted": "yes"}),
        ("/sandbox/roles", {"ad_account_id": DEFAULTS.ad_account_id, "role": "KING"}),
        ("/sandbox/clock", [1]),
    ],
)
def test_nonsense_is_refused_with_what_is_expected(visitor: Visitor, path: str, body: object) -> None:
    answer = visitor.http.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_unknown_things_are_404(visitor: Visitor) -> None:
    role = {"ad_account_id": "nobody's", "role": "AD_ACCOUNT_VIEWER"}
    assert visitor.http.post("/sandbox/roles", json=role).status_code == 404
    assert visitor.http.post("/sandbox/audiences/none/status", json={"status": "LIVE"}).status_code == 404
    assert visitor.http.get("/sandbox/audiences/none/list").status_code == 404
    assert visitor.http.get("/sandbox/requests", params={"after": "x"}).status_code == 400
