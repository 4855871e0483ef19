"""What the client sends, held against Spotify's own OpenAPI document where that is at hand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from spotify_pipeline.spotify import TokenStore
from spotify_pipeline_tests.spotify.conversion_objects import (
    CAPI_TOKEN,
    CONNECTION,
    DATASET,
    INTEGRATION,
    connection_json,
    dataset_json,
    diagnostics_json,
    token_json,
)
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    BUSINESS,
    SIGNED,
    Clock,
    Spotify,
    audience_json,
)

PROJECT = Path(__file__).resolve().parents[3]
BESIDE = PROJECT.parent / "shared" / "spotify" / "ads-api-v3.openapi.yaml"
VARIABLE = "SPOTIFY_ADS_API_OPENAPI"

OPERATIONS = {
    "getBusinesses": (lambda client: client.businesses(), {"businesses": []}),
    "getAdAccountsInBusiness": (lambda client: client.ad_accounts(BUSINESS), {"ad_accounts": []}),
    "getAdAccount": (lambda client: client.ad_account(AD_ACCOUNT), {"id": AD_ACCOUNT}),
    "batchGetAudiences": (lambda client: list(client.audiences(AD_ACCOUNT, query="q")), {"audiences": []}),
    "getAudience": (lambda client: client.audience(AD_ACCOUNT, AUDIENCE), audience_json()),
    "createAudience": (
        lambda client: client.create_customer_list_audience(
            AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description="Cancelled"
        ),
        audience_json(),
    ),
    "createAudience of a lookalike": (
        lambda client: client.create_lookalike_audience(
            AD_ACCOUNT, name="Like them", description="Like the lapsed", seed_audience_id=AUDIENCE
        ),
        audience_json(name="Like them", type="LOOKALIKE", seed_audience_id=AUDIENCE),
    ),
    "createAudience of web events": (
        lambda client: client.create_web_event_audience(
            AD_ACCOUNT,
            name="Bought",
            description="Bought lately",
            dataset_ids=[DATASET],
            included_events=["ADD_TO_CART"],
            excluded_events=["PURCHASE"],
            lookback_days=30,
        ),
        audience_json(
            name="Bought",
            subtype="WEB_EVENT",
            datasets=[{"id": DATASET, "name": "Shop"}],
            included_events=["ADDTOCART"],
            excluded_events=["PURCHASE"],
            lookback_days=30,
        ),
    ),
    "createAudience of ad engagement": (
        lambda client: client.create_ad_engagement_audience(
            AD_ACCOUNT,
            name="Heard",
            description=None,
            campaign_ids=[DATASET],
            exposure_type="IMPRESSIONS",
            lookback_days=180,
        ),
        audience_json(
            name="Heard",
            subtype="AD_ENGAGEMENT",
            campaign_ids=[DATASET],
            exposure_type="IMPRESSIONS",
            lookback_days=180,
        ),
    ),
    "getAudienceEligibleDatasets": (
        lambda client: client.audience_datasets(AD_ACCOUNT, query="q"),
        {"datasets": [{"id": DATASET, "name": "Shop", "events": ["add_to_cart"]}]},
    ),
    "getDatasetsByBusinessId": (lambda client: client.datasets(BUSINESS), {"datasets": [dataset_json()]}),
    "getDatasetById": (lambda client: client.dataset(BUSINESS, DATASET), dataset_json()),
    "createDataset": (lambda client: client.create_dataset(BUSINESS, "Shop", [INTEGRATION]), dataset_json(name="Shop")),
    "getDatasetsByAdAccountId": (
        lambda client: client.ad_account_datasets(BUSINESS, AD_ACCOUNT),
        {"datasets": [dataset_json()]},
    ),
    "shareBusinessDatasetWithAdAccount": (lambda client: client.share_dataset(BUSINESS, DATASET, AD_ACCOUNT), None),
    "unshareBusinessDatasetWithAdAccount": (
        lambda client: client.unshare_dataset(BUSINESS, DATASET, AD_ACCOUNT),
        None,
    ),
    "getDiagnosticsByDatasetId": (
        lambda client: client.diagnostics(BUSINESS, DATASET, ("HOURLY", "DAILY"), (CONNECTION, INTEGRATION)),
        diagnostics_json(),
    ),
    "createCapiIntegration": (
        lambda client: client.create_capi_connection(BUSINESS, "Shop", DATASET),
        connection_json(name="Shop"),
    ),
    "createCapiIntegration with a new data set": (
        lambda client: client.create_capi_connection(BUSINESS, "Shop"),
        connection_json(name="Shop"),
    ),
    "getCapiIntegrationById": (lambda client: client.capi_connection(BUSINESS, CONNECTION), connection_json()),
    "getCapiAuthTokens": (lambda client: client.capi_tokens(BUSINESS, CONNECTION), {"data": [token_json()]}),
    "createCapiAuthToken": (lambda client: client.create_capi_token(BUSINESS, CONNECTION), {"data": token_json()}),
    "deleteCapiAuthToken": (lambda client: client.delete_capi_token(BUSINESS, CONNECTION, CAPI_TOKEN), None),
    "editAudience": (
        lambda client: client.edit_audience(AD_ACCOUNT, AUDIENCE, name="Lapsed", description="Cancelled"),
        audience_json(),
    ),
    "editAudience of a lookalike": (
        lambda client: client.edit_audience(AD_ACCOUNT, AUDIENCE, name="Like them", audience_type="LOOKALIKE"),
        audience_json(type="LOOKALIKE", seed_audience_id=AUDIENCE),
    ),
    "deleteAudience": (lambda client: client.delete_audience(AD_ACCOUNT, AUDIENCE), {"deletion_count": 1}),
    "createUploadUrl": (lambda client: client.new_upload(AD_ACCOUNT), {"id": AUDIENCE, "upload_url": SIGNED}),
    "replaceUploadUrl": (
        lambda client: client.replacement_upload(AD_ACCOUNT, AUDIENCE),
        {"id": AUDIENCE, "upload_url": SIGNED},
    ),
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    path = Path(os.environ.get(VARIABLE) or BESIDE)
    if not path.exists():
        pytest.skip(f"Spotify's OpenAPI document is not at hand; set {VARIABLE} to its path to run this test")
    return yaml.safe_load(path.read_text())


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def known_properties(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    schema = resolved(document, schema)
    inner = (known_properties(document, part) for part in schema.get("allOf", []))
    return set(schema.get("properties", {})).union(*inner)


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(value)]


def as_sent(document: dict[str, Any], parameter: dict[str, Any], values: list[str]) -> object:
    schema = resolved(document, parameter["schema"])
    if schema["type"] == "array":
        return values
    (value,) = values
    return int(value) if schema["type"] == "integer" else value


@pytest.mark.parametrize("called", OPERATIONS)
@pytest.mark.parametrize("status_from_document", [False, True], ids=["request", "documented success"])
def test_operation_is_as_in_the_document(
    document: dict[str, Any],
    called: str,
    status_from_document: bool,
    store: TokenStore,
    spotify: Spotify,
    clock: Clock,
):
    call, answer = OPERATIONS[called]
    template, item, operation = find(document, called.split(" ", maxsplit=1)[0])
    successes = [int(status) for status in operation["responses"] if status.startswith("2")]
    spotify.api = [httpx.Response(successes[0]) if answer is None else httpx.Response(successes[0], json=answer)]
    records: list[Any] = []
    with spotify.open(store, clock, observer=records.append) as client:
        call(client)
    if status_from_document and answer is None:
        assert "content" not in operation["responses"][str(successes[0])]
        return
    if status_from_document:
        content = operation["responses"][str(successes[0])]["content"]["application/json"]["schema"]
        assert faults(document, content, answer) == []  # so the script above answers as Spotify would
        return
    (request,) = spotify.api_calls
    assert records[-1].route == template
    assert request.method.lower() == item
    assert request.url.host == httpx.URL(document["servers"][0]["url"]).host
    check_path(document, template, operation, request)
    check_query(document, operation, request)
    check_body(document, operation, request)


def find(document: dict[str, Any], operation_id: str) -> tuple[str, str, dict[str, Any]]:
    ((template, method, operation),) = [
        (template, method, operation)
        for template, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and operation.get("operationId") == operation_id
    ]
    return template, method, operation


def parameters(document: dict[str, Any], operation: dict[str, Any], place: str) -> dict[str, dict[str, Any]]:
    every = (resolved(document, each) for each in operation.get("parameters", []))
    return {each["name"]: each for each in every if each["in"] == place}


def check_path(document: dict[str, Any], template: str, operation: dict[str, Any], request: httpx.Request) -> None:
    base = httpx.URL(document["servers"][0]["url"]).path
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
    matched = re.fullmatch(base + pattern, request.url.path)
    assert matched is not None
    declared = parameters(document, operation, "path")
    assert set(matched.groupdict()) == set(declared)
    for name, value in matched.groupdict().items():
        assert faults(document, declared[name]["schema"], value) == []


def check_query(document: dict[str, Any], operation: dict[str, Any], request: httpx.Request) -> None:
    declared = parameters(document, operation, "query")
    sent: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.url.query.decode(), keep_blank_values=True):
        sent.setdefault(name, []).append(value)
    assert set(sent) <= set(declared)
    assert {name for name, each in declared.items() if each.get("required")} <= set(sent)
    for name, values in sent.items():
        assert faults(document, declared[name]["schema"], as_sent(document, declared[name], values)) == []


def check_body(document: dict[str, Any], operation: dict[str, Any], request: httpx.Request) -> None:
    if "requestBody" not in operation:
        assert request.content == b""
        return
    assert request.headers["content-type"] == "application/json"
    body = json.loads(request.content)
    schema = resolved(document, operation["requestBody"]["content"]["application/json"]["schema"])
    chosen: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    if (discriminator := schema.get("discriminator")) is not None:
        chosen = {"$ref": discriminator["mapping"][body[discriminator["propertyName"]]]}
    assert faults(document, chosen, body) == []
    assert set(body) <= known_properties(document, chosen)  # the document does not forbid others; we send none


def test_the_check_itself_finds_a_fault(document: dict[str, Any]):
    schema = {"$ref": "#/components/schemas/CreateCustomAudienceRequest"}
    good = {"audience_type": "CUSTOM", "name": "Lapsed", "audience_id": AUDIENCE, "subtype": "CUSTOMER_LIST"}
    assert faults(document, schema, good) == []
    for bad in ({"name": "x"}, {"subtype": "LIST"}, {"audience_id": "x"}, {"description": "x" * 81}):
        assert faults(document, schema, {**good, **bad}) != []
    assert "audience_id" in known_properties(document, schema)
