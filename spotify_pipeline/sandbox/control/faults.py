"""``/sandbox/faults``: scripting faults over HTTP, and learning which have happened."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.control.routes import ControlRefused, answering_in_json
from spotify_pipeline.sandbox.faults import PRESETS, FaultInvalid, read_fault
from spotify_pipeline.sandbox.http import NotJson, read_json
from spotify_pipeline.sandbox.store import SandboxState

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
