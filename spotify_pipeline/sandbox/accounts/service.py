"""The accounts service over HTTP: ``/authorize`` (a page with two buttons) and ``/api/token``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.accounts.oauth import (
    KEEPS_REFRESH_TOKEN,
    Client,
    OAuthError,
    exchange_code,
    issue_code,
    known_client,
    redirect_fault,
    refresh,
)
from spotify_pipeline.sandbox.config import DEFAULTS
from spotify_pipeline.sandbox.http import BodyTooLarge, read_form, render
from spotify_pipeline.sandbox.store import SandboxState

_PARAMETERS = (
    "client_id",
    "response_type",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
)
_CHALLENGE_LENGTH = 43
"""A SHA-256 in base64url without padding."""
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AccountsService:
    """Both endpoints, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """``/authorize`` is also answered with a trailing slash: Spotify's documents write it either way."""
        pages = [
            Route(path, self.consent, methods=["GET"], name="show_consent") for path in ("/authorize", "/authorize/")
        ]
        decisions = [
            Route(path, self.decision, methods=["POST"], name="decide_consent")
            for path in ("/authorize", "/authorize/")
        ]
        return [*pages, *decisions, Route("/api/token", self.token, methods=["POST"], name="token")]

    async def consent(self, request: Request) -> Response:
        """The page that asks the user."""
        asked = {name: request.query_params[name] for name in _PARAMETERS if name in request.query_params}
        fault = _page_fault(asked)
        if fault is not None:
            return render("refused.html", status_code=400, reason=fault)
        error = _redirect_error(asked)
        if error is not None:
            return _back(asked, {"error": error})
        return render("consent.html", asked=asked, action=request.url.path)

    async def decision(self, request: Request) -> Response:
        """What the user answered: back to the client with a code, or with ``access_denied``."""
        try:
            form = await read_form(request)
        except BodyTooLarge:
            return render("refused.html", status_code=400, reason="The form is too large")
        asked = {name: form[name] for name in _PARAMETERS if name in form}
        fault = _page_fault(asked)
        if fault is not None:
            return render("refused.html", status_code=400, reason=fault)
        error = _redirect_error(asked)
        if error is None and form.get("decision") != "agree":
            error = "access_denied"
        if error is not None:
            return _back(asked, {"error": error})
        code = issue_code(self._state, asked["client_id"], asked["redirect_uri"], asked.get("code_challenge"))
        return _back(asked, {"code": code})

    async def token(self, request: Request) -> Response:
        """The token endpoint."""
        try:
            content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if content_type != "application/x-www-form-urlencoded":
                raise OAuthError("invalid_request", "The body must be application/x-www-form-urlencoded")
            form = await read_form(request)
            rotate = self._state.config.rotate_refresh_tokens and KEEPS_REFRESH_TOKEN not in request.scope
            response = self._tokens(_client(request, form), form, rotate=rotate)
        except BodyTooLarge:
            return _refusal(OAuthError("invalid_request", "The body is too large"))
        except OAuthError as error:
            return _refusal(error)
        return JSONResponse(response, headers=_NO_STORE)

    def _tokens(self, client: Client, form: Mapping[str, str], *, rotate: bool) -> dict[str, object]:
        grant_type = form.get("grant_type")
        if grant_type == "authorization_code":
            return exchange_code(
                self._state,
                client,
                _required(form, "code"),
                _required(form, "redirect_uri"),
                form.get("code_verifier"),
            )
        if grant_type == "refresh_token":
            return refresh(self._state, client, _required(form, "refresh_token"), rotate=rotate)
        raise OAuthError("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")


def _refusal(error: OAuthError) -> JSONResponse:
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, status_code=400, headers=_NO_STORE)


def _required(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise OAuthError("invalid_request", f"{name} must be supplied")
    return value


@dataclass(frozen=True)
class _Credentials:
    client_id: str
    client_secret: str


def _client(request: Request, form: Mapping[str, str]) -> Client:
    """Basic authentication, or the client's id in the body (PKCE)."""
    header = request.headers.get("authorization")
    if header is None:
        return known_client(form.get("client_id"), form.get("client_secret"))
    basic = _basic(header)
    if basic is None:
        raise OAuthError("invalid_client", "The Authorization header must be Basic")
    return known_client(basic.client_id, basic.client_secret)


def _basic(header: str) -> _Credentials | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return _Credentials(client_id, secret) if colon else None


def _page_fault(asked: Mapping[str, str]) -> str | None:
    """A fault that must be shown here, because the client to go back to is itself in doubt."""
    if asked.get("client_id") != DEFAULTS.client_id:
        return "client_id: Invalid"
    return redirect_fault(asked.get("redirect_uri", ""))


def _redirect_error(asked: Mapping[str, str]) -> str | None:
    """A fault that the client is told, as RFC 6749 4.1.2.1 names it."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if "code_challenge" in asked or "code_challenge_method" in asked:
        fits = (
            asked.get("code_challenge_method") == "S256" and len(asked.get("code_challenge", "")) == _CHALLENGE_LENGTH
        )
        return None if fits else "invalid_request"
    return None


def _back(asked: Mapping[str, str], response: dict[str, str]) -> RedirectResponse:
    """To the client's redirect URI, with its ``state`` unchanged."""
    parts = urlsplit(asked["redirect_uri"])
    query = parse_qsl(parts.query, keep_blank_values=True) + list(response.items())
    if "state" in asked:
        query.append(("state", asked["state"]))
    location = urlunsplit(parts._replace(query=urlencode(query)))
    return RedirectResponse(location, status_code=303, headers=_NO_STORE)
