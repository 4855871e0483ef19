"""What the sandbox keeps of conversion events, and tells of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig
from spotify_pipeline_tests.examples import in_test_rest
from spotify_pipeline_tests.sandbox.control.test_page import text_of
from spotify_pipeline_tests.sandbox.visitor import DATASETS, Visitor, conversion, digest, visiting

SEEDED = f"{DATASETS}/{DEFAULTS.dataset_id}"


def received(visitor: Visitor, **query: object) -> dict:
    answer = visitor.http.get("/sandbox/events/received", params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page: dict) -> list[str]:
    return [event["event_id"] for event in page["events"]]


def test_a01_a09_an_event_that_comes_again_counts_once(visitor: Visitor) -> None:
    visitor.capi([conversion("1"), conversion("2"), conversion("1")])
    visitor.capi([conversion("2"), conversion("3", event_name="LEAD")])
    visitor.capi([conversion("3", event_name="VIEW")])
    assert visitor.counted() == {"received": 6, "distinct": 3, "repeated": 3}
    seen = {one["event_id"]: (one["times_received"], one["same_body"]) for one in received(visitor)["events"]}
    assert seen == {"1": (2, True), "2": (2, True), "3": (2, False)}
    counts = {one["event_name"]: one for one in visitor.http.get("/sandbox/events").json()["counts"]}
    assert {name: (one["distinct"], one["repeated"], one["altered"]) for name, one in counts.items()} == {
        "PURCHASE": (2, 2, 0),
        "LEAD": (1, 0, 0),
        "VIEW": (0, 1, 1),
    }
    assert counts["LEAD"]["dataset_id"] == DEFAULTS.dataset_id
    assert counts["LEAD"]["capi_connection_id"] == DEFAULTS.capi_connection_id


def test_a08_the_order_of_requests_makes_no_difference() -> None:
    events = [conversion(str(number % 20), event_name=("VIEW", "LEAD")[number % 2]) for number in range(60)]
    outcomes = []
    for seed in range(2):
        with visiting() as visitor:
            shuffled = random.Random(seed).sample(events, len(events))
            for start in range(0, len(shuffled), 7):
                assert visitor.capi(shuffled[start : start + 7]).status_code == 200
            state = {one["event_id"]: one["times_received"] for one in received(visitor)["events"]}
            outcomes.append((visitor.counted(), state))
    assert outcomes[0] == outcomes[1]


def test_the_same_id_at_another_data_set_is_another_event(visitor: Visitor) -> None:
    made = visitor.ads("POST", f"{DATASETS.removesuffix('/datasets')}/capi", json={"name": "Second"}).json()
    path = f"{DATASETS.removesuffix('/datasets')}/capi/{made['capi_connection_id']}/tokens"
    token = visitor.ads("POST", path).json()["data"]["capi_auth_token"]
    visitor.capi([conversion("1")])
    visitor.capi([conversion("1")], token=token, capi_connection_id=made["capi_connection_id"])
    assert visitor.counted()["distinct"] == 2
    assert ids(received(visitor, dataset_id=made["dataset_id"])) == ["1"]


def test_events_can_be_recounted_page_by_page(visitor: Visitor) -> None:
    visitor.capi([conversion(f"order-{number}") for number in range(25)])
    after: int | None = 0
    found: list[str] = []
    while after is not None:
        page = received(visitor, after=after, limit=10)
        found += ids(page)
        after = page["next_after"]
    assert found == [f"order-{number}" for number in range(25)]
    for query in ({"limit": 0}, {"limit": 10_001}, {"after": "x"}):
        assert visitor.http.get("/sandbox/events/received", params=query).status_code == 400


def test_p13_nothing_of_a_person_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    person = {"hashed_emails": [digest("person@example.com")], "ip_address": "203.0.113.99", "device_id": "raw-device"}
    values = (digest("person@example.com"), "203.0.113.99", "raw-device", "Canary boots")
    event = conversion("kept", user_data=person, event_details={"content_name": "Canary boots"})
    for keep in (False, True):
        directory = tmp_path / str(keep)
        with visiting(SandboxConfig(keep_event_bodies=keep), directory) as visitor:
            visitor.capi([event])
            body = received(visitor)["events"][0].get("body")
            assert body == (event if keep else None)
        content = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
        assert b"kept" in content
        assert [value.encode() in content for value in values] == [keep] * 4


def test_events_survive_a_restart_and_not_a_reset(tmp_path: Path) -> None:
    with visiting(state_directory=tmp_path) as first:
        first.capi([conversion("1"), conversion("2")])
        before = received(first)
    with visiting(state_directory=tmp_path) as second:
        assert received(second) == before
        assert second.capi([conversion("2")]).status_code == 200
        assert second.counted() == {"received": 3, "distinct": 2, "repeated": 1}
        assert second.http.delete("/sandbox").status_code == 204
        assert second.counted()["received"] == 0
        assert received(second) == {"events": [], "next_after": None}


@pytest.mark.parametrize("events", [3_000, in_test_rest(20_000)])
def test_the_events_of_many_requests_add_up(events: int) -> None:
    with visiting() as visitor:
        for start in range(0, events, 1_000):
            assert visitor.capi([conversion(f"e{number}") for number in range(start, start + 1_000)]).status_code == 200
        assert visitor.counted() == {"received": events, "distinct": events, "repeated": 0}
        visitor.advance(1_200)
        answer = visitor.ads("GET", f"{SEEDED}/diagnostics", params={"granularities": "DAILY"}).json()
        assert sum(day["total"] for day in answer["datasources"][0]["timeseries"]) == events


def test_the_page_shows_what_data_sets_received(visitor: Visitor) -> None:
    page = text_of(visitor.http.get("/").text)
    assert "Data sets" in page
    assert (
        f"Sandbox Web Shop {DEFAULTS.dataset_id} CAPI: Sandbox Web Shop {DEFAULTS.capi_connection_id} 1 token" in page
    )
    assert "Sandbox Ad Account none yet" in page
    visitor.capi([conversion(str(number)) for number in range(1_234)][:1_000])
    visitor.capi([conversion("1"), conversion("2", event_name="LEAD"), conversion("3", action_source="APP")])
    page = text_of(visitor.http.get("/").text)
    assert "LEAD PURCHASE 0 1,000 1 (1 altered) 2 (1 altered)" in page
    assert DEFAULTS.capi_token not in visitor.http.get("/").text
