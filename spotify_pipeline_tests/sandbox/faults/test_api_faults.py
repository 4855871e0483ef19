"""Faults of the Ads API, as a client sees them, and what was carried out."""

from __future__ import annotations

import zlib

import httpx
import pytest

from spotify_pipeline.sandbox import DEFAULTS, named_fault, read_fault
from spotify_pipeline_tests.sandbox.scripting import scripted
from spotify_pipeline_tests.sandbox.visitor import ADS, AUDIENCES, Visitor, email_list, error_code

NOT_THERE = f"{AUDIENCES}/9f6b2d30-0000-4000-8000-00000000abcd"
MEBIBYTE = 1 << 20


def names(visitor: Visitor) -> list[str]:
    return [audience["name"] for audience in visitor.http.get("/sandbox/audiences").json()["audiences"]]


def page(visitor: Visitor, offset: int, limit: int = 2) -> dict:
    query = {"offset": offset, "limit": limit, "sort_field": "NAME", "sort_direction": "ASC"}
    answer = visitor.ads("GET", AUDIENCES, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(visitor: Visitor, offset: int, limit: int = 2) -> list[str]:
    return [audience["name"] for audience in page(visitor, offset, limit)["audiences"]]


def five_audiences(visitor: Visitor) -> None:
    for name in "ABCDE":
        visitor.audience_of(email_list(3), name=f"List {name}")


@pytest.mark.parametrize("status", [400, 403, 409, 418, 500, 502, 503, 504])
@pytest.mark.parametrize("operation", ["*", "list_audiences"])
def test_r05_any_operation_can_be_refused_with_any_status(visitor: Visitor, operation: str, status: int) -> None:
    with scripted(visitor, "refused", operation=operation, status=status):
        answer = visitor.ads("GET", AUDIENCES)
    assert (answer.status_code, error_code(answer)) == (status, f"SCRIPTED.{status}")


def test_c03_created_or_not_though_the_answer_is_500(visitor: Visitor) -> None:
    audience_id = visitor.upload(email_list(3))
    with scripted(visitor, "refused", operation="create_audience"):
        assert visitor.create(audience_id).status_code == 500
    assert names(visitor) == []
    with scripted(visitor, "carried_out_but_error"):
        assert visitor.create(audience_id, name="There").status_code == 500
    assert names(visitor) == ["There"]


@pytest.mark.parametrize("how", ["reset", "close"])
def test_c02_created_but_the_answer_is_lost(visitor: Visitor, how: str) -> None:
    audience_id = visitor.upload(email_list(3))
    with scripted(visitor, "answer_lost", how=how), pytest.raises(httpx.TransportError):
        visitor.create(audience_id, name="There")
    assert names(visitor) == ["There"]
    logged = visitor.server.state.requests.after(0)[-2]
    assert (logged["operation"], logged["status"], logged["fault"]) == ("create_audience", None, "answer_lost")


@pytest.mark.parametrize("how", ["reset", "close"])
def test_r05_the_connection_is_lost_and_nothing_is_carried_out(visitor: Visitor, how: str) -> None:
    audience_id = visitor.upload(email_list(3))
    with scripted(visitor, "connection_lost", how=how), pytest.raises(httpx.TransportError):
        visitor.create(audience_id)
    assert names(visitor) == []


def test_c04_created_with_a_garbled_body(visitor: Visitor) -> None:
    audience_id = visitor.upload(email_list(3))
    with scripted(visitor, "created_with_broken_body"):
        answer = visitor.create(audience_id, name="There")
    assert answer.status_code == 201
    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()
    assert names(visitor) == ["There"]


def test_c04_created_with_a_truncated_body(visitor: Visitor) -> None:
    audience_id = visitor.upload(email_list(3))
    with (
        scripted(visitor, "created_with_broken_body", truncated=True),
        pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"),
    ):
        visitor.create(audience_id, name="There")
    assert names(visitor) == ["There"]


def test_c02_an_audience_is_visible_only_after_a_while(visitor: Visitor) -> None:
    old = visitor.audience_of(email_list(3), name="Old")
    with scripted(visitor, "not_visible_yet"), scripted(visitor, "not_listed_yet"):
        visitor.get(old)
        assert listed(visitor, 0) == ["Old"]
        new = visitor.audience_of(email_list(3), name="New")
        for _ in range(2):
            assert visitor.ads("GET", f"{AUDIENCES}/{new}").status_code == 404
            assert page(visitor, 0)["paging"]["total_results"] == 1
        assert visitor.get(new)["name"] == "New"
        assert listed(visitor, 0) == ["New", "Old"]


def test_o12_a_good_token_is_refused(visitor: Visitor) -> None:
    with scripted(visitor, "unauthorized"):
        answer = visitor.ads("GET", AUDIENCES)
    assert (answer.status_code, error_code(answer)) == (401, "SCRIPTED.401")
    with scripted(visitor, "unauthorized", empty=True):
        answer = visitor.ads("GET", AUDIENCES)
    assert (answer.status_code, answer.content) == (401, b"")
    assert visitor.ads("GET", AUDIENCES).status_code == 200


@pytest.mark.parametrize("reset", ["0", "-1", "1000000000", "abc", "12", None])
@pytest.mark.parametrize("retry_after", [None, "5", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_r03_too_many_requests(visitor: Visitor, reset: str | None, retry_after: str | None) -> None:
    with scripted(visitor, "too_many_requests", reset=reset, retry_after=retry_after):
        answer = visitor.ads("GET", AUDIENCES)
    assert answer.status_code == 429
    assert (answer.headers.get("x-ratelimit-reset"), answer.headers.get("retry-after")) == (reset, retry_after)


def test_error_codes_in_camel_case_until_the_faults_are_cleared(visitor: Visitor) -> None:
    with scripted(visitor, "error_codes_in_camel_case"):
        assert visitor.ads("GET", AUDIENCES).status_code == 200
        for _ in range(2):
            body = visitor.ads("GET", NOT_THERE).json()
            assert set(body) == {"sp_trace_id", "messages", "errorCodes"}
    visitor.server.state.faults.clear()
    assert error_code(visitor.ads("GET", NOT_THERE)) == "NOT_FOUND.AUDIENCE"


def test_error_codes_as_strings(visitor: Visitor) -> None:
    with scripted(visitor, "error_codes_as_strings"):
        assert visitor.ads("GET", NOT_THERE).json()["error_codes"] == ["NOT_FOUND.AUDIENCE"]


@pytest.mark.parametrize(
    ("name", "field", "word"),
    [("unknown_status", "status", "HIBERNATING"), ("unknown_subtype", "subtype", "DREAM_JOURNAL")],
)
def test_c15_words_that_no_document_knows(visitor: Visitor, name: str, field: str, word: str) -> None:
    """Wherever an audience is shown, and only there: a business has a status too."""
    audience_id = visitor.upload(email_list(3))
    with scripted(visitor, name):
        assert visitor.create(audience_id).json()[field] == word
        assert visitor.get(audience_id)[field] == word
        assert [one[field] for one in page(visitor, 0)["audiences"]] == [word]
        edit = {"name": "Renamed", "audience_type": "CUSTOM"}
        edited = visitor.ads("PATCH", f"{AUDIENCES}/{audience_id}", json=edit)
        assert edited.json()[field] == word
        assert visitor.ads("GET", f"{ADS}/businesses").json()["businesses"][0]["status"] == "ACTIVE"


def test_c15_a_word_in_lists_only(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(3))
    with scripted(visitor, "unknown_status", operation="list_audiences", value="DORMANT"):
        assert [one["status"] for one in page(visitor, 0)["audiences"]] == ["DORMANT"]
        assert visitor.get(audience_id)["status"] == "PROCESSING"


def test_c06_pages_that_overlap_by_one(visitor: Visitor) -> None:
    five_audiences(visitor)
    with scripted(visitor, "page_off_by_one"):
        pages = [listed(visitor, offset) for offset in (0, 2, 4)]
    assert pages == [["List A", "List B"], ["List B", "List C"], ["List D", "List E"]]


def test_c06_a_page_that_comes_twice(visitor: Visitor) -> None:
    five_audiences(visitor)
    with scripted(visitor, "page_repeated"):
        pages = [listed(visitor, offset) for offset in (0, 2, 4)]
    assert pages == [["List A", "List B"], ["List A", "List B"], ["List E"]]


def test_c06_a_total_that_grows(visitor: Visitor) -> None:
    five_audiences(visitor)
    with scripted(visitor, "total_grows", by=10):
        totals = [page(visitor, offset)["paging"]["total_results"] for offset in (0, 2, 4)]
    assert totals == [15, 25, 35]


def test_r10_more_than_a_client_should_read(visitor: Visitor) -> None:
    with scripted(visitor, "large_error"):
        answer = visitor.ads("GET", AUDIENCES)
    assert (answer.status_code, len(answer.content)) == (500, 5 * MEBIBYTE)
    with scripted(visitor, "large_header", bytes=90_000):
        answer = visitor.ads("GET", AUDIENCES)
    assert (answer.status_code, len(answer.headers["x-padding"])) == (500, 90_000)
    with scripted(visitor, "large_header"), pytest.raises(httpx.RemoteProtocolError):
        visitor.ads("GET", AUDIENCES)


def test_r10_a_gzip_bomb(visitor: Visitor) -> None:
    with (
        scripted(visitor, "gzip_bomb", mebibytes=30),
        visitor.http.stream("GET", AUDIENCES, headers=visitor.bearer) as answer,
    ):
        packed = b"".join(answer.iter_raw())
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert len(packed) < MEBIBYTE
    assert zlib.decompress(packed, wbits=31) == b" " * 30 * MEBIBYTE


def test_f25_an_answer_that_comes_late(visitor: Visitor) -> None:
    with scripted(visitor, "slow_answer", seconds=0.1):
        assert visitor.ads("GET", AUDIENCES).status_code == 200


def test_an_answer_can_be_altered_as_one_likes(visitor: Visitor) -> None:
    """No preset: an own fault with an own name."""
    alter = {"do": "alter", "headers": {"X-RateLimit-Remaining": "-3"}, "remove": ["x-ratelimit-limit"]}
    fault = {"name": "odd limit", "operation": "list_audiences", "on_status": 200, "after": [alter]}
    visitor.server.state.faults.script(read_fault(fault))
    answer = visitor.ads("GET", AUDIENCES)
    assert answer.headers["x-ratelimit-remaining"] == "-3"
    assert "x-ratelimit-limit" not in answer.headers
    assert visitor.server.state.requests.after(0)[-1]["fault"] == "odd limit"


def test_c20_an_operation_is_carried_out_and_answered_for_another(visitor: Visitor) -> None:
    other = visitor.audience_of(email_list(3), name="Other")
    ours = visitor.audience_of(email_list(3), name="Ours")
    path = f"{AUDIENCES}/{ours}"
    with scripted(visitor, "answers_for_another", operation="edit_audience"):
        answer = visitor.ads("PATCH", path, json={"audience_type": "CUSTOM", "name": "Edited"})
    assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (200, other, "Other")
    assert visitor.get(ours)["name"] == "Edited"
    with scripted(visitor, "answers_for_another", id=ours, operation="replacement_upload_url"):
        assert visitor.ads("POST", f"{AUDIENCES}/upload_url/{other}").json()["id"] == ours
    with scripted(visitor, "answers_for_another"):
        assert visitor.ads("DELETE", path).json()["id"] == other
    assert visitor.ads("GET", path).status_code == 404


def test_c20_an_answer_that_could_be_about_nothing_else_is_left_alone(visitor: Visitor) -> None:
    faults = visitor.server.state.faults
    faults.script(named_fault("answers_for_another"))
    path = f"{ADS}/businesses/{DEFAULTS.business_id}"
    assert visitor.ads("GET", path).json()["id"] == DEFAULTS.business_id
    assert [report.consumed for report in faults.unconsumed()] == [0]
