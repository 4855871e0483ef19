"""Data sets, connections, tokens and diagnostics as Spotify answers them."""

from __future__ import annotations

from typing import Any

DATASET = "0d86b9e9-70f0-4700-a725-3417ba8786f6"
CONNECTION = "2fd920ed-a111-43d4-bee2-74d078c479a5"
INTEGRATION = "7c1e3f0a-58a2-4c54-9b0e-0f6d3f1f2b11"
CAPI_TOKEN = "bb7a8ba9-f77a-11ee-ae13-42010a8e0056"
CAPI_SECRET = "eyJhbGciOiJIUzI1NiJ9.7CANARYTOKEN.QBADF2P0S"
HOUR_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def connection_json(**fields: Any) -> dict[str, Any]:
    received = [{"event_type": "PURCHASE", "first_event_time": "2026-01-23T04:56:07Z"}]
    body = {
        "capi_connection_id": CONNECTION,
        "integration_id": INTEGRATION,
        "name": "Retail Sales",
        "dataset_id": DATASET,
        "events_received": received,
    }
    return {**body, **fields}


def dataset_json(**fields: Any) -> dict[str, Any]:
    body = {
        "id": DATASET,
        "name": "US Advertising",
        "capi_integration": connection_json(),
        "ad_set_count": 2,
        "is_archived": False,
        "is_receiving_events": True,
        "shared_ad_accounts": [{"id": "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a", "name": "US"}],
    }
    return {**body, **fields}


def token_json(**fields: Any) -> dict[str, Any]:
    body = {"capi_auth_token_id": CAPI_TOKEN, "capi_auth_token": CAPI_SECRET, "created_at": "2026-01-23T04:56:07Z"}
    return {**body, **fields}


def diagnostics_json(timestamp: object = HOUR_MS, **counts: object) -> dict[str, Any]:
    events = [
        {"name": name, "event_count": count, "last_activity_ms": HOUR_MS + 399_000}
        for name, count in (counts or {"PURCHASE": 12, "ADDTOCART": 3}).items()
    ]
    source = {
        "datasource_type": "CAPI",
        "datasource_id": CONNECTION,
        "granularity": "HOURLY",
        "timeseries": [{"total": 15, "timestamp": timestamp, "event_counts": events}],
    }
    return {"dataset_id": DATASET, "datasources": [source]}
