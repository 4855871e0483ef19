"""Faults of an upload under way, as a client sees them on the wire, and what the store holds afterwards."""

from __future__ import annotations

import httpx
import pytest

from spotify_pipeline.sandbox import named_fault
from spotify_pipeline.sandbox.faults import MALFORMED_RANGES
from spotify_pipeline_tests.sandbox.scripting import TOTAL, chunk, held, ranges, resume, scripted, some_list
from spotify_pipeline_tests.sandbox.uploads import (
    QUANTUM,
    assert_stored,
    how_far,
    new_session,
    put,
)
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, START, Visitor, email_list, xml_code

WEEK = 7 * 24 * 3600


@pytest.mark.parametrize("status", [503, 500, 502, 504, 408, 429])
def test_f01_the_start_fails_and_the_next_one_works(visitor: Visitor, status: int) -> None:
    url = visitor.ticket()["upload_url"]
    with scripted(visitor, "F01", status=status):
        assert visitor.http.post(url, headers=START).status_code == status
    assert list(visitor.server.state.sessions_directory.iterdir()) == []
    assert visitor.http.post(url, headers=START).status_code == 201


def test_f01_a_failed_start_may_leave_a_session_that_nobody_knows(visitor: Visitor) -> None:
    with scripted(visitor, "F01", orphan=True):
        assert visitor.http.post(visitor.ticket()["upload_url"], headers=START).status_code == 503
    assert len(list(visitor.server.state.sessions_directory.iterdir())) == 1


def test_f02_the_start_names_no_session(visitor: Visitor) -> None:
    with scripted(visitor, "F02"):
        answer = visitor.http.post(visitor.ticket()["upload_url"], headers=START)
    assert answer.status_code == 201
    assert "location" not in answer.headers


@pytest.mark.parametrize("status", [400, 401, 403])
def test_f03_the_signed_url_is_refused(visitor: Visitor, status: int) -> None:
    with scripted(visitor, "F03", status=status):
        answer = visitor.http.post(visitor.ticket()["upload_url"], headers=START)
    assert (answer.status_code, xml_code(answer)) == (status, "ExpiredToken")


@pytest.mark.parametrize("how", ["reset", "close"])
def test_f04_the_connection_goes_before_any_byte(visitor: Visitor, how: str) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F04", how=how), pytest.raises(httpx.TransportError):
        chunk(visitor, session, content, 0)
    logged = visitor.server.state.requests.after(0)[-1]
    assert (logged["status"], logged["body_bytes"], logged["fault"]) == (None, 0, "F04")
    assert held(visitor, session) == 0
    assert_stored(visitor, resume(visitor, session, content, 0), content)


@pytest.mark.parametrize(("stored", "kept"), [("half", QUANTUM), (QUANTUM + 5, QUANTUM), ("all", 2 * QUANTUM), (0, 0)])
def test_f05_an_error_after_a_part_was_stored(visitor: Visitor, stored: object, kept: int) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F05", stored=stored):
        assert chunk(visitor, session, content, 0).status_code == 503
    assert held(visitor, session) == kept
    assert_stored(visitor, resume(visitor, session, content, kept), content)


def test_f05_in_the_third_put_after_256_kib(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F05", nth=2, stored=QUANTUM):
        assert chunk(visitor, session, content, 0).status_code == 308
        assert held(visitor, session) == 2 * QUANTUM
        assert chunk(visitor, session, content, 1).status_code == 503
    assert held(visitor, session) == 3 * QUANTUM


def test_f05_a_whole_upload_in_one_put_stops_midway_too(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F05"):
        assert put(visitor, session, content).status_code == 503
    assert held(visitor, session) == 2 * QUANTUM
    assert_stored(visitor, resume(visitor, session, content, 2 * QUANTUM), content)


def test_f06_less_is_acknowledged_than_was_sent_and_no_more_is_there(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F06"):
        answer = chunk(visitor, session, content, 0)
    assert (answer.status_code, ranges(answer)) == (308, [f"bytes=0-{QUANTUM - 1}"])
    assert_stored(visitor, resume(visitor, session, content, QUANTUM), content)


@pytest.mark.parametrize(("stored", "kept"), [("all", 2 * QUANTUM), (0, 0)])
def test_f07_no_range_after_a_chunk(visitor: Visitor, stored: object, kept: int) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F07", stored=stored):
        answer = chunk(visitor, session, content, 0)
    assert (answer.status_code, ranges(answer)) == (308, [])
    assert held(visitor, session) == kept


@pytest.mark.parametrize("number", [0, 1])
def test_f08_more_is_acknowledged_than_was_sent(visitor: Visitor, number: int) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F08", nth=number + 1):
        answer = [chunk(visitor, session, content, one) for one in range(number + 1)][-1]
    sent = (number + 1) * TOTAL // 2
    assert (answer.status_code, ranges(answer)) == (308, [f"bytes=0-{sent + QUANTUM - 1}"])
    assert held(visitor, session) == sent


def test_f09_acknowledged_bytes_are_lost(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F09"):
        assert chunk(visitor, session, content, 0).status_code == 308
        answer = chunk(visitor, session, content, 1)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert f"exceeds already uploaded size of {QUANTUM} byte(s)" in answer.text
    assert held(visitor, session) == QUANTUM
    assert_stored(visitor, resume(visitor, session, content, QUANTUM), content)


def test_f09_without_anything_to_lose_does_not_happen(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F09", bytes=None):
        assert_stored(visitor, put(visitor, session, content), content)
        assert [report.seen for report in visitor.server.state.faults.unconsumed()] == [1]
        session = new_session(visitor)
        chunk(visitor, session, content, 0)
        assert chunk(visitor, session, content, 1).status_code == 503
    assert held(visitor, session) == 0


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchUpload"), (410, "Gone")])
def test_f16_the_session_is_gone_and_stays_gone(visitor: Visitor, status: int, code: str) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F16", status=status, nth=2):
        assert chunk(visitor, session, content, 0).status_code == 308
        answer = chunk(visitor, session, content, 1)
    assert (answer.status_code, xml_code(answer)) == (status, code)
    assert how_far(visitor, session).status_code == status


def test_f17_the_session_is_older_than_a_week(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F17", nth=2):
        assert chunk(visitor, session, content, 0).status_code == 308
        assert chunk(visitor, session, content, 1).status_code == 404
    assert visitor.server.state.clock.offset_seconds > WEEK


@pytest.mark.parametrize("retry_after", ["7", "Wed, 21 Oct 2099 07:28:00 GMT", None])
def test_f18_too_many_requests(visitor: Visitor, retry_after: str | None) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F18", retry_after=retry_after):
        answer = chunk(visitor, session, content, 0)
    assert (answer.status_code, answer.headers.get("retry-after")) == (429, retry_after)
    assert held(visitor, session) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 412])
def test_f19_a_refusal_in_mid_upload(visitor: Visitor, status: int) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F19", status=status, nth=2):
        chunk(visitor, session, content, 0)
        answer = chunk(visitor, session, content, 1)
    assert answer.status_code == status
    assert xml_code(answer)


def test_f20_cancelled_elsewhere(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F20"):
        assert chunk(visitor, session, content, 0).status_code == 499
    assert how_far(visitor, session).status_code == 410


def test_f21_resume_incomplete_is_said_as_200(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F21"):
        answer = chunk(visitor, session, content, 0)
    assert (answer.status_code, answer.headers["x-http-status-code-override"]) == (200, "308")
    assert ranges(answer) == [f"bytes=0-{2 * QUANTUM - 1}"]
    assert_stored(visitor, chunk(visitor, session, content, 1), content)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_f22_a_redirect_to_another_host(visitor: Visitor, status: int) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F22", status=status, location="http://127.0.0.1:9/other"):
        answer = chunk(visitor, session, content, 0)
    assert (answer.status_code, answer.headers["location"]) == (status, "http://127.0.0.1:9/other")
    assert held(visitor, session) == 0


@pytest.mark.parametrize("value", MALFORMED_RANGES, ids=str)
def test_f23_a_range_that_tells_no_offset(visitor: Visitor, value: str | tuple[str, ...]) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F23", value=value):
        answer = put(visitor, session, content)
    assert answer.status_code == 308
    assert ranges(answer) == ([value] if isinstance(value, str) else [*value])
    assert held(visitor, session) == TOTAL


def test_f24_the_store_stops_reading_and_goes_on(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    visitor.server.state.faults.script(named_fault("F24", stored=QUANTUM, seconds=60))
    with pytest.raises(httpx.TimeoutException):
        visitor.http.put(session, content=content, timeout=0.1)
    assert visitor.server.state.faults.unconsumed() == []
    assert held(visitor, session) == QUANTUM
    with scripted(visitor, "F24", seconds=0.1):
        assert_stored(visitor, put(visitor, session, content), content)


def test_f25_the_head_of_an_answer_drips_past_every_read_timeout(visitor: Visitor) -> None:
    session = new_session(visitor)
    with scripted(visitor, "F25", seconds=0.001):
        answer = visitor.http.put(session, content=b"x", timeout=0.2)
    assert_stored(visitor, answer, b"x")


def test_f25_the_body_of_an_answer_drips(visitor: Visitor) -> None:
    with scripted(visitor, "F25", seconds=0.001, part="body", operation="get_audience", kind="any"):
        answer = visitor.ads("GET", f"{AUDIENCES}/{visitor.audience_of(email_list(3))}")
    assert answer.json()["status"] == "PROCESSING"


@pytest.mark.parametrize("operation", ["start_upload", "put_upload", "get_audience", "token"])
def test_f32_a_login_page(visitor: Visitor, operation: str) -> None:
    audience_id, session = visitor.audience_of(email_list(3)), new_session(visitor)
    requests = {
        "start_upload": lambda: visitor.http.post(visitor.ticket()["upload_url"], headers=START),
        "put_upload": lambda: put(visitor, session, b"x"),
        "get_audience": lambda: visitor.ads("GET", f"/ads/v3/ad_accounts/x/audiences/{audience_id}"),
        "token": lambda: visitor.refresh(visitor.refresh_token),
    }
    with scripted(visitor, "F32", operation=operation):
        answer = requests[operation]()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Sign in to this network" in answer.text
    assert held(visitor, session) == 0


def test_f33_another_writers_bytes_come_after_ours(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F33"):
        answer = chunk(visitor, session, content, 0)
    assert ranges(answer) == [f"bytes=0-{3 * QUANTUM - 1}"]
    assert held(visitor, session) == 3 * QUANTUM


def test_f33_another_writers_bytes_come_in_place_of_ours(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F33", moment="before"):
        answer = chunk(visitor, session, content, 0)
    assert ranges(answer) == [f"bytes=0-{2 * QUANTUM - 1}"]
    assert_stored(visitor, chunk(visitor, session, content, 1), bytes(QUANTUM) + content[QUANTUM:])
