"""The Ads API's audience operations as a client sees them."""

from __future__ import annotations

import uuid

import pytest

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.sandbox.visitor import ACCOUNT, ADS, AUDIENCES, START, Visitor, email_list, error_code

OTHER = "9f6b2d30-0000-4000-8000-00000000abcd"


def listed(visitor: Visitor, **query: object) -> tuple[list[str], dict]:
    answer = visitor.ads("GET", AUDIENCES, params=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return [audience["name"] for audience in body["audiences"]], body["paging"]


def test_a_customer_list_audience_has_the_id_of_its_upload(visitor: Visitor) -> None:
    audience_id = visitor.upload(email_list(1_000))
    answer = visitor.create(audience_id, description="key 1a2b")
    assert answer.status_code == 201
    body = answer.json()
    assert body["id"] == audience_id
    assert (body["type"], body["subtype"], body["status"]) == ("CUSTOM", "CUSTOMER_LIST", "PROCESSING")
    assert (body["name"], body["description"]) == ("Lapsed subscribers", "key 1a2b")
    assert body["sources"] == ["CUSTOMER_LIST"]
    assert "lookback_days" not in body
    assert visitor.get(audience_id) == body


def test_between_upload_and_create_there_is_no_audience(visitor: Visitor) -> None:
    audience_id = visitor.upload(email_list(10))
    answer = visitor.ads("GET", f"{AUDIENCES}/{audience_id}")
    assert (answer.status_code, error_code(answer)) == (404, "NOT_FOUND.AUDIENCE")


def test_c02_creating_the_same_id_again_conflicts_and_makes_no_second(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(10))
    answer = visitor.create(audience_id)
    assert (answer.status_code, error_code(answer)) == (409, "CONFLICT.AUDIENCE.EXISTS")
    assert listed(visitor)[1]["total_results"] == 1


def test_an_audience_id_that_no_upload_url_gave_is_unknown(visitor: Visitor) -> None:
    answer = visitor.create(OTHER)
    assert (answer.status_code, error_code(answer)) == (404, "NOT_FOUND.AUDIENCE.UPLOAD")


def test_a_web_event_audience(visitor: Visitor) -> None:
    body = {
        "audience_type": "CUSTOM",
        "subtype": "WEB_EVENT",
        "name": "Cart abandoners",
        "dataset_ids": [DEFAULTS.dataset_id],
        "included_events": ["ADDTOCART"],
        "excluded_events": ["PURCHASE"],
        "lookback_days": 30,
    }
    answer = visitor.ads("POST", AUDIENCES, json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["datasets"] == [{"id": DEFAULTS.dataset_id, "name": "Sandbox Web Shop"}]
    assert (made["included_events"], made["excluded_events"]) == (["ADDTOCART"], ["PURCHASE"])

    unknown = visitor.ads("POST", AUDIENCES, json={**body, "dataset_ids": [OTHER]})
    assert (unknown.status_code, error_code(unknown)) == (404, "NOT_FOUND.DATASET")


def test_an_engagement_audience(visitor: Visitor) -> None:
    body = {
        "audience_type": "CUSTOM",
        "subtype": "AD_ENGAGEMENT",
        "name": "Clickers",
        "campaign_ids": [OTHER],
        "exposure_type": "CLICKS",
        "lookback_days": 90,
    }
    made = visitor.ads("POST", AUDIENCES, json=body)
    assert made.status_code == 201
    assert made.json()["campaign_ids"] == [OTHER]
    assert "ad_set_ids" not in made.json()


def test_a_lookalike_names_its_seed_and_the_seed_its_lookalikes(visitor: Visitor) -> None:
    seed = visitor.audience_of(email_list(1_000), name="Seed")
    body = {"audience_type": "LOOKALIKE", "name": "Like the seed", "seed_audience_id": seed}
    made = visitor.ads("POST", AUDIENCES, json=body)
    assert made.status_code == 201
    assert (made.json()["type"], made.json()["seed_audience_name"]) == ("LOOKALIKE", "Seed")
    assert "subtype" not in made.json()
    assert visitor.get(seed)["lookalike_audience_ids"] == [made.json()["id"]]

    orphan = visitor.ads("POST", AUDIENCES, json={**body, "seed_audience_id": OTHER})
    assert (orphan.status_code, error_code(orphan)) == (404, "NOT_FOUND.AUDIENCE")


def test_an_edit_changes_name_and_description_and_nothing_else(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(10), description="before")
    before = visitor.get(audience_id)
    visitor.advance(60)

    edit = {"audience_type": "CUSTOM", "name": "Renamed"}
    answer = visitor.ads("PATCH", f"{AUDIENCES}/{audience_id}", json=edit)

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["description"]) == ("Renamed", "before")
    assert answer.json()["created_at"] == before["created_at"]
    assert answer.json()["updated_at"] > before["updated_at"]
    assert visitor.get(audience_id) == answer.json()


def test_deleting_counts_one_and_everything_of_it_is_gone(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(10))
    ticket = visitor.ticket(audience_id)

    answer = visitor.ads("DELETE", f"{AUDIENCES}/{audience_id}")

    assert (answer.status_code, answer.json()) == (200, {"deletion_count": 1})
    assert visitor.ads("GET", f"{AUDIENCES}/{audience_id}").status_code == 404
    assert visitor.ads("DELETE", f"{AUDIENCES}/{audience_id}").status_code == 404
    assert visitor.http.get(f"/sandbox/audiences/{audience_id}/list").status_code == 404
    assert visitor.http.post(ticket["upload_url"], headers=START).status_code == 403
    assert visitor.create(audience_id).status_code == 404


def test_a_live_audience_cannot_be_deleted(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_000))
    visitor.http.post(f"/sandbox/audiences/{audience_id}/status", json={"status": "LIVE"})
    answer = visitor.ads("DELETE", f"{AUDIENCES}/{audience_id}")
    assert (answer.status_code, error_code(answer)) == (409, "CONFLICT.AUDIENCE.IN_USE")
    visitor.http.post(f"/sandbox/audiences/{audience_id}/status", json={"status": None})
    assert visitor.ads("DELETE", f"{AUDIENCES}/{audience_id}").status_code == 200


def test_a_replacement_url_has_the_audiences_own_id(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1_000))
    assert visitor.ticket(audience_id)["id"] == audience_id
    assert visitor.ticket()["id"] != audience_id


def test_only_an_existing_customer_list_can_be_replaced(visitor: Visitor) -> None:
    unknown = visitor.ads("POST", f"{AUDIENCES}/upload_url/{OTHER}")
    assert (unknown.status_code, error_code(unknown)) == (404, "NOT_FOUND.AUDIENCE")
    seed = visitor.audience_of(email_list(1_000))
    body = {"audience_type": "LOOKALIKE", "name": "Alike", "seed_audience_id": seed}
    lookalike = visitor.ads("POST", AUDIENCES, json=body).json()["id"]
    wrong = visitor.ads("POST", f"{AUDIENCES}/upload_url/{lookalike}")
    assert (wrong.status_code, error_code(wrong)) == (400, "INVALID.AUDIENCE.SUBTYPE")


@pytest.fixture
def seven(visitor: Visitor) -> list[str]:
    """Audiences a to g, a minute apart; the ids in that order."""
    ids = []
    for letter in "abcdefg":
        ids.append(visitor.audience_of(email_list(1), name=f"Segment {letter}"))
        visitor.http.post("/sandbox/clock", json={"advance_seconds": 60})
    return ids


def names(letters: str) -> list[str]:
    return [f"Segment {letter}" for letter in letters]


def test_listing_pages_sorts_and_filters(visitor: Visitor, seven: list[str]) -> None:
    newest_first, paging = listed(visitor)
    assert newest_first == names("gfedcba")
    assert paging == {"page_size": 50, "total_results": 7, "offset": 0, "current_page": 1}

    page, paging = listed(visitor, limit=3, offset=3, sort_field="NAME", sort_direction="ASC")
    assert page == names("def")
    assert paging == {"page_size": 3, "total_results": 7, "offset": 3, "current_page": 2}
    assert listed(visitor, limit=3, offset=6, sort_field="NAME", sort_direction="ASC")[0] == names("g")
    assert listed(visitor, offset=7)[0] == []

    assert listed(visitor, q="MENT C")[0] == names("c")
    assert listed(visitor, q="seg*b")[0] == names("b")
    assert listed(visitor, q="[a-g]")[0] == []
    assert listed(visitor, audience_ids=[seven[1], seven[0]])[0] == names("ba")
    assert listed(visitor, audience_types=["LOOKALIKE"])[0] == []
    assert len(listed(visitor, audience_types=["LOOKALIKE", "CUSTOM"])[0]) == 7


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 51},
        {"limit": "ten"},
        {"offset": -1},
        {"sort_field": "CREATED_AT"},
        {"sort_direction": "asc"},
        {"audience_types": "CUSTOM,LOOKALIKE"},
        {"audience_ids": f"{OTHER},{OTHER}"},
        {"audience_sort_field": "NAME"},
        {"status": "LIVE"},
    ],
)
def test_a_list_query_that_does_not_fit_is_400(visitor: Visitor, query: dict[str, object]) -> None:
    answer = visitor.ads("GET", AUDIENCES, params=query)
    assert answer.status_code == 400
    assert error_code(answer).startswith("INVALID.AUDIENCE.")


def test_data_sets_for_web_events(visitor: Visitor) -> None:
    answer = visitor.ads("GET", f"{AUDIENCES}/datasets")
    assert [one["id"] for one in answer.json()["datasets"]] == [DEFAULTS.dataset_id]
    assert visitor.ads("GET", f"{AUDIENCES}/datasets", params={"q": "nothing"}).json()["datasets"] == []
    assert visitor.ads("GET", f"{AUDIENCES}/datasets", params={"offset": 1}).status_code == 400


def test_businesses_and_ad_accounts_lead_to_the_audiences(visitor: Visitor) -> None:
    business = visitor.ads("GET", f"{ADS}/businesses").json()["businesses"][0]
    assert business["id"] == DEFAULTS.business_id
    path = f"{ADS}/businesses/{business['id']}"
    assert visitor.ads("GET", path).json() == business
    accounts = visitor.ads("GET", f"{path}/ad_accounts").json()["ad_accounts"]
    assert {account["id"]: account["ad_account_role"] for account in accounts} == {
        DEFAULTS.ad_account_id: "AD_ACCOUNT_ADMIN",
        DEFAULTS.viewer_ad_account_id: "AD_ACCOUNT_VIEWER",
    }
    assert visitor.ads("GET", ACCOUNT).json() in accounts
    assert visitor.ads("GET", f"{path}/ad_accounts", params={"type": "NONSENSE"}).status_code == 400
    assert visitor.ads("GET", f"{ADS}/ad_accounts").status_code == 404


def test_another_accounts_audience_is_not_found(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(1))
    elsewhere = f"{ADS}/ad_accounts/{DEFAULTS.viewer_ad_account_id}/audiences"
    assert visitor.ads("GET", f"{elsewhere}/{audience_id}").status_code == 404
    assert visitor.ads("GET", elsewhere).json()["audiences"] == []


@pytest.mark.parametrize("path", [f"{ADS}/nothing", f"{AUDIENCES}/{uuid.uuid4()}/more", f"{AUDIENCES}/"])
def test_unknown_paths_answer_in_the_documents_error_shape(visitor: Visitor, path: str) -> None:
    answer = visitor.ads("GET", path)
    assert (answer.status_code, error_code(answer)) == (404, "UNKNOWN_OPERATION")
    wrong_method = visitor.ads("PUT", AUDIENCES)
    assert (wrong_method.status_code, error_code(wrong_method)) == (405, "UNKNOWN_OPERATION")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (AUDIENCES, "GET, HEAD, POST"),
        (f"{AUDIENCES}/{uuid.uuid4()}", "DELETE, GET, HEAD, PATCH"),
        (f"{ADS}/businesses/{DEFAULTS.business_id}/capi/{DEFAULTS.capi_connection_id}/tokens", "GET, HEAD, POST"),
        ("/capi-direct/events/", "POST"),
        ("/sandbox/faults", "DELETE, GET, HEAD, POST"),
    ],
)
def test_a_method_that_there_is_not_is_answered_with_those_that_there_are(
    visitor: Visitor, path: str, methods: str
) -> None:
    answer = visitor.ads("TRACE", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)
