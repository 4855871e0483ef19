"""Puts the sandbox's services together on one origin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route

from spotify_pipeline.sandbox.accounts import AccountsService
from spotify_pipeline.sandbox.ads import (
    AccountOperations,
    ApiError,
    AudienceOperations,
    CapiOperations,
    DatasetOperations,
    error_response,
)
from spotify_pipeline.sandbox.assumptions import ASSUMPTIONS
from spotify_pipeline.sandbox.config import SandboxConfig
from spotify_pipeline.sandbox.control import (
    Control,
    EventControl,
    FaultControl,
    clock_response,
    dataset_overview,
    overview,
)
from spotify_pipeline.sandbox.events import EventHost, EventsRefused
from spotify_pipeline.sandbox.http import render
from spotify_pipeline.sandbox.middleware import RequestMiddleware
from spotify_pipeline.sandbox.storage import ObjectStore, StoreRefusal, xml_error
from spotify_pipeline.sandbox.store import SandboxState

ADS_API_PREFIX = "/ads/v3"


def create_app(state: SandboxState | SandboxConfig | None = None) -> Starlette:
    """The whole sandbox as an ASGI application.

    With a configuration (or nothing) it works on a state of its own in a temporary directory, which lasts as long
    as the process; pass a :class:`SandboxState` to choose, keep and close it yourself. The state is at
    ``app.state.sandbox``.
    """
    sandbox = state if isinstance(state, SandboxState) else SandboxState.open(state)
    routes = [
        Route("/", _page(sandbox), methods=["GET"], name="page"),
        *EventHost(sandbox).routes(),
        *AccountsService(sandbox).routes(),
        *AccountOperations(sandbox).routes(ADS_API_PREFIX),
        *AudienceOperations(sandbox).routes(ADS_API_PREFIX),
        *DatasetOperations(sandbox).routes(ADS_API_PREFIX),
        *CapiOperations(sandbox).routes(ADS_API_PREFIX),
        *ObjectStore(sandbox).routes(),
        *Control(sandbox).routes(),
        *EventControl(sandbox).routes(),
        *FaultControl(sandbox).routes(),
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(RequestMiddleware, state=sandbox, routes=routes)],
        exception_handlers={
            HTTPException: _refuse,
            ClientDisconnect: _nobody_listens,
            500: _broken,
        },
    )
    app.router.redirect_slashes = False
    app.state.sandbox = sandbox
    return app


def _page(state: SandboxState) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        del request
        return render(
            "ads_manager.html",
            audiences=list(reversed(await overview(state, wait_for_all=False))),
            datasets=dataset_overview(state),
            ad_accounts={account.id: account for account in state.ad_accounts.all()},
            clock=clock_response(state),
            config=state.config,
            list_format=state.list_format.value,
            terms_accepted=state.terms_accepted,
            assumptions=ASSUMPTIONS,
            faults=state.faults.unconsumed(),
        )

    return page


async def _refuse(request: Request, error: Exception) -> Response:
    """An unknown path or method, in the shape of the service whose prefix it has."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    path = request.url.path
    if status == 405:
        headers = {"Allow": ", ".join(sorted(_methods_of(request)))}
    if path.startswith(ADS_API_PREFIX + "/"):
        return error_response(ApiError(status, "UNKNOWN_OPERATION", "NO_ROUTE", "No such operation"), headers)
    if path.startswith("/capi-direct"):
        response = EventsRefused(status, "NOT_FOUND" if status == 404 else "UNIMPLEMENTED").response()
        response.headers.update(headers)
        return response
    if path.startswith("/upload/"):
        response = xml_error(StoreRefusal(status, "MethodNotAllowed" if status == 405 else "NoSuchKey", "Not here."))
        response.headers.update(headers)
        return response
    return PlainTextResponse("The sandbox has nothing here. Start at /\n", status, headers=headers)


def _methods_of(request: Request) -> set[str]:
    """The methods that there are for a path. Each operation is a route of its own, and names but its own."""
    routes = (each for each in request.app.routes if isinstance(each, Route))
    there = (each.methods or set() for each in routes if each.matches(request.scope)[0] is not Match.NONE)
    return set[str]().union(*there)


async def _nobody_listens(request: Request, error: Exception) -> Response:
    """The client left; the answer goes nowhere."""
    del request, error
    return Response(status_code=499)


async def _broken(request: Request, error: Exception) -> Response:
    """A fault of the sandbox itself."""
    del error
    if request.url.path.startswith(ADS_API_PREFIX + "/"):
        return error_response(ApiError(500, "INTERNAL", "SANDBOX_FAULT", "The sandbox failed"))
    if request.url.path.startswith("/capi-direct"):
        return EventsRefused(500, "INTERNAL").response()
    return PlainTextResponse("The sandbox failed; its log says why.\n", 500)
