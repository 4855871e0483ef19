"""A fault that leaves an answer as it was has not happened: it is not consumed, and waits for the next request."""

from __future__ import annotations

import pytest

from spotify_pipeline.sandbox import named_fault, read_fault
from spotify_pipeline_tests.sandbox.uploads import assert_stored, new_session, put
from spotify_pipeline_tests.sandbox.visitor import ADS, AUDIENCES, Visitor, email_list

BUSINESSES = f"{ADS}/businesses"
JSON = "application/json"


def left_alone(visitor: Visitor) -> bool:
    """Whether the one scripted fault saw a request and did nothing, and the log names no fault."""
    (report,) = visitor.server.state.faults.report()
    named = [one["fault"] for one in visitor.server.state.requests.after(0) if one["fault"] is not None]
    return (report.seen, report.consumed, report.pending, named) == (1, 0, True, [])


@pytest.mark.parametrize(
    "action",
    [
        {"do": "alter"},
        {"do": "alter", "status": 200},
        {"do": "alter", "headers": {"content-TYPE": JSON}},
        {"do": "alter", "remove": ["x-not-there"]},
        {"do": "edit_json", "set": {"businesses.*.status": "ACTIVE"}},
        {"do": "edit_json", "rename": {"businesses": "businesses"}},
        {"do": "edit_json", "add": {"paging.total_results": 0}},
        {"do": "edit_json", "drop": ["not_there"]},
        {"do": "truncate", "keep": 10**6},
    ],
    ids=str,
)
def test_an_answer_that_stays_the_same_is_given_whole(visitor: Visitor, action: dict[str, object]) -> None:
    plain = visitor.ads("GET", BUSINESSES)
    fault = read_fault({"operation": "list_businesses", "after": [action]})
    visitor.server.state.faults.script(fault)
    answer = visitor.ads("GET", BUSINESSES)
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, plain.json(), JSON)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert left_alone(visitor)


def test_a_number_of_another_kind_is_another_answer(visitor: Visitor) -> None:
    """3600 and 3600.0 are the same to Python, not to who reads the answer."""
    visitor.server.state.faults.script(named_fault("expires_in", value=3600.0))
    assert '"expires_in": 3600.0' in visitor.refresh(visitor.refresh_token).text
    assert visitor.server.state.faults.unconsumed() == []


@pytest.mark.parametrize("keep", [0, 1, -1])
def test_an_answer_is_truncated_by_a_byte_and_not_by_none(visitor: Visitor, keep: int) -> None:
    """``keep`` counts from the end of the answer: by one byte less it happens."""
    whole = len(visitor.ads("GET", BUSINESSES).content)
    truncate = {"do": "truncate", "keep": whole + keep}
    visitor.server.state.faults.script(read_fault({"operation": "list_businesses", "after": [truncate]}))
    with visitor.http.stream("GET", BUSINESSES, headers=visitor.bearer) as answer:
        assert answer.status_code == 200
    (report,) = visitor.server.state.faults.report()
    assert report.consumed == (1 if keep < 0 else 0)


def test_what_follows_a_change_still_happens_where_nothing_is_truncated(visitor: Visitor) -> None:
    actions = [{"do": "alter", "status": 418}, {"do": "truncate", "keep": 10**6}]
    visitor.server.state.faults.script(read_fault({"operation": "list_businesses", "after": actions}))
    answer = visitor.ads("GET", BUSINESSES)
    assert (answer.status_code, "businesses" in answer.json()) == (418, True)
    assert visitor.server.state.faults.unconsumed() == []


def test_f15_the_size_that_is_stated_anyway(visitor: Visitor) -> None:
    session = new_session(visitor)
    visitor.server.state.faults.script(named_fault("F15", size=7))
    assert_stored(visitor, put(visitor, session, b"1234567"), b"1234567")
    assert left_alone(visitor)


def test_f25_an_answer_without_a_body_cannot_drip_by_its_body(visitor: Visitor) -> None:
    session = new_session(visitor)
    visitor.server.state.faults.script(named_fault("F25", part="body", seconds=0.001))
    assert_stored(visitor, put(visitor, session, b"x"), b"x")
    assert left_alone(visitor)


def test_c15_no_audience_to_have_a_word(visitor: Visitor) -> None:
    visitor.server.state.faults.script(named_fault("unknown_status", operation="list_audiences"))
    assert visitor.ads("GET", AUDIENCES).json()["audiences"] == []
    assert left_alone(visitor)
    visitor.audience_of(email_list(3))
    assert visitor.ads("GET", AUDIENCES).json()["audiences"][0]["status"] == "HIBERNATING"
    assert visitor.server.state.faults.unconsumed() == []
