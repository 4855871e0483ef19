"""The sandbox against Spotify's own OpenAPI document, which is not part of this project.

It is looked for at ``SPOTIFY_ADS_API_OPENAPI``, else beside the project; without it these tests are skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from starlette.routing import Route

from spotify_pipeline.sandbox import DEFAULTS, SandboxState, create_app
from spotify_pipeline.sandbox.ads import account_routes, audience_rules
from spotify_pipeline.sandbox.ads.diagnostics import DIAGNOSTICS_QUERY, GRANULARITIES
from spotify_pipeline.sandbox.ads.responses import SIGNAL_NAMES
from spotify_pipeline.sandbox.events.rules import EVENT_NAMES
from spotify_pipeline.sandbox.lists import audience_status as standing
from spotify_pipeline_tests.sandbox.visitor import (
    ACCOUNT,
    ADS,
    AUDIENCES,
    BUSINESS,
    CAPI,
    DATASETS,
    Visitor,
    conversion,
    email_list,
)

PROJECT = Path(__file__).parents[3]
BESIDE = PROJECT.parent / "shared" / "spotify" / "ads-api-v3.openapi.yaml"
DOCUMENT = Path(os.environ.get("SPOTIFY_ADS_API_OPENAPI", BESIDE))
OTHER = "9f6b2d30-0000-4000-8000-00000000abcd"
EXTRA_FIELDS = {"GetBusinessesResponse": {"paging"}}
"""What the sandbox answers beyond the document, on purpose."""

ITEMS = (
    ("AudiencesListResponse", "audiences", "AudienceResponse"),
    ("BusinessAdAccountsResponse", "ad_accounts", "AdAccountResponse"),
    ("DatasetsResponse", "datasets", "Dataset"),
)
"""Lists in answers, and what they are lists of."""

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(),
    reason="Spotify's OpenAPI document is not at hand; name it in SPOTIFY_ADS_API_OPENAPI",
)

formats = FormatChecker()


@formats.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value))


@pytest.fixture(scope="session")
def document() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with DOCUMENT.open() as file:
        return yaml.load(file, Loader=loader)  # noqa: S506 - both are safe loaders


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Every operation of audiences, data sets and CAPI, and the reading operations that lead to an ad account."""
    ours = ("audiences", "measurement-datasets", "capi-measurement")
    wanted = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            reads_accounts = method == "get" and operation["operationId"] in {
                *("getBusinesses", "getBusiness", "getAdAccountsInBusiness", "getAdAccount"),
            }
            if operation["tags"][0] in ours or reads_accounts:
                wanted.append((method.upper(), path))
    return wanted


def named_schema(document: dict[str, Any], method: str, path: str, status: int) -> str:
    operation = document["paths"][path][method.lower()]
    content = operation["responses"][str(status)]["content"]["application/json"]["schema"]["$ref"]
    return content.removeprefix("#/components/schemas/")


def properties_of(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema and "properties" not in schema:
        return properties_of(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    inherited = (properties_of(document, part) for part in schema.get("allOf", []))
    return set(schema.get("properties", {})).union(*inherited)


def conform(document: dict[str, Any], answer: httpx.Response, method: str, path: str) -> None:
    """The answer has a documented status, fits its schema, and has no field the document does not know."""
    name = named_schema(document, method, path, answer.status_code)
    schema = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
    body = answer.json()
    faults = [error.message for error in Draft202012Validator(schema, format_checker=formats).iter_errors(body)]
    assert faults == []
    known = properties_of(document, document["components"]["schemas"][name]) | EXTRA_FIELDS.get(name, set())
    assert set(body) <= known
    for owner, field, item in ITEMS:
        if owner != name:
            continue
        item_fields = properties_of(document, document["components"]["schemas"][item])
        for entry in body.get(field, []):
            assert set(entry) <= item_fields


def test_every_documented_operation_is_routed(document: dict[str, Any], tmp_path: Path) -> None:
    state = SandboxState.open(directory=tmp_path)
    routes = [route for route in create_app(state).routes if isinstance(route, Route)]
    state.close()
    served = {(method, route.path) for route in routes for method in route.methods or ()}
    wanted = operations(document)
    assert len(wanted) == 27
    missing = [(method, path) for method, path in wanted if (method, ADS + path) not in served]
    assert missing == []


AUDIENCE = "/ad_accounts/{ad_account_id}/audiences"


def test_answers_of_every_operation_fit_the_document(document: dict[str, Any], visitor: Visitor) -> None:
    def check(method: str, template: str, path: str, status: int, **options: object) -> Any:
        answer = visitor.ads(method, path, **options)
        assert answer.status_code == status, answer.text
        conform(document, answer, method, template)
        return answer.json()

    business = f"{ADS}/businesses/{DEFAULTS.business_id}"
    check("GET", "/businesses", f"{ADS}/businesses", 200)
    check("GET", "/businesses/{business_id}", business, 200)
    check("GET", "/businesses/{business_id}/ad_accounts", f"{business}/ad_accounts", 200)
    check("GET", "/ad_accounts/{ad_account_id}", ACCOUNT, 200)
    check("GET", f"{AUDIENCE}/datasets", f"{AUDIENCES}/datasets", 200)
    check("POST", f"{AUDIENCE}/upload_url", f"{AUDIENCES}/upload_url", 200)

    listed = visitor.upload(email_list(1_200))
    made = {"audience_type": "CUSTOM", "name": "Made", "description": "From a test"}
    web = {
        "subtype": "WEB_EVENT",
        "dataset_ids": [DEFAULTS.dataset_id],
        "included_events": ["VIEW"],
        "excluded_events": ["PURCHASE"],
        "lookback_days": 60,
    }
    engaged = {"subtype": "AD_ENGAGEMENT", "ad_set_ids": [OTHER], "exposure_type": "CLICKS", "lookback_days": 180}
    bodies = [
        {**made, "subtype": "CUSTOMER_LIST", "audience_id": listed},
        {**made, **web},
        {**made, **engaged},
        {"audience_type": "LOOKALIKE", "name": "Alike", "seed_audience_id": listed},
    ]
    request_schema = {"components": document["components"], "$ref": "#/components/schemas/CreateAudienceRequest"}
    ids = []
    for body in bodies:
        variants = request_schema["components"]["schemas"]["CreateAudienceRequest"]["discriminator"]["mapping"]
        shape = {"components": document["components"], "$ref": variants[body["audience_type"]]}
        assert Draft202012Validator(shape, format_checker=formats).is_valid(body)
        ids.append(check("POST", AUDIENCE, AUDIENCES, 201, json=body)["id"])

    for _ in range(3):
        for audience_id in ids:
            check("GET", f"{AUDIENCE}/{{audience_id}}", f"{AUDIENCES}/{audience_id}", 200)
        check("GET", AUDIENCE, AUDIENCES, 200)
        visitor.advance(15 * 3600)
    replacement = f"{AUDIENCES}/upload_url/{listed}"
    assert check("POST", f"{AUDIENCE}/upload_url/{{audience_id}}", replacement, 200)["id"] == listed
    edit = {"audience_type": "CUSTOM", "name": "Edited"}
    check("PATCH", f"{AUDIENCE}/{{audience_id}}", f"{AUDIENCES}/{listed}", 200, json=edit)
    check("DELETE", f"{AUDIENCE}/{{audience_id}}", f"{AUDIENCES}/{ids[1]}", 200)
    visitor.http.post(f"/sandbox/audiences/{listed}/status", json={"status": "LIVE"})
    check("DELETE", f"{AUDIENCE}/{{audience_id}}", f"{AUDIENCES}/{listed}", 409)


def test_answers_of_data_sets_and_connections_fit_the_document(document: dict[str, Any], visitor: Visitor) -> None:
    business = "/businesses/{business_id}"
    capi, datasets = f"{business}/capi", f"{business}/datasets"
    connection, dataset = f"{capi}/{{capi_connection_id}}", f"{datasets}/{{dataset_id}}"

    def check(method: str, template: str, path: str, status: int = 200, **options: object) -> Any:
        answer = visitor.ads(method, path, **options)
        assert answer.status_code == status, answer.text
        assert str(status) in document["paths"][template][method.lower()]["responses"]
        if status != 204:
            conform(document, answer, method, template)
        return answer.json() if answer.content else None

    def fits(entry: dict[str, Any], schema: str) -> None:
        """No field of a part of an answer is one that the document does not know."""
        assert set(entry) <= properties_of(document, document["components"]["schemas"][schema])

    assert visitor.capi([conversion(), conversion("order-2", event_name="ADD_TO_CART")]).status_code == 200
    visitor.advance(1_200)
    made = check("POST", capi, CAPI, 201, json={"name": "Shop"})
    one = f"{CAPI}/{made['capi_connection_id']}"
    check("PATCH", connection, one, json={"name": "Other shop"})
    assert check("GET", connection, one)["name"] == "Other shop"
    check("POST", capi, CAPI, 409, json={"name": "Second", "dataset_id": made["dataset_id"]})
    tokens = [check("POST", f"{connection}/tokens", f"{one}/tokens", 201)["data"] for _ in range(3)]
    check("POST", f"{connection}/tokens", f"{one}/tokens", 400)
    assert check("GET", f"{connection}/tokens", f"{one}/tokens")["data"] == tokens
    gone = f"{one}/tokens/{tokens[0]['capi_auth_token_id']}"
    check("DELETE", f"{connection}/tokens/{{capi_auth_token_id}}", gone, 204)
    check("DELETE", f"{connection}/tokens/{{capi_auth_token_id}}", gone, 404)

    shown = {entry["id"]: entry for entry in check("GET", datasets, DATASETS)["datasets"]}
    received = shown[DEFAULTS.dataset_id]["capi_integration"]["events_received"]
    assert {entry["event_type"] for entry in received} == {"PURCHASE", "ADDTOCART"}
    assert shown[DEFAULTS.pixel_dataset_id]["pixel"]["id"] == DEFAULTS.pixel_id
    fits(shown[DEFAULTS.pixel_dataset_id]["pixel"], "Pixel")
    fits(shown[DEFAULTS.dataset_id]["capi_integration"], "CapiIntegration")
    fits(tokens[0], "CapiAuthTokenResponse")
    joined = {"name": "Joined", "integration_ids": [made["integration_id"]]}
    new = f"{DATASETS}/{check('POST', datasets, DATASETS, 201, json=joined)['id']}"
    check("PATCH", dataset, new, json={"name": "Renamed"})
    assert check("GET", dataset, new)["name"] == "Renamed"
    shared = f"{dataset}/ad_accounts/{{ad_account_id}}"
    check("POST", shared, f"{new}/ad_accounts/{DEFAULTS.ad_account_id}", 204)
    of_account = f"{BUSINESS}/ad_accounts/{DEFAULTS.ad_account_id}/datasets"
    assert len(check("GET", f"{business}/ad_accounts/{{ad_account_id}}/datasets", of_account)["datasets"]) == 2
    check("DELETE", shared, f"{new}/ad_accounts/{DEFAULTS.ad_account_id}", 204)
    check("DELETE", f"{dataset}/integrations/{{integration_id}}", f"{new}/integrations/{made['integration_id']}")
    seeded = f"{DATASETS}/{DEFAULTS.dataset_id}/diagnostics"
    query = {"granularities": ["HOURLY", "DAILY"], "datasource_ids": [DEFAULTS.capi_integration_id]}
    series = check("GET", f"{dataset}/diagnostics", seeded, params=query)["datasources"]
    assert [entry["granularity"] for entry in series] == ["HOURLY", "DAILY"]
    fits(series[0], "DiagnosticDatasource")
    fits(series[0]["timeseries"][0], "DiagnosticEvents")
    fits(series[0]["timeseries"][0]["event_counts"][0], "DiagnosticEvent")
    assert [entry["timeseries"][0]["total"] for entry in series] == [2, 2]


def test_errors_of_every_operation_fit_the_document(document: dict[str, Any], visitor: Visitor) -> None:
    """400 for a broken id, 403 for terms, 404 for an unknown account, wherever the document lists them."""
    checked = 0
    for method, template in operations(document):
        listed = document["paths"][template][method.lower()]["responses"]
        for status, account, terms in (("400", "x", True), ("404", OTHER, True), ("403", OTHER, False)):
            if status not in listed or "{" not in template:
                continue
            visitor.http.post("/sandbox/terms", json={"accepted": terms})
            path = ADS + re.sub(r"\{\w+\}", account, template)
            answer = visitor.ads(method, path)
            assert answer.status_code == int(status), (method, path, answer.text)
            conform(document, answer, method, template)
            checked += 1
    assert checked >= 60


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ("AudienceSubtype", lambda: audience_rules.SUBTYPES),
        ("AudienceType", lambda: audience_rules.AUDIENCE_TYPES),
        ("ExposureType", lambda: audience_rules.EXPOSURE_TYPES),
        ("SignalEventType", lambda: audience_rules.EVENTS),
        ("SignalEventType", lambda: (*(SIGNAL_NAMES.get(name, name) for name in EVENT_NAMES), "CLICK")),
        ("Granularity", lambda: tuple(GRANULARITIES)),
        ("AudienceStatus", lambda: standing.STATUSES),
        ("Type", lambda: account_routes.AD_ACCOUNT_TYPES),
    ],
)
def test_word_lists_are_the_documents(
    document: dict[str, Any], schema: str, values: Callable[[], tuple[str, ...]]
) -> None:
    assert set(values()) == set(document["components"]["schemas"][schema]["enum"])


def test_limits_are_the_documents(document: dict[str, Any]) -> None:
    schemas, parameters = document["components"]["schemas"], document["components"]["parameters"]
    name, description = schemas["AudienceName"], schemas["AudienceDescription"]
    assert (name["minLength"], name["maxLength"]) == audience_rules.NAME_LENGTH
    assert description["maxLength"] == audience_rules.DESCRIPTION_LENGTH[1]
    assert parameters["limit"]["schema"]["maximum"] == audience_rules.LARGEST_PAGE
    assert schemas["AudienceSortField"]["default"] == "UPDATED_AT"
    assert schemas["SortDirection"]["default"] == "DESC"
    create = document["paths"][AUDIENCE]["get"]["parameters"]
    names = {parameters[one["$ref"].rpartition("/")[2]]["name"] for one in create}
    assert names - {"ad_account_id"} == audience_rules.LIST_QUERY
    diagnostics = document["paths"]["/businesses/{business_id}/datasets/{dataset_id}/diagnostics"]["get"]["parameters"]
    query = {one["name"] for one in (parameters[one["$ref"].rpartition("/")[2]] for one in diagnostics)}
    assert query - {"business_id", "dataset_id"} == DIAGNOSTICS_QUERY
