"""Data sets and connections: where events go, who may use them, and when the Ads API shows them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.sandbox.visitor import (
    ACCOUNT,
    ADS,
    AUDIENCES,
    BUSINESS,
    CAPI,
    DATASETS,
    Visitor,
    conversion,
    error_code,
)

SEEDED = f"{DATASETS}/{DEFAULTS.dataset_id}"
CONNECTION = f"{CAPI}/{DEFAULTS.capi_connection_id}"
OTHER = "9f6b2d30-0000-4000-8000-00000000abcd"
HOUR = 3_600


def diagnostics(visitor: Visitor, dataset: str = SEEDED, *granularities: str) -> list[dict]:
    query = {"granularities": granularities or ("HOURLY",)}
    answer = visitor.ads("GET", f"{dataset}/diagnostics", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["datasources"]


def totals(visitor: Visitor, dataset: str = SEEDED) -> int:
    sources = diagnostics(visitor, dataset)
    return sum(period["total"] for source in sources for period in source["timeseries"])


def test_events_show_after_the_delay_and_once_each(visitor: Visitor) -> None:
    visitor.capi([conversion("1"), conversion("2", event_name="CHECK_OUT")])
    visitor.capi([conversion("1")])
    visitor.advance(1_190)
    assert totals(visitor) == 0
    assert visitor.ads("GET", CONNECTION).json()["events_received"] == []
    assert not visitor.ads("GET", SEEDED).json()["is_receiving_events"]
    visitor.advance(10)
    (source,) = diagnostics(visitor)
    assert (source["datasource_type"], source["datasource_id"]) == ("CAPI", DEFAULTS.capi_integration_id)
    assert totals(visitor) == 2
    counts = {one["name"]: one for period in source["timeseries"] for one in period["event_counts"]}
    assert {name: one["event_count"] for name, one in counts.items()} == {"PURCHASE": 1, "CHECKOUT": 1}
    hour = datetime.fromtimestamp(source["timeseries"][0]["timestamp"] / 1000, UTC)
    assert (hour.minute, hour.second, hour.microsecond) == (0, 0, 0)
    assert 0 <= counts["PURCHASE"]["last_activity_ms"] / 1000 - hour.timestamp() < 2 * HOUR
    shown = visitor.ads("GET", SEEDED).json()
    assert (shown["is_receiving_events"], shown["is_receiving_lead_events"]) == (True, False)
    received = {one["event_type"] for one in shown["capi_integration"]["events_received"]}
    assert received == {"PURCHASE", "CHECKOUT"}
    visitor.advance(25 * HOUR)
    assert not visitor.ads("GET", SEEDED).json()["is_receiving_events"]
    assert totals(visitor) == 2


def test_diagnostics_by_hour_and_day(visitor: Visitor) -> None:
    for number in range(3):
        visitor.capi([conversion(str(number)), conversion(f"lead {number}", event_name="LEAD")])
        visitor.advance(HOUR)
    hourly, daily = diagnostics(visitor, SEEDED, "HOURLY", "DAILY")
    assert [period["total"] for period in hourly["timeseries"]] == [2, 2, 2]
    starts = [period["timestamp"] for period in hourly["timeseries"]]
    # Two hours where the machine's own hour ends between two requests.
    assert all(later - earlier in {HOUR * 1000, 2 * HOUR * 1000} for earlier, later in pairwise(starts))
    assert sum(period["total"] for period in daily["timeseries"]) == 6
    assert all(period["timestamp"] % (24 * HOUR * 1000) == 0 for period in daily["timeseries"])


def test_diagnostics_are_refused_without_a_granularity_there_is(visitor: Visitor) -> None:
    for query in ({}, {"granularities": "MINUTELY"}, {"granularities": ["HOURLY", "x"]}, {"granularities": "hourly"}):
        assert visitor.ads("GET", f"{SEEDED}/diagnostics", params=query).status_code == 400
    query = {"granularities": "HOURLY", "datasource_ids": OTHER}
    assert visitor.ads("GET", f"{SEEDED}/diagnostics", params=query).json()["datasources"] == []


def test_a_pixel_that_joined_late_swallows_events(visitor: Visitor) -> None:
    """The trap: both integrations in a new data set. Removing the pixel fixes it for events to come."""
    both = [DEFAULTS.capi_integration_id, DEFAULTS.pixel_integration_id]
    joined = visitor.ads("POST", DATASETS, json={"name": "Joined", "integration_ids": both}).json()
    assert joined["pixel"]["dataset_id"] is None
    assert joined["capi_integration"]["dataset_id"] == joined["id"]
    path = f"{DATASETS}/{joined['id']}"
    assert visitor.capi([conversion("1")]).json() == {"message": "SUCCESS"}
    visitor.advance(1_200)
    assert totals(visitor, path) == 0
    assert visitor.http.get("/sandbox/events").json()["counts"][0]["routed"] is False
    assert "A pixel joined late" in visitor.http.get("/").text
    own = visitor.ads("DELETE", f"{path}/integrations/{DEFAULTS.pixel_integration_id}").json()
    assert own["pixel"]["dataset_id"] == own["id"] != joined["id"]
    visitor.capi([conversion("2")])
    visitor.advance(1_200)
    assert totals(visitor, path) == 1


def test_a_connection_made_on_the_pixels_data_set_works(visitor: Visitor) -> None:
    made = visitor.ads("POST", CAPI, json={"name": "On the pixel's", "dataset_id": DEFAULTS.pixel_dataset_id}).json()
    token = visitor.ads("POST", f"{CAPI}/{made['capi_connection_id']}/tokens").json()["data"]["capi_auth_token"]
    visitor.capi([conversion()], token=token, capi_connection_id=made["capi_connection_id"])
    visitor.advance(1_200)
    assert totals(visitor, f"{DATASETS}/{DEFAULTS.pixel_dataset_id}") == 1
    again = visitor.ads("POST", CAPI, json={"name": "Third", "dataset_id": DEFAULTS.pixel_dataset_id})
    assert (again.status_code, error_code(again)) == (409, "CONFLICT.CAPI.EXISTS")


def test_a_connection_that_moves_leaves_its_events_behind(visitor: Visitor) -> None:
    visitor.capi([conversion("1")])
    moved = visitor.ads("DELETE", f"{SEEDED}/integrations/{DEFAULTS.capi_integration_id}").json()
    visitor.capi([conversion("1")])
    visitor.advance(1_200)
    assert (totals(visitor), totals(visitor, f"{DATASETS}/{moved['id']}")) == (1, 1)
    assert "capi_integration" not in visitor.ads("GET", SEEDED).json()
    gone = visitor.ads("DELETE", f"{SEEDED}/integrations/{DEFAULTS.capi_integration_id}")
    assert gone.status_code == 404


def test_what_a_new_data_set_needs(visitor: Visitor) -> None:
    bodies: list[tuple[int, dict[str, object]]] = [
        (400, {"name": "No list"}),
        (400, {"integration_ids": []}),
        (400, {"name": "", "integration_ids": []}),
        (400, {"name": "Odd", "integration_ids": ["x"]}),
        (400, {"name": "Odd", "integration_ids": [], "colour": "red"}),
        (404, {"name": "Unknown", "integration_ids": [OTHER]}),
        (201, {"name": "Empty", "integration_ids": []}),
    ]
    assert [visitor.ads("POST", DATASETS, json=body).status_code for _, body in bodies] == [one for one, _ in bodies]
    second = visitor.ads("POST", CAPI, json={"name": "Second"}).json()["integration_id"]
    two = {"name": "Two", "integration_ids": [second, DEFAULTS.capi_integration_id]}
    assert visitor.ads("POST", DATASETS, json=two).status_code == 400


def test_sharing_decides_which_data_sets_an_ad_account_has(visitor: Visitor) -> None:
    def shown() -> tuple[list[str], list[str]]:
        ours = visitor.ads("GET", f"{BUSINESS}/ad_accounts/{DEFAULTS.ad_account_id}/datasets").json()["datasets"]
        eligible = visitor.ads("GET", f"{AUDIENCES}/datasets").json()["datasets"]
        return [one["id"] for one in ours], [one["id"] for one in eligible]

    pixels = f"{DATASETS}/{DEFAULTS.pixel_dataset_id}/ad_accounts"
    for _ in range(2):
        assert visitor.ads("POST", f"{pixels}/{DEFAULTS.ad_account_id}").status_code == 204
    assert shown() == ([DEFAULTS.dataset_id, DEFAULTS.pixel_dataset_id],) * 2
    sharing = visitor.ads("GET", f"{DATASETS}/{DEFAULTS.pixel_dataset_id}").json()["shared_ad_accounts"]
    assert sharing == [{"id": DEFAULTS.ad_account_id, "name": "Sandbox Ad Account"}]
    assert visitor.ads("DELETE", f"{SEEDED}/ad_accounts/{DEFAULTS.ad_account_id}").status_code == 204
    assert shown() == ([DEFAULTS.pixel_dataset_id],) * 2
    body = {
        "audience_type": "CUSTOM",
        "subtype": "WEB_EVENT",
        "name": "Bought",
        "dataset_ids": [DEFAULTS.dataset_id],
        "included_events": ["PURCHASE"],
        "lookback_days": 30,
    }
    assert visitor.ads("POST", AUDIENCES, json=body).status_code == 404
    assert visitor.ads("POST", f"{pixels}/{DEFAULTS.viewer_ad_account_id}").status_code == 403
    assert visitor.ads("POST", f"{pixels}/{OTHER}").status_code == 400
    assert visitor.ads("POST", f"{DATASETS}/{OTHER}/ad_accounts/{DEFAULTS.ad_account_id}").status_code == 400


def test_the_audiences_data_sets_name_events_that_arrived(visitor: Visitor) -> None:
    def events() -> list[str]:
        return visitor.ads("GET", f"{ACCOUNT}/audiences/datasets").json()["datasets"][0]["events"]

    assert events() == ["view", "add_to_cart", "purchase"]
    visitor.capi([conversion("1"), conversion("2", event_name="SIGN_UP")])
    visitor.advance(1_200)
    assert events() == ["view", "add_to_cart", "purchase", "sign_up"]


def test_tokens_are_json_web_tokens_three_at_most_and_shown_with_their_secret(visitor: Visitor) -> None:
    made = [visitor.ads("POST", f"{CONNECTION}/tokens").json()["data"] for _ in range(2)]
    assert visitor.ads("GET", f"{CONNECTION}/tokens").json()["data"][0]["capi_auth_token"] == DEFAULTS.capi_token
    assert visitor.ads("GET", f"{CONNECTION}/tokens").json()["data"][1:] == made
    header, payload, _ = made[0]["capi_auth_token"].split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, payload)]
    assert decoded == [{"alg": "HS256", "typ": "JWT"}, {"token_id": made[0]["capi_auth_token_id"]}]
    fourth = visitor.ads("POST", f"{CONNECTION}/tokens")
    assert (fourth.status_code, error_code(fourth)) == (400, "INVALID.CAPI_TOKEN.TOO_MANY")
    visitor.ads("DELETE", f"{CONNECTION}/tokens/{DEFAULTS.capi_token_id}")
    assert visitor.capi([conversion()]).status_code == 401
    assert visitor.capi([conversion()], token=made[1]["capi_auth_token"]).status_code == 200
    assert visitor.ads("POST", f"{CONNECTION}/tokens").status_code == 201
    assert visitor.ads("DELETE", f"{CONNECTION}/tokens/{OTHER}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", DATASETS, {"name": ""}, 400, "INVALID.DATASET.NAME"),
        ("POST", DATASETS, {"name": "Shop"}, 400, "INVALID.DATASET.INTEGRATION_IDS"),
        ("POST", DATASETS, {"name": "Shop", "integration_ids": [OTHER]}, 404, "NOT_FOUND.INTEGRATION"),
        ("GET", f"{DATASETS}/nothing", None, 400, "INVALID.DATASET.DATASET_ID"),
        ("GET", f"{DATASETS}/{OTHER}", None, 404, "NOT_FOUND.DATASET"),
        ("PATCH", SEEDED, {"name": 7}, 400, "INVALID.DATASET.NAME"),
        ("POST", f"{SEEDED}/ad_accounts/{OTHER}", None, 400, "INVALID.DATASET.AD_ACCOUNT"),
        ("GET", f"{SEEDED}/diagnostics?granularities=WEEKLY", None, 400, "INVALID.DATASET.GRANULARITIES"),
        ("POST", CONNECTION.rpartition("/")[0], {"name": ""}, 400, "INVALID.CAPI_CONNECTION.NAME"),
        ("GET", f"{CONNECTION.rpartition('/')[0]}/{OTHER}", None, 404, "NOT_FOUND.CAPI_CONNECTION"),
        ("DELETE", f"{CONNECTION}/tokens/nothing", None, 400, "INVALID.CAPI_TOKEN.CAPI_AUTH_TOKEN_ID"),
        ("GET", f"{ADS}/businesses/nothing", None, 400, "INVALID.BUSINESS.BUSINESS_ID"),
    ],
)
def test_errors_of_data_sets_and_connections_are_theirs(
    visitor: Visitor, method: str, path: str, body: object, status: int, code: str
) -> None:
    answer = visitor.ads(method, path) if body is None else visitor.ads(method, path, json=body)
    assert (answer.status_code, error_code(answer)) == (status, code)
