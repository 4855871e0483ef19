"""Answers that are about another object than was asked for, as a cache or a gateway that mixes them up would give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar, cast

from starlette.requests import Request
from starlette.types import Scope

from spotify_pipeline.sandbox.ads import (
    ad_account_response,
    audience_response,
    business_response,
    connection_response,
    dataset_response,
    token_response,
)
from spotify_pipeline.sandbox.lists import status_of
from spotify_pipeline.sandbox.middleware.responses import WholeResponse
from spotify_pipeline.sandbox.storage import upload_url_for
from spotify_pipeline.sandbox.store import Audience, SandboxState, Upload

Body = dict[str, object]


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Kept = TypeVar("Kept", bound=_Named)


def about_another(state: SandboxState, scope: Scope, response: WholeResponse, chosen: str | None) -> WholeResponse:
    """A success of the Ads API with the body of another object of its kind; the same answer where there is none.

    ``chosen`` is the id of the other; None for the newest that the request does not name. A list becomes that of
    whatever else there is. An answer without an object becomes that of another of what was changed.
    """
    if response.status >= 300:
        return response
    body = _OtherObjects(state, scope, chosen).body(_document(response))
    if body is None:
        return response
    status = 200 if response.status == 204 else response.status
    return replace(
        response.with_headers({"Content-Type": "application/json"}), status=status, body=json.dumps(body).encode()
    )


class _OtherObjects:
    def __init__(self, state: SandboxState, scope: Scope, chosen: str | None) -> None:
        self._state = state
        self._request = Request(scope)
        self._path = str(scope["path"])
        self._chosen = chosen

    def body(self, right: Mapping[str, object]) -> Body | None:
        """The body in place of ``right``."""
        own = frozenset(str(right[name]) for name in ("id", "capi_connection_id", "dataset_id") if name in right)
        if "/audiences" in self._path:
            return self._audience(right, own)
        if "/capi" in self._path:
            return self._connection(right, own)
        if "/datasets" in self._path:
            return self._dataset(right, own)
        accounts = self._other(self._state.ad_accounts.all(), own)
        if "/ad_accounts" in self._path and accounts is not None:
            shown = ad_account_response(accounts)
            return {"ad_accounts": [{**shown, "business_id": accounts.id}]} if "ad_accounts" in right else shown
        business = self._other(self._state.businesses.all(), own)
        return self._any() if business is None else business_response(business)

    def _audience(self, right: Mapping[str, object], own: frozenset[str]) -> Body | None:
        if "datasets" in right and "id" not in right:
            return self._dataset(right, own)
        audience = self._other(self._state.audiences.all(), own)
        if audience is None:
            return None
        if "upload_url" in right:
            given = Upload(
                id=f"mixed-up-{audience.id}",
                ad_account_id=audience.ad_account_id,
                audience_id=audience.id,
                replacement=True,
            )
            self._state.uploads.put(given)
            return {"id": audience.id, "upload_url": upload_url_for(self._state, self._request, given)}
        return self._shown(audience)

    def _connection(self, right: Mapping[str, object], own: frozenset[str]) -> Body | None:
        connection = self._other(self._state.capi_connections.all(), own)
        if connection is None:
            return None
        tokens = [token_response(each) for each in self._state.capi_tokens.of(connection.id)]
        if "data" not in right or not tokens:
            return connection_response(self._state, connection)
        return {"data": [{**each, "capi_connection_id": connection.id} for each in tokens]}

    def _dataset(self, right: Mapping[str, object], own: frozenset[str]) -> Body | None:
        dataset = self._other(self._state.datasets.all(), own)
        if dataset is None:
            return None
        if "datasources" in right:
            return {"dataset_id": dataset.id, "datasources": []}
        return dataset_response(self._state, dataset)

    def _any(self) -> Body | None:
        audience = self._other(self._state.audiences.all(), frozenset())
        return None if audience is None else self._shown(audience)

    def _shown(self, audience: Audience) -> Body:
        return audience_response(self._state, audience, status_of(self._state, audience))

    def _other(self, kept: Iterable[Kept], own: frozenset[str]) -> Kept | None:
        others = [each for each in kept if each.id not in own and each.id not in self._path]
        wanted: Callable[[Kept], bool] = lambda each: self._chosen in (None, each.id)  # noqa: E731
        return next((each for each in reversed(others) if wanted(each)), None)


def _document(response: WholeResponse) -> Mapping[str, object]:
    try:
        parsed: object = json.loads(response.body)
    except ValueError:
        return {}
    return cast("Mapping[str, object]", parsed) if isinstance(parsed, dict) else {}
