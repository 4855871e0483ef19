"""The sandbox's own endpoints: clock, audiences, switches, requests, and faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.accounts import revoke, sign_in
from spotify_pipeline.sandbox.config import ListFormat
from spotify_pipeline.sandbox.control.overview import clock_response, overview
from spotify_pipeline.sandbox.faults import PRESETS, FaultInvalid, read_fault
from spotify_pipeline.sandbox.http import BodyTooLarge, NotJson, read_form, read_json
from spotify_pipeline.sandbox.lists import STATUSES
from spotify_pipeline.sandbox.store import ROLES, SandboxState

LARGEST_STEP = 10 * 366 * 24 * 3600
"""The clock moves at most ten years at once."""

Endpoint = Callable[[Request], Awaitable[Response]]


class ControlRefused(Exception):
    """The request makes no sense; the message says what is expected."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The endpoints, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All under ``/sandbox``; answers are JSON."""
        table = (
            ("GET", "/sandbox/clock", self.clock),
            ("POST", "/sandbox/clock", self.move_clock),
            ("GET", "/sandbox/audiences", self.audiences),
            ("GET", "/sandbox/audiences/{audience_id}/list", self.list_bytes),
            ("POST", "/sandbox/audiences/{audience_id}/status", self.set_status),
            ("POST", "/sandbox/list_format", self.set_list_format),
            ("POST", "/sandbox/terms", self.set_terms),
            ("POST", "/sandbox/roles", self.set_role),
            ("POST", "/sandbox/revoke", self.revoke_grants),
            ("POST", "/sandbox/grants", self.new_grant),
            ("GET", "/sandbox/requests", self.requests),
            ("DELETE", "/sandbox", self.reset),
        )
        return [
            Route(path, answering_in_json(handler), methods=[method], name=f"sandbox.{handler.__name__}")
            for method, path, handler in table
        ]

    async def clock(self, request: Request) -> Response:
        """What time it is here."""
        del request
        return JSONResponse(clock_response(self._state))

    async def move_clock(self, request: Request) -> Response:
        """``{"advance_seconds": n}``, as JSON or from the page's buttons."""
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if is_form:
            text = (await read_form(request)).get("advance_seconds", "")
            seconds: object = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
        else:
            seconds = (await _fields(request)).get("advance_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LARGEST_STEP:
            raise ControlRefused(f"advance_seconds must be a number from 0 to {LARGEST_STEP}.")
        self._state.advance_clock(seconds)
        if is_form:
            return RedirectResponse("/", status_code=303)
        return JSONResponse(clock_response(self._state))

    async def audiences(self, request: Request) -> Response:
        """Every audience and what came of its newest list."""
        del request
        return JSONResponse({"audiences": await overview(self._state, wait_for_all=True)})

    async def list_bytes(self, request: Request) -> Response:
        """The newest list of an audience, byte for byte as it arrived."""
        received = self._state.received_lists.of(request.path_params["audience_id"].lower())
        path = self._state.list_file(received[-1].id) if received else None
        if path is None or not path.exists():
            raise ControlRefused("No list has arrived for this audience.", 404)
        return FileResponse(path, media_type="text/csv", headers={"Cache-Control": "no-store"})

    async def set_status(self, request: Request) -> Response:
        """``{"status": "LIVE"}`` holds an audience in a status; ``{"status": null}`` lets the clock decide again."""
        status = (await _fields(request)).get("status")
        audience = self._state.audiences.get(request.path_params["audience_id"].lower())
        if audience is None:
            raise ControlRefused("There is no such audience.", 404)
        if status is not None and status not in STATUSES:
            raise ControlRefused(f"status must be null or one of {', '.join(STATUSES)}.")
        self._state.audiences.put(replace(audience, forced_status=cast("str | None", status)))
        return JSONResponse({"id": audience.id, "forced_status": status})

    async def set_list_format(self, request: Request) -> Response:
        """``{"list_format": "strict"}`` or ``"lenient"``, for the lists that arrive from now on."""
        chosen = (await _fields(request)).get("list_format")
        if chosen not in tuple(ListFormat):
            raise ControlRefused("list_format must be strict or lenient.")
        self._state.list_format = ListFormat(str(chosen))
        return JSONResponse({"list_format": self._state.list_format.value})

    async def set_terms(self, request: Request) -> Response:
        """``{"accepted": false}`` makes every Ads API call answer 403."""
        accepted = (await _fields(request)).get("accepted")
        if not isinstance(accepted, bool):
            raise ControlRefused("accepted must be true or false.")
        self._state.terms_accepted = accepted
        return JSONResponse({"accepted": accepted})

    async def set_role(self, request: Request) -> Response:
        """``{"ad_account_id": ..., "role": ...}`` changes the user's role in an ad account."""
        fields = await _fields(request)
        role = fields.get("role")
        account = self._state.ad_accounts.get(str(fields.get("ad_account_id")).lower())
        if account is None:
            raise ControlRefused("There is no such ad account.", 404)
        if role not in ROLES:
            raise ControlRefused(f"role must be one of {', '.join(ROLES)}.")
        self._state.ad_accounts.put(replace(account, role=str(role)))
        return JSONResponse({"ad_account_id": account.id, "role": role})

    async def revoke_grants(self, request: Request) -> Response:
        """End every grant: refreshing answers ``invalid_grant``, access tokens answer 401."""
        del request
        grants = [grant for grant in self._state.grants.all() if not grant.revoked]
        for grant in grants:
            revoke(self._state, grant)
        return JSONResponse({"revoked_grants": len(grants)})

    async def new_grant(self, request: Request) -> Response:
        """A refresh token as if the user had just agreed on the consent page."""
        del request
        _, refresh_token = sign_in(self._state, public_client=True)
        return JSONResponse({"refresh_token": refresh_token}, headers={"Cache-Control": "no-store"})

    async def requests(self, request: Request) -> Response:
        """Recent requests, without secrets. ``?after=N`` leaves out those numbered N and below."""
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= 18):
            raise ControlRefused("after must be a whole number.")
        return JSONResponse({"requests": self._state.requests.after(int(after))})

    async def reset(self, request: Request) -> Response:
        """Forget everything, and start again with the default world."""
        del request
        self._state.reset()
        return Response(status_code=204)


def answering_in_json(handler: Endpoint) -> Endpoint:
    """``handler``, whose refusals become ``{"error": ...}``."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except ControlRefused as refusal:
            return JSONResponse({"error": str(refusal)}, status_code=refusal.status)
        except BodyTooLarge:
            return JSONResponse({"error": "The body is larger than 1 MiB."}, status_code=413)

    return endpoint


async def _fields(request: Request) -> dict[str, object]:
    try:
        document = await read_json(request)
    except NotJson:
        document = None
    if not isinstance(document, dict):
        raise ControlRefused("The body must be a JSON object.")
    return cast("dict[str, object]", document)


_PATH = "/sandbox/faults"


class FaultControl:
    """The endpoints, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Answers are JSON."""
        table = (("POST", self.script), ("GET", self.report), ("DELETE", self.clear))
        return [
            Route(_PATH, answering_in_json(handler), methods=[method], name=f"sandbox.{handler.__name__}_faults")
            for method, handler in table
        ]

    async def script(self, request: Request) -> Response:
        """One fault or a list of them, in this order. 201 with their numbers; on an error none is scripted."""
        try:
            document = await read_json(request)
            entries = cast("list[object]", document) if isinstance(document, list) else [document]
            faults = [read_fault(entry) for entry in entries]
        except NotJson:
            raise ControlRefused("The body must be a fault, or a list of faults, in JSON.") from None
        except FaultInvalid as error:
            raise ControlRefused(str(error)) from None
        scripted = [{"number": self._state.faults.script(fault), "name": fault.name} for fault in faults]
        return JSONResponse({"faults": scripted}, status_code=201)

    async def report(self, request: Request) -> Response:
        """Every scripted fault, the numbers of those that are still to happen, and the names there are."""
        del request
        return JSONResponse(
            {
                "faults": [report.as_json() for report in self._state.faults.report()],
                "unconsumed": [report.number for report in self._state.faults.unconsumed()],
                "names": list(PRESETS),
            }
        )

    async def clear(self, request: Request) -> Response:
        """Forget every fault."""
        del request
        self._state.faults.clear()
        return Response(status_code=204)
