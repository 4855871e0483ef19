"""Create and edit requests that do not fit the contract: 400, and nothing is made or changed."""

from __future__ import annotations

import pytest

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, Visitor, email_list, error_code

OTHER = "9f6b2d30-0000-4000-8000-00000000abcd"
UNSET = object()


def how_many(visitor: Visitor) -> int:
    return visitor.ads("GET", AUDIENCES).json()["paging"]["total_results"]


GOOD_BODIES = {
    "list": {
        "audience_type": "CUSTOM",
        "subtype": "CUSTOMER_LIST",
        "name": "Name",
        "audience_id": OTHER,
    },
    "web": {
        "audience_type": "CUSTOM",
        "subtype": "WEB_EVENT",
        "name": "Name",
        "dataset_ids": [DEFAULTS.dataset_id],
        "included_events": ["VIEW"],
        "lookback_days": 30,
    },
    "engagement": {
        "audience_type": "CUSTOM",
        "subtype": "AD_ENGAGEMENT",
        "name": "Name",
        "campaign_ids": [OTHER],
        "exposure_type": "IMPRESSIONS",
        "lookback_days": 30,
    },
    "lookalike": {"audience_type": "LOOKALIKE", "name": "Name", "seed_audience_id": OTHER},
}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("list", "name", "x"),
        ("list", "name", "x" * 81),
        ("list", "name", UNSET),
        ("list", "name", None),
        ("list", "name", 12),
        ("list", "description", "x" * 81),
        ("list", "description", None),
        ("list", "audience_type", UNSET),
        ("list", "audience_type", "custom"),
        ("list", "subtype", UNSET),
        ("list", "subtype", "LIVERAMP"),
        ("list", "audience_id", UNSET),
        ("list", "audience_id", "not-a-uuid"),
        ("list", "audience_id", OTHER + " "),
        ("list", "audience_id", None),
        ("list", "lookback_days", 30),
        ("list", "id", OTHER),
        ("list", "status", "LIVE"),
        ("web", "dataset_ids", []),
        ("web", "dataset_ids", UNSET),
        ("web", "dataset_ids", "one"),
        ("web", "dataset_ids", [1]),
        ("web", "included_events", UNSET),
        ("web", "included_events", ["add_to_cart"]),
        ("web", "excluded_events", ["CUSTOM_EVENT_6"]),
        ("web", "lookback_days", UNSET),
        ("web", "lookback_days", 45),
        ("web", "lookback_days", "30"),
        ("web", "lookback_days", True),
        ("web", "audience_id", OTHER),
        ("engagement", "campaign_ids", UNSET),
        ("engagement", "ad_set_ids", [OTHER]),
        ("engagement", "exposure_type", "VIEWS"),
        ("engagement", "exposure_type", UNSET),
        ("engagement", "lookback_days", 31),
        ("lookalike", "seed_audience_id", UNSET),
        ("lookalike", "seed_audience_id", "x"),
        ("lookalike", "subtype", "CUSTOMER_LIST"),
    ],
)
def test_a_create_request_that_does_not_fit_is_400_and_makes_nothing(
    visitor: Visitor, kind: str, field: str, value: object
) -> None:
    body = {**GOOD_BODIES[kind], field: value}
    if value is UNSET:
        del body[field]
    answer = visitor.ads("POST", AUDIENCES, json=body)
    assert answer.status_code == 400, answer.text
    assert error_code(answer).startswith("INVALID.AUDIENCE.")
    assert how_many(visitor) == 0


def test_names_of_2_and_80_characters_are_taken(visitor: Visitor) -> None:
    for name in ("ab", "ö" * 80):
        audience_id = visitor.audience_of(email_list(1), name=name, description="d" * 80)
        assert visitor.get(audience_id)["name"] == name


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "[" * 100_000])
def test_a_body_that_is_no_json_object_is_400(visitor: Visitor, body: str) -> None:
    headers = visitor.bearer | {"Content-Type": "application/json"}
    answer = visitor.http.post(AUDIENCES, content=body, headers=headers)
    assert (answer.status_code, error_code(answer)) == (400, "INVALID.AUDIENCE.BODY")


def test_a_form_is_no_json_and_a_huge_body_is_not_read(visitor: Visitor) -> None:
    assert visitor.ads("POST", AUDIENCES, data={"name": "x"}).status_code == 400
    assert visitor.ads("POST", AUDIENCES, json={"name": "x" * 2_000_000}).status_code == 413


@pytest.mark.parametrize(
    "edit",
    [
        {"name": "Renamed"},
        {"audience_type": "LOOKALIKE", "name": "Renamed"},
        {"audience_type": "CUSTOM", "name": "x"},
        {"audience_type": "CUSTOM", "description": "x" * 81},
        {"audience_type": "CUSTOM", "subtype": "WEB_EVENT"},
        {"audience_type": "CUSTOM", "audience_id": OTHER},
    ],
)
def test_an_edit_that_does_not_fit_is_400_and_changes_nothing(visitor: Visitor, edit: dict) -> None:
    audience_id = visitor.audience_of(email_list(10))
    before = visitor.get(audience_id)
    answer = visitor.ads("PATCH", f"{AUDIENCES}/{audience_id}", json=edit)
    assert answer.status_code == 400
    assert error_code(answer).startswith("INVALID.AUDIENCE.")
    assert visitor.get(audience_id) == before
