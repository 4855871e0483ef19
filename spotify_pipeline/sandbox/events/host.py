"""The host that takes conversion events: ``POST /capi-direct/events/``.

A request is taken whole or not at all. Success is the one body that is known of Spotify's; the bodies of refusals are
the sandbox's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import NoReturn, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.ads import is_routed
from spotify_pipeline.sandbox.events.rules import Misfit, Reading, read_event
from spotify_pipeline.sandbox.http import BodyTooLarge, read_body
from spotify_pipeline.sandbox.store import Arrival, CapiConnection, CapiToken, SandboxState, secret_digest

EVENTS_PATH = "/capi-direct/events/"
_MOST_ERRORS = 100
_DIGEST_BYTES = 8
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class EventsRefused(Exception):
    """A request is refused: HTTP status, message, and which events are at fault."""

    def __init__(self, status: int, message: str, errors: list[dict[str, object]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def response(self) -> JSONResponse:
        """The invented body: a message and, where events are named, their places in the request."""
        body: dict[str, object] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return JSONResponse(body, status_code=self.status)


class EventHost:
    """The endpoint, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """With the slash at the end only."""
        return [Route(EVENTS_PATH, self.events, methods=["POST"], name="send_events")]

    async def events(self, request: Request) -> Response:
        """200, and all events are taken; or a refusal, and none is."""
        token = self._token(request)
        allowance = self._state.event_limiter.take(token.id if token else "without a valid token")
        try:
            if token is None:
                raise EventsRefused(401, "UNAUTHENTICATED")
            if not allowance.granted:
                raise EventsRefused(429, "RESOURCE_EXHAUSTED")
            envelope = self._envelope(await self._body(request))
            self._take(self._connection(envelope, token), self._listed(envelope))
            response: Response = JSONResponse({"message": "SUCCESS"})
        except EventsRefused as refusal:
            response = refusal.response()
        response.headers.update(allowance.headers())
        return response

    def _token(self, request: Request) -> CapiToken | None:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        token = self._state.capi_tokens.get(secret_digest(secret)) if scheme.lower() == "bearer" else None
        return None if token is None or token.deleted else token

    async def _body(self, request: Request) -> object:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            self._refuse("", "must be application/json")
        try:
            body = await read_body(request, self._state.config.event_request_bytes)
            document: object = json.loads(body, parse_constant=_no_number)
        except BodyTooLarge:
            raise EventsRefused(413, "PAYLOAD_TOO_LARGE") from None
        except (ValueError, RecursionError):
            self._refuse("", "is not JSON")
        return document

    def _envelope(self, document: object) -> Mapping[str, object]:
        if not isinstance(document, dict) or set(cast("dict[str, object]", document)) != {"conversion_events"}:
            self._refuse("conversion_events", "must be the only field of the body")
        envelope = cast("dict[str, object]", document)["conversion_events"]
        if not isinstance(envelope, dict):
            self._refuse("conversion_events", "must be an object")
        fields = cast("dict[str, object]", envelope)
        if not fields.keys() <= {"capi_connection_id", "events"}:
            self._refuse("conversion_events", "has a field that is not known here")
        return fields

    def _connection(self, envelope: Mapping[str, object], token: CapiToken) -> CapiConnection:
        named = envelope.get("capi_connection_id")
        if not isinstance(named, str) or not named:
            self._refuse("capi_connection_id", "must be the id of a connection")
        connection = self._state.capi_connections.get(token.connection_id)
        if connection is None or named.lower() != connection.id:
            raise EventsRefused(403, "PERMISSION_DENIED")
        return connection

    def _listed(self, envelope: Mapping[str, object]) -> list[object]:
        events = envelope.get("events")
        most = self._state.config.events_per_request
        if not isinstance(events, list) or not events:
            self._refuse("events", "must be a list that is not empty")
        listed = cast("list[object]", events)
        if len(listed) > most:
            self._refuse("events", f"must not hold more than {most} events")
        return listed

    def _take(self, connection: CapiConnection, events: list[object]) -> None:
        now = self._state.clock.now()
        age = self._state.config.maximum_event_age_seconds
        oldest = None if age is None else now - timedelta(seconds=age)
        readings: list[Reading] = []
        errors: list[dict[str, object]] = []
        for index, event in enumerate(events):
            try:
                reading = read_event(event, now, oldest)
                self._check_rejected(reading)
                readings.append(reading)
            except Misfit as misfit:
                errors.append({"index": index, "field": misfit.field, "reason": misfit.reason})
        if errors:
            named = errors[:_MOST_ERRORS] if self._state.config.errors_name_events else None
            raise EventsRefused(400, "INVALID_ARGUMENT", named)
        key, keep = self._state.signing_key, self._state.config.keep_event_bodies
        self._state.events.take(
            [_arrival(reading, event, key, keep=keep) for reading, event in zip(readings, events, strict=True)],
            dataset_id=connection.dataset_id,
            connection_id=connection.id,
            routed=is_routed(self._state, connection),
            now=now,
        )

    def _check_rejected(self, reading: Reading) -> None:
        field = self._state.rejected_events.field_of(reading.event_id, reading.content_name)
        if field is not None:
            raise Misfit(field, "is rejected, as a test asked")

    def _refuse(self, field: str, reason: str) -> NoReturn:
        """400 because of the request as a whole."""
        raise EventsRefused(400, "INVALID_ARGUMENT", [{"field": field, "reason": reason}])


def _arrival(reading: Reading, event: object, key: bytes, *, keep: bool) -> Arrival:
    text = _CANONICAL.encode(event)
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES, key=key).digest()
    return Arrival(
        event_id=reading.event_id, name=reading.name, time=reading.time, digest=digest, body=text if keep else None
    )


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
