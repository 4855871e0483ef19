"""The faults of the event host."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from spotify_pipeline.sandbox.faults.actions import Alter, Cut, Reply, Stall
from spotify_pipeline.sandbox.faults.headers import Text
from spotify_pipeline.sandbox.faults.model import Fault, Way

_Status = Annotated[int, Field(ge=200, le=599)]
_JSON = {"Content-Type": "application/json"}
_MESSAGES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def events_refused(*, status: _Status = 503) -> Fault:
    """An error of the event host; nothing is taken."""
    return Fault(operation="send_events", before=(_error(status),))


def events_taken_but_error(*, status: _Status = 500) -> Fault:
    """The events are taken and the request is answered with an error all the same."""
    return Fault(operation="send_events", on_status=200, after=(_error(status),))


def events_connection_lost(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The connection goes before the request is read; nothing is taken."""
    return Fault(operation="send_events", before=(Cut(how=how),))


def events_answer_lost(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The events are taken, the connection goes before the answer."""
    return Fault(operation="send_events", on_status=200, after=(Cut(how=how),))


def events_slow(*, seconds: float = 10) -> Fault:
    """The events are taken, the answer begins that much later."""
    return Fault(operation="send_events", after=(Stall(seconds=seconds),))


def events_too_many_requests(*, reset: str | None = "1", retry_after: str | None = None) -> Fault:
    """429 with these headers, nothing is taken; None leaves a header out."""
    return Fault(operation="send_events", before=(_too_many(reset, retry_after),))


def events_unclear_success(*, body: str = "<html>Good day</html>") -> Fault:
    """The events are taken, and the answer is 200 with another body than the one that is known."""
    return Fault(operation="send_events", on_status=200, after=(Alter(body=body),))


def events_storm() -> Fault:
    """A share of all requests goes wrong: 503, 429, the connection lost before, or lost after the events are taken."""
    return Fault(
        operation="send_events",
        times="always",
        share=0.2,
        seed="storm",
        mixture=(
            Way(before=(_error(503),)),
            Way(before=(_too_many("0", None),)),
            Way(before=(Cut(read_body=True),)),
            Way(after=(Cut(),)),
        ),
    )


CAPI_FAULTS: dict[str, tuple[tuple[str, ...], Callable[..., Fault]]] = {
    "events_refused": (("A04",), events_refused),
    "events_taken_but_error": (("A01",), events_taken_but_error),
    "events_connection_lost": (("A01",), events_connection_lost),
    "events_answer_lost": (("A01", "A05"), events_answer_lost),
    "events_slow": (("A01",), events_slow),
    "events_too_many_requests": ((), events_too_many_requests),
    "events_unclear_success": ((), events_unclear_success),
    "events_storm": (("A01", "A10"), events_storm),
}


def _error(status: int, headers: dict[str, Text] | None = None) -> Reply:
    body = json.dumps({"message": _MESSAGES.get(status, f"SCRIPTED_{status}")})
    return Reply(status=status, headers={**_JSON, **(headers or {})}, body=body)


def _too_many(reset: str | None, retry_after: str | None) -> Reply:
    headers: dict[str, Text] = {"X-RateLimit-Limit": "1500", "X-RateLimit-Remaining": "0"}
    if reset is not None:
        headers["X-RateLimit-Reset"] = reset
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return _error(429, headers)
