"""Faults of the event host, as a client sees them, and what was taken."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest

from spotify_pipeline.sandbox import FaultInvalid, SandboxConfig, named_fault, read_fault
from spotify_pipeline_tests.sandbox.scripting import scripted
from spotify_pipeline_tests.sandbox.visitor import DATASETS, Visitor, conversion, visiting

ONCE = {"received": 1, "distinct": 1, "repeated": 0}
TWICE = {"received": 2, "distinct": 1, "repeated": 1}


@pytest.mark.parametrize("status", [400, 401, 403, 408, 413, 429, 500, 503])
def test_a04_refused_and_nothing_is_taken(visitor: Visitor, status: int) -> None:
    with scripted(visitor, "events_refused", status=status):
        answer = visitor.capi([conversion()])
    assert answer.status_code == status
    assert answer.json()["message"]
    assert visitor.counted()["received"] == 0


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a01_a05_taken_though_the_answer_is_lost(visitor: Visitor, how: str) -> None:
    with scripted(visitor, "events_answer_lost", how=how), pytest.raises(httpx.TransportError):
        visitor.capi([conversion()])
    assert visitor.counted() == ONCE
    assert visitor.capi([conversion()]).status_code == 200
    assert visitor.counted() == TWICE


def test_a01_taken_but_answered_with_an_error_or_not_clearly(visitor: Visitor) -> None:
    with scripted(visitor, "events_taken_but_error"):
        assert visitor.capi([conversion("1")]).status_code == 500
    with scripted(visitor, "events_unclear_success"):
        answer = visitor.capi([conversion("2")])
    assert (answer.status_code, answer.text) == (200, "<html>Good day</html>")
    assert visitor.counted()["distinct"] == 2


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a01_the_connection_is_lost_and_nothing_is_taken(visitor: Visitor, how: str) -> None:
    with scripted(visitor, "events_connection_lost", how=how), pytest.raises(httpx.TransportError):
        visitor.capi([conversion()])
    assert visitor.counted()["received"] == 0


def test_a01_an_answer_that_comes_after_the_client_has_left(visitor: Visitor) -> None:
    with scripted(visitor, "events_slow", seconds=0.1):
        assert visitor.capi([conversion()]).status_code == 200
    assert visitor.counted() == ONCE


def test_too_many_requests(visitor: Visitor) -> None:
    with scripted(visitor, "events_too_many_requests", reset="7", retry_after="3"):
        answer = visitor.capi([conversion()])
    assert (answer.status_code, answer.headers["x-ratelimit-reset"], answer.headers["retry-after"]) == (429, "7", "3")


def test_the_ads_apis_faults_fit_data_sets(visitor: Visitor) -> None:
    with scripted(visitor, "refused", operation="list_datasets", status=503):
        assert visitor.ads("GET", DATASETS).status_code == 503
    with scripted(visitor, "refused"):  # of the Ads API, which the event host is not
        assert visitor.capi([conversion()]).status_code == 200
        assert visitor.ads("GET", DATASETS).status_code == 500


def storm(visitor: Visitor, requests: int, **options: object) -> list[str]:
    """What a client sees of so many requests, one event in each, sent once."""
    number = visitor.server.state.faults.script(named_fault("events_storm", **options))
    seen = []
    for one in range(requests):
        try:
            seen.append(str(visitor.capi([conversion(str(one))]).status_code))
        except httpx.TransportError:
            seen.append("lost")
    (report,) = [one for one in visitor.server.state.faults.report() if one.number == number]
    assert report.consumed == requests - seen.count("200")
    visitor.server.state.faults.clear()
    return seen


def test_a01_a10_a_storm_is_a_mixture_that_its_seed_decides() -> None:
    with visiting(SandboxConfig(event_requests_per_window=10_000)) as visitor:
        seen = storm(visitor, 300, share=0.5)
        outcomes = Counter(seen)
        assert set(outcomes) == {"200", "503", "429", "lost"}
        assert 100 < outcomes["200"] < 200
        taken = visitor.counted()["distinct"]
        assert outcomes["200"] < taken < outcomes["200"] + outcomes["lost"]
        again = [storm(visitor, 60, share=0.5), storm(visitor, 60, share=0.5, seed="another")]
    assert again[0] == seen[:60] != again[1]


def test_any_fault_can_hit_a_share_of_requests(visitor: Visitor) -> None:
    visitor.server.state.faults.script(named_fault("events_refused", share=0.3, times="always", seed="x"))
    statuses = Counter(visitor.capi([conversion(str(number))]).status_code for number in range(100))
    assert set(statuses) == {200, 503}
    assert 10 < statuses[503] < 55


def test_a_mixture_by_json(visitor: Visitor) -> None:
    ways = [{"before": [{"do": "reply", "status": 502}]}, {"after": [{"do": "alter", "status": 504}]}]
    fault = {"name": "own", "operation": "send_events", "times": "always", "mixture": ways}
    assert visitor.http.post("/sandbox/faults", json=fault).status_code == 201
    statuses = {visitor.capi([conversion(str(number))]).status_code for number in range(20)}
    assert statuses == {502, 504}
    shown = visitor.http.get("/sandbox/faults").json()["faults"][0]["fault"]
    assert read_fault(shown) == read_fault(fault)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"mixture": []},
        {"mixture": [{}]},
        {"mixture": [{"before": [{"do": "cut"}]}], "before": [{"do": "cut"}]},
        {"mixture": [{"before": [{"do": "cut"}, {"do": "cut"}]}]},
        {"before": [{"do": "cut"}], "share": 0},
        {"before": [{"do": "cut"}], "share": 1.5},
    ],
)
def test_a_fault_by_chance_must_make_sense(nonsense: dict[str, object]) -> None:
    with pytest.raises(FaultInvalid):
        read_fault({"operation": "send_events", **nonsense})
