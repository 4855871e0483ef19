"""Events, and a Conversions API that answers from a script, for this room's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from spotify_pipeline.spotify import ConversionsClient, ConversionsSettings, RateLimiter, Secret
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.spotify.conversion_objects import CAPI_SECRET as TOKEN
from spotify_pipeline_tests.spotify.conversion_objects import CONNECTION
from spotify_pipeline_tests.spotify.scripted import Clock, Reply

DIGEST = "7ca0a27c831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0e"
DEVICE = "c0ffee00-1111-4222-8333-7ca0a27ca0a2"
PERSONAL = (DIGEST, "jane.roe@example.com", "+12025550143", "203.0.113.77", "Jane Roe", DEVICE)
"""What must not come out: a digest, an e-mail address, a phone number, an IP address, a name, a device id."""


def event(number: int = 1, **fields: Any) -> str:
    body: dict[str, Any] = {
        "event_name": "PURCHASE",
        "event_id": f"order-{number}",
        "event_time": "2026-01-23T12:34:56Z",
        "user_data": {"hashed_emails": [DIGEST], "ip_address": PERSONAL[3], "device_id": DEVICE},
        "event_details": {"content_name": PERSONAL[4]},
    }
    return json.dumps({**body, **fields})


def conversions_settings(**changes: Any) -> ConversionsSettings:
    stated = {"connection_id": CONNECTION, "token": Secret(TOKEN), "names": {"capi_token": "SPOTIFY_CAPI_TOKEN"}}
    return ConversionsSettings(**{**stated, **changes})


def success() -> httpx.Response:
    return httpx.Response(200, json={"message": "SUCCESS"})


@dataclass
class Capi:
    """Answers from its script, in order, and remembers what it was sent."""

    home: Path
    clock: Clock = field(default_factory=Clock)
    script: list[Reply] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def open(self, **changes: Any) -> ConversionsClient:
        rate_limiter = RateLimiter.of_file(self.home / "rate_limiter", monotonic=self.clock, sleep=self.clock.sleep)
        given: dict[str, Any] = {
            "clock": self.clock,
            "sleep": self.clock.sleep,
            "random": lambda: 0.5,
            "rate_limiter": rate_limiter,
            "transport": httpx.MockTransport(self._answer),
        }
        chosen = changes.pop("settings", None) or conversions_settings()
        return ConversionsClient(chosen, StateStore.in_home(self.home), **{**given, **changes})

    @property
    def bodies(self) -> list[bytes]:
        return [request.content for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        reply = self.script.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply
