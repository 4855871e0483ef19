"""``/sandbox/events`` and ``/sandbox/poison``: which conversion events arrived, and which are rejected."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.control.routes import ControlRefused, answering_in_json
from spotify_pipeline.sandbox.http import NotJson, read_json
from spotify_pipeline.sandbox.store import SandboxState, in_utc_seconds

LARGEST_PAGE = 10_000


class EventControl:
    """The endpoints, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Answers are JSON."""
        table = (
            ("GET", "/sandbox/events", self.count_events),
            ("GET", "/sandbox/events/received", self.list_events),
            ("GET", "/sandbox/poison", self.show_poison),
            ("POST", "/sandbox/poison", self.plant_poison),
        )
        return [
            Route(path, answering_in_json(handler), methods=[method], name=f"sandbox.{handler.__name__}")
            for method, path, handler in table
        ]

    async def count_events(self, request: Request) -> Response:
        """How much arrived, by data set, connection and name, at once and not after the delay of diagnostics."""
        del request
        counts = [
            {
                "dataset_id": tally.dataset_id,
                "capi_connection_id": tally.connection_id,
                "event_name": tally.name,
                "routed": tally.routed,
                "received": tally.events + tally.repeated,
                "distinct": tally.events,
                "repeated": tally.repeated,
                "altered": tally.altered,
                "last_received_at": in_utc_seconds(tally.last_at),
            }
            for tally in self._state.events.tallies()
        ]
        totals = {name: sum(cast("int", one[name]) for one in counts) for name in ("received", "distinct", "repeated")}
        return JSONResponse({"counts": counts, **totals})

    async def list_events(self, request: Request) -> Response:
        """Events in the order in which they first came. ``?after=N`` goes on, ``next_after`` says from where."""
        limit = _number(request, "limit", 1_000, 1, LARGEST_PAGE)
        after = _number(request, "after", 0, 0, 10**18)
        dataset_id = request.query_params.get("dataset_id")
        found = self._state.events.page(after, limit, dataset_id and dataset_id.lower())
        following = found[-1]["number"] if len(found) == limit else None
        return JSONResponse({"events": found, "next_after": following})

    async def show_poison(self, request: Request) -> Response:
        """Which events are rejected now."""
        del request
        return JSONResponse(self._rejected())

    async def plant_poison(self, request: Request) -> Response:
        """``{"event_ids": [...], "content_names": [...]}`` instead of those before; ``{}`` for none."""
        try:
            document = await read_json(request)
        except NotJson:
            document = None
        if not isinstance(document, dict) or not set(cast("dict[str, object]", document)) <= set(self._rejected()):
            raise ControlRefused("The body must be a JSON object with event_ids, content_names, or both.")
        fields = cast("dict[str, object]", document)
        self._state.rejected_events.replace_all(_texts(fields, "event_ids"), _texts(fields, "content_names"))
        return JSONResponse(self._rejected())

    def _rejected(self) -> dict[str, list[str]]:
        rejected = self._state.rejected_events
        return {"event_ids": sorted(rejected.event_ids), "content_names": sorted(rejected.content_names)}


def _texts(fields: dict[str, object], name: str) -> list[str]:
    values = fields.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in cast("list[object]", values)):
        raise ControlRefused(f"{name} must be a list of texts.")
    return cast("list[str]", values)


def _number(request: Request, name: str, default: int, lowest: int, highest: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and lowest <= int(text) <= highest):
        raise ControlRefused(f"{name} must be a whole number from {lowest} to {highest}.")
    return int(text)
