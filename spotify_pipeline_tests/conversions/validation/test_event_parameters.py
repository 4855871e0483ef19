"""Every parameter of the connectors people come from is mapped, or refused with a reason; and the documents say so."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.conversions.model.verdict import Dead, Filtered
from spotify_pipeline_tests.conversions.parameters import (
    SPELLINGS,
    TABLES,
    TEALIUM,
    TEALIUM_NAMES,
    TODAY,
    as_markdown,
)
from spotify_pipeline_tests.conversions.validating import bodies, body, outcomes, plan_with

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "event-parameters.md"

SAMPLES: dict[str, tuple[dict[str, Any], str, Any]] = {
    "event_name": ({"event": "lead"}, "event_name", "LEAD"),
    "event_id": ({"order_id": "order-0001-20260123"}, "event_id", "order-0001-20260123"),
    "event_time": ({"happened_at": "2026-11-22T11:34:56+01:00"}, "event_time", "2026-11-22T10:34:56.000Z"),
    "identifiers.email": ({"email": "a" * 64}, "user_data.hashed_emails", ["a" * 64]),
    "identifiers.phone": ({"phone": "b" * 64}, "user_data.hashed_phone_number", "b" * 64),
    "identifiers.device_id": (
        {"device": "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE"},
        "user_data.device_id",
        "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
    ),
    "ip_address": ({"ip": "203.0.113.12"}, "user_data.ip_address", "203.0.113.12"),
    "currency": ({"currency": "usd"}, "event_details.currency", "USD"),
    "amount": ({"total": "100.0"}, "event_details.amount", 100),
    "content_category": ({"category": "35"}, "event_details.content_category", "35"),
    "content_name": ({"title": " A coat "}, "event_details.content_name", "A coat"),
    "event_source_url": ({"url": "https://example.com/a?b#c"}, "event_source_url", "https://example.com/a"),
    "action_source": ({"channel": "web"}, "action_source", "WEB"),
    "opt_out": ({"opted_out": True}, "opt_out_targeting", True),
}
"""By the key of the YAML: columns of a row, where it stands in what is sent, and as what."""
OF_THE_CONNECTION = {"connection_id", "token"}


def at(sent: dict[str, Any], path: str) -> Any:
    for key in path.split("."):
        sent = sent[key]
    return sent


@cache
def sent_with(key: str) -> dict[str, Any]:
    return body(**SAMPLES[key][0])


@pytest.mark.parametrize(("name", "here"), [(name, here) for name, here, _ in [*TODAY, *TEALIUM]])
def test_every_parameter_is_sent_or_has_no_place(name: str, here: str | None) -> None:
    if here in OF_THE_CONNECTION:
        return  # of the request, not of an event
    if here is None:
        assert name.rpartition(".")[2] not in str(body())
        return
    _, path, sent = SAMPLES[here]
    event = sent_with(here)
    assert at(event, path) == sent
    if "." in name or name in event:
        assert path == name


@pytest.mark.parametrize(("spellings", "name"), [(there, here) for there, here, _ in [*TEALIUM_NAMES, *SPELLINGS]])
def test_every_name_is_sent_or_refused_with_a_reason(spellings: str, name: str | None) -> None:
    every = spellings.split(", ")
    if name is None:
        assert set(outcomes(event=every)) == {("dead", "unknown_name", "event_name")}
        mapped = plan_with(names=dict.fromkeys(every, "CUSTOM_EVENT_1"))
        assert {each["event_name"] for each in bodies(mapped, event=every)} == {"CUSTOM_EVENT_1"}
    else:
        assert {each["event_name"] for each in bodies(event=every)} == {name}


@pytest.mark.parametrize("title", list(TABLES))
def test_the_documents_show_these_tables(title: str) -> None:
    assert f"## {title}\n\n{as_markdown(TABLES[title])}\n" in PAGE.read_text(encoding="utf-8")


def test_the_documents_name_every_reason() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [reason for reason in [*Filtered, *Dead] if f"| `{reason.value}` |" not in page] == []
