"""Who may do what in the Ads API: token, rate limit, terms, role. In this order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from spotify_pipeline.sandbox.accounts import grant_of_access_token
from spotify_pipeline.sandbox.ads.errors import ApiError, error_response, invalid, not_found
from spotify_pipeline.sandbox.ads.fields import as_uuid
from spotify_pipeline.sandbox.http import BodyTooLarge
from spotify_pipeline.sandbox.store import VIEWER, AdAccount, Business, Grant, SandboxState

Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(state: SandboxState, handler: Endpoint, query: frozenset[str] = frozenset()) -> Endpoint:
    """``handler`` behind authentication, rate limit, terms, and a check that only ``query`` parameters are sent.

    Every answer carries the rate limit's headers; every :class:`ApiError` becomes an ``ErrorResponse``.
    """

    async def endpoint(request: Request) -> Response:
        grant = _grant(state, request)
        key = f"{grant.client_id} {grant.user_id}" if grant else "without a valid token"
        allowance = state.limiter.take(key)
        try:
            if grant is None:
                raise ApiError(401, "UNAUTHORIZED", "INVALID_TOKEN", "The access token is missing or not valid")
            if not allowance.granted:
                raise ApiError(429, "TOO_MANY_REQUESTS", "RATE_LIMITED", "Too many requests")
            _check_terms(state)
            unknown = sorted(set(request.query_params) - query)
            if unknown:
                raise invalid("QUERY", f"unknown query parameter {unknown[0]}")
            response = await handler(request)
        except BodyTooLarge:
            response = error_response(ApiError(413, "TOO_LARGE", "BODY_TOO_LARGE", "The body is larger than 1 MiB"))
        except ApiError as error:
            response = error_response(error, path=request.url.path)
        response.headers.update(allowance.headers())
        return response

    return endpoint


def readable_business(state: SandboxState, request: Request) -> Business:
    """The business in the path.

    Raises:
        ApiError: 400 for what is no UUID, 404 for a business this user cannot see.
    """
    business = state.businesses.get(as_uuid("business_id", request.path_params["business_id"]))
    if business is None:
        raise not_found("BUSINESS", "The business does not exist")
    return business


def readable_ad_account(state: SandboxState, request: Request) -> AdAccount:
    """The ad account in the path.

    Raises:
        ApiError: 400 for what is no UUID, 404 for an account this user cannot see.
    """
    account = state.ad_accounts.get(as_uuid("ad_account_id", request.path_params["ad_account_id"]))
    if account is None:
        raise not_found("AD_ACCOUNT", "The ad account does not exist")
    return account


def writable_ad_account(state: SandboxState, request: Request) -> AdAccount:
    """The ad account in the path, where the user may change audiences.

    Raises:
        ApiError: as :func:`readable_ad_account`; 403 for a viewer.
    """
    account = readable_ad_account(state, request)
    if account.role == VIEWER:
        raise ApiError(403, "PERMISSION_DENIED", "EDIT_NOT_ALLOWED", "User does not have permission to edit audiences")
    return account


def _grant(state: SandboxState, request: Request) -> Grant | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return grant_of_access_token(state, token) if scheme.lower() == "bearer" else None


def _check_terms(state: SandboxState) -> None:
    if not state.terms_accepted:
        raise ApiError(
            403,
            "PERMISSION_DENIED",
            "API_TERMS_NOT_ACCEPTED",
            "The Ads API terms have not been accepted for this client",
        )
