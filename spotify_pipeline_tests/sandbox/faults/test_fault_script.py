"""Which request a fault hits, what counts as consumed, and what scripting over HTTP answers."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_pipeline.sandbox import (
    FaultInvalid,
    SandboxError,
    SandboxServer,
    SandboxState,
    create_app,
    named_fault,
    read_fault,
)
from spotify_pipeline.sandbox.faults.presets import PRESETS
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.sandbox.control.test_page import text_of
from spotify_pipeline_tests.sandbox.scripting import chunk, some_list
from spotify_pipeline_tests.sandbox.uploads import QUANTUM, how_far, new_session, put
from spotify_pipeline_tests.sandbox.visitor import ADS, AUDIENCES, Visitor, email_list

BUSINESSES = f"{ADS}/businesses"
REFUSAL = {"do": "reply", "status": 503}
NO_FAULT = {"name": "x", "operation": "token", "before": [REFUSAL]}


def statuses(visitor: Visitor, count: int) -> list[int]:
    return [visitor.ads("GET", BUSINESSES).status_code for _ in range(count)]


def script(visitor: Visitor, **fault: object) -> int:
    return visitor.server.state.faults.script(
        read_fault({"operation": "list_businesses", "before": [REFUSAL], **fault})
    )


@settings(max_examples=examples(10, 25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nth=st.integers(1, 5), times=st.integers(1, 4))
def test_a_fault_hits_the_nth_request_and_those_that_follow(visitor: Visitor, nth: int, times: int) -> None:
    faults = visitor.server.state.faults
    faults.clear()
    script(visitor, nth=nth, times=times)
    assert statuses(visitor, 6) == [503 if nth <= number < nth + times else 200 for number in range(1, 7)]
    (report,) = faults.report()
    happened = min(times, 7 - nth)
    assert (report.seen, report.consumed, report.wanted, report.pending) == (6, happened, times, happened < times)


def test_faults_that_are_due_at_once_take_turns(visitor: Visitor) -> None:
    for status in (503, 429, 408):
        script(visitor, before=[{"do": "reply", "status": status}])
    assert statuses(visitor, 4) == [503, 429, 408, 200]


def test_a_fault_that_happens_always_wants_one_request(visitor: Visitor) -> None:
    faults = visitor.server.state.faults
    number = script(visitor, times="always")
    assert [report.number for report in faults.unconsumed()] == [number]
    assert statuses(visitor, 3) == [503, 503, 503]
    assert faults.unconsumed() == []
    assert faults.report()[0].consumed == 3


def test_other_operations_are_not_seen_and_the_sandboxs_own_never(visitor: Visitor) -> None:
    script(visitor, operation="get_business")
    script(visitor, operation="*", nth=4)
    script(visitor, operation="ads_api", nth=9)
    assert visitor.refresh(visitor.refresh_token).status_code == 200
    visitor.http.get("/sandbox/clock")
    visitor.http.get("/")
    visitor.http.get("/nowhere")
    assert statuses(visitor, 3) == [200, 200, 503]
    assert [report.seen for report in visitor.server.state.faults.report()] == [0, 4, 3]


def test_requests_count_once_another_operation_has_succeeded(visitor: Visitor) -> None:
    faults = visitor.server.state.faults
    script(visitor, since="get_business")
    assert visitor.ads("GET", f"{BUSINESSES}/x").status_code == 400
    assert statuses(visitor, 2) == [200, 200]
    business = visitor.ads("GET", BUSINESSES).json()["businesses"][0]["id"]
    assert visitor.ads("GET", f"{BUSINESSES}/{business}").status_code == 200
    assert faults.report()[0].seen == 0
    assert statuses(visitor, 2) == [503, 200]


@pytest.mark.parametrize(
    ("kind", "hit"),
    [("any", 0), ("query", 0), ("data", 1), ("part", 1), ("final", 2)],
)
def test_puts_are_told_apart_by_what_they_carry(visitor: Visitor, kind: str, hit: int) -> None:
    content, session = some_list(), new_session(visitor)
    script(visitor, operation="put_upload", kind=kind)
    answers = [how_far(visitor, session), chunk(visitor, session, content, 0)]
    answers.append(chunk(visitor, session, content, 1) if hit != 1 else how_far(visitor, session))
    assert [number for number, answer in enumerate(answers) if answer.status_code == 503] == [hit]


def test_a_whole_list_in_one_put_is_final_and_an_unreadable_range_is_neither(visitor: Visitor) -> None:
    session = new_session(visitor)
    script(visitor, operation="put_upload", kind="final")
    assert put(visitor, session, b"x", Content_Range="bytes 9").status_code == 400
    assert put(visitor, session, b"x").status_code == 503


def test_a_fault_that_finds_no_occasion_is_not_consumed_and_waits(visitor: Visitor) -> None:
    """The body ends before the point; then the operation is refused by itself; then it happens."""
    faults = visitor.server.state.faults
    content, session = some_list(), new_session(visitor)
    faults.script(named_fault("F05", stored=3 * QUANTUM))
    assert chunk(visitor, session, content, 0).status_code == 308
    assert put(visitor, session + "x", content).status_code == 404
    assert [(report.seen, report.consumed) for report in faults.unconsumed()] == [(2, 0)]
    assert all(one["fault"] is None for one in visitor.server.state.requests.after(0))
    session = new_session(visitor)
    assert put(visitor, session, content).status_code == 503
    assert faults.unconsumed() == []


def test_a_fault_of_one_answer_waits_for_that_answer(visitor: Visitor) -> None:
    faults = visitor.server.state.faults
    faults.script(named_fault("F11"))
    session = new_session(visitor)
    assert put(visitor, session, b"x", Content_Range="bytes 5-5/6").status_code == 503
    assert len(faults.unconsumed()) == 1
    with pytest.raises(httpx.TransportError):
        put(visitor, session, b"x")
    assert faults.unconsumed() == []


def test_faults_are_scripted_and_reported_over_http(visitor: Visitor) -> None:
    made = visitor.http.post(
        "/sandbox/faults",
        json=[
            {"name": "F05", "nth": 3, "stored": 262_144},
            {"operation": "list_businesses", "name": "closed", "before": [REFUSAL]},
        ],
    )
    assert made.status_code == 201
    first, second = (one["number"] for one in made.json()["faults"])
    assert statuses(visitor, 2) == [503, 200]

    shown = visitor.http.get("/sandbox/faults").json()

    assert shown["unconsumed"] == [first]
    assert shown["names"] == list(PRESETS)
    assert [(one["name"], one["seen"], one["consumed"], one["wanted"]) for one in shown["faults"]] == [
        ("F05", 0, 0, 1),
        ("closed", 2, 1, 1),
    ]
    assert shown["faults"][0]["fault"]["midway"]["stored"] == 262_144
    assert shown["faults"][1]["fault"] == {"name": "closed", "operation": "list_businesses", "before": [REFUSAL]}
    log = visitor.http.get("/sandbox/requests").json()["requests"]
    assert [(one["fault"], one["fault_number"]) for one in log if one["operation"] == "list_businesses"] == [
        ("closed", second),
        (None, None),
    ]
    assert visitor.http.delete("/sandbox/faults").status_code == 204
    assert visitor.http.get("/sandbox/faults").json()["faults"] == []


def test_the_page_shows_faults_until_they_have_happened(visitor: Visitor) -> None:
    assert "Scripted faults" not in visitor.http.get("/").text
    number = script(visitor, name="<closed>", times=2)
    assert statuses(visitor, 1) == [503]
    answer = visitor.http.get("/").text
    assert "<closed>" not in answer
    assert f"{number} <closed> list_businesses 1 1 of 2" in text_of(answer)
    assert statuses(visitor, 1) == [503]
    assert "Scripted faults" not in visitor.http.get("/").text


def test_resetting_forgets_faults_and_ends_their_pauses(visitor: Visitor) -> None:
    script(visitor, before=[{"do": "stall", "seconds": 60}])
    script(visitor, nth=50)
    waiting = threading.Thread(target=httpx.get, args=(visitor.server.url + BUSINESSES,), kwargs={"trust_env": False})
    waiting.start()
    while len(visitor.server.state.faults.unconsumed()) == 2:
        time.sleep(0.005)
    assert visitor.http.delete("/sandbox").status_code == 204
    waiting.join(timeout=5)
    assert not waiting.is_alive()
    assert visitor.http.get("/sandbox/faults").json()["faults"] == []


@pytest.mark.parametrize(("name", "options"), [("slow_answer", {}), ("F25", {"kind": "any"})])
def test_a_slow_request_does_not_hold_the_server_up(name: str, options: dict) -> None:
    """Were it waited for, the test would hang for a minute."""
    with SandboxServer() as server:
        server.state.faults.script(named_fault(name, operation="token", seconds=60, **options))
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/api/token", trust_env=False, timeout=0.1)


def test_a_connection_that_cannot_be_cut_is_said_and_nothing_is_consumed(tmp_path: Path) -> None:
    async def call(state: SandboxState) -> None:
        transport = httpx.ASGITransport(create_app(state))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            await client.post("/api/token")

    state = SandboxState.open(directory=tmp_path)
    state.faults.script(named_fault("connection_lost", operation="token"))
    with pytest.raises(SandboxError, match="only be cut or slowed down under SandboxServer"):
        asyncio.run(call(state))
    assert len(state.faults.unconsumed()) == 1
    state.close()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (1, "A fault is a JSON object"),
        ({"name": "F99"}, "There is no fault named 'F99'; there are F01, F02, "),
        (
            {"name": "F05", "colour": 1},
            "F05 has no option colour; it has stored, status, operation, kind, nth, times, ",
        ),
        ({"name": "F05", "stored": "most"}, "F05: stored"),
        ({"name": "F05", "nth": 0}, "F05: nth: Input should be greater than or equal to 1"),
        ({"name": "F05", "operation": "token"}, "F05: the fault: kind and midway are for put_upload only"),
        ({**NO_FAULT, "operation": "buy"}, "operation: Input should be '*', 'ads_api', "),
        ({**NO_FAULT, "before": []}, "the fault: give an action in before, midway or after"),
        ({**NO_FAULT, "before": [{"do": "explode"}]}, "before.0: Input tag 'explode' found using 'do' does not match"),
        ({**NO_FAULT, "before": [{**REFUSAL, "status": 99}]}, "before.0.reply.status: Input should be greater"),
        ({**NO_FAULT, "before": [{**REFUSAL, "x": 1}]}, "before.0.reply.x: there is no such field"),
        ({**NO_FAULT, "after": [REFUSAL]}, "the fault: reply never happens: an action before it ends the request"),
        ({**NO_FAULT, "on_status": 200}, "the fault: on_status is a condition of after"),
        ({**NO_FAULT, "times": "often"}, "times"),
    ],
)
def test_nonsense_is_refused_with_what_is_expected(visitor: Visitor, document: object, sentence: str) -> None:
    with pytest.raises(FaultInvalid) as refused:
        read_fault(document)
    assert str(refused.value).startswith(sentence)
    answer = visitor.http.post("/sandbox/faults", json=[NO_FAULT, document])
    assert (answer.status_code, answer.json()) == (400, {"error": str(refused.value)})
    assert visitor.server.state.faults.report() == []


def test_what_is_no_json_is_refused(visitor: Visitor) -> None:
    answer = visitor.http.post("/sandbox/faults", content=b"{")
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "The body must be a fault, or a list of faults, in JSON.",
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_named_fault_reads_back_from_its_json(name: str) -> None:
    fault = named_fault(name)
    assert fault.name == name
    assert read_fault(fault.model_dump(mode="json")) == fault


def test_faults_hold_no_request_up_that_they_do_not_hit(visitor: Visitor) -> None:
    script(visitor, before=[{"do": "stall", "seconds": 60}], nth=2)
    audience_id = visitor.audience_of(email_list(3))
    assert statuses(visitor, 1) == [200]
    assert visitor.ads("GET", f"{AUDIENCES}/{audience_id}").status_code == 200
