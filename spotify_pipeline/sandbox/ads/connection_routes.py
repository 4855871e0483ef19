"""The Ads API's CAPI connections and their tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.ads.access import guarded, readable_business
from spotify_pipeline.sandbox.ads.dataset_routes import NAME_LENGTH
from spotify_pipeline.sandbox.ads.errors import ApiError, not_found
from spotify_pipeline.sandbox.ads.fields import as_uuid, body_of, required
from spotify_pipeline.sandbox.ads.responses import connection_response, token_response
from spotify_pipeline.sandbox.store import CapiConnection, CapiToken, Dataset, SandboxState, secret_digest

MOST_TOKENS = 3


class CapiOperations:
    """Each operation of the document's tag ``capi-measurement``, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self, prefix: str) -> list[Route]:
        """All are of a business."""
        capi = f"{prefix}/businesses/{{business_id}}/capi"
        one = f"{capi}/{{capi_connection_id}}"
        table = (
            ("POST", capi, self.create, "create_capi_connection"),
            ("GET", one, self.get, "get_capi_connection"),
            ("PATCH", one, self.edit, "edit_capi_connection"),
            ("POST", f"{one}/tokens", self.create_token, "create_capi_token"),
            ("GET", f"{one}/tokens", self.list_tokens, "list_capi_tokens"),
            ("DELETE", f"{one}/tokens/{{capi_auth_token_id}}", self.delete_token, "delete_capi_token"),
        )
        return [
            Route(path, guarded(self._state, handler), methods=[method], name=name)
            for method, path, handler, name in table
        ]

    async def create(self, request: Request) -> Response:
        """201; on a data set of its own unless one is named, 409 where that has a connection already."""
        business = readable_business(self._state, request)
        body = await body_of(request)
        body.allow_only(("name", "dataset_id"))
        name = required("name", body.text("name", *NAME_LENGTH))
        dataset_id = body.uuid("dataset_id")
        if dataset_id is None:
            dataset = Dataset(id=str(uuid.uuid4()), name=name, business_id=business.id)
            self._state.datasets.put(dataset)
        else:
            dataset = self._free_dataset(business.id, dataset_id)
        connection = CapiConnection(
            id=str(uuid.uuid4()),
            integration_id=str(uuid.uuid4()),
            business_id=business.id,
            dataset_id=dataset.id,
            name=name,
        )
        self._state.capi_connections.put(connection)
        return JSONResponse(connection_response(self._state, connection), status_code=201)

    async def get(self, request: Request) -> Response:
        """One connection."""
        return JSONResponse(connection_response(self._state, self._connection(request)))

    async def edit(self, request: Request) -> Response:
        """Change its name."""
        connection = self._connection(request)
        body = await body_of(request)
        body.allow_only(("name",))
        edited = replace(connection, name=body.text("name", *NAME_LENGTH) or connection.name)
        self._state.capi_connections.put(edited)
        return JSONResponse(connection_response(self._state, edited))

    async def create_token(self, request: Request) -> Response:
        """201 with a token that never expires; 400 where there are three already."""
        connection = self._connection(request)
        if len(self._tokens(connection)) >= MOST_TOKENS:
            raise ApiError(
                400,
                "INVALID.CAPI_TOKEN.TOO_MANY",
                "The request does not fit the contract.",
                f"A connection has {MOST_TOKENS} active tokens at most",
            )
        token_id = str(uuid.uuid4())
        secret = self._jwt(token_id)
        token = CapiToken(
            id=secret_digest(secret),
            token_id=token_id,
            connection_id=connection.id,
            secret=secret,
            created_at=self._state.clock.now(),
        )
        self._state.capi_tokens.put(token)
        return JSONResponse({"data": token_response(token)}, status_code=201)

    async def list_tokens(self, request: Request) -> Response:
        """The active tokens, secrets included, as the document has it."""
        return JSONResponse({"data": [token_response(token) for token in self._tokens(self._connection(request))]})

    async def delete_token(self, request: Request) -> Response:
        """204: the token is refused from now on."""
        connection = self._connection(request)
        token_id = as_uuid("capi_auth_token_id", request.path_params["capi_auth_token_id"])
        for token in self._tokens(connection):
            if token.token_id == token_id:
                self._state.capi_tokens.put(replace(token, deleted=True))
                return Response(status_code=204)
        raise not_found("CAPI_TOKEN", "The token does not exist")

    def _free_dataset(self, business_id: str, dataset_id: str) -> Dataset:
        dataset = self._state.datasets.get(dataset_id)
        if dataset is None or dataset.business_id != business_id:
            raise not_found("DATASET", "The data set does not exist")
        if self._state.capi_connections.of(dataset_id):
            raise ApiError(409, "CONFLICT.CAPI.EXISTS", "The data set is taken.", "The data set has a CAPI connection")
        return dataset

    def _connection(self, request: Request) -> CapiConnection:
        business = readable_business(self._state, request)
        id_ = as_uuid("capi_connection_id", request.path_params["capi_connection_id"])
        connection = self._state.capi_connections.get(id_)
        if connection is None or connection.business_id != business.id:
            raise not_found("CAPI_CONNECTION", "The CAPI connection does not exist")
        return connection

    def _tokens(self, connection: CapiConnection) -> list[CapiToken]:
        return [token for token in self._state.capi_tokens.of(connection.id) if not token.deleted]

    def _jwt(self, token_id: str) -> str:
        """A JSON web token as Spotify's example is one: HS256, and nothing but its id inside."""
        parts = [
            _encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (_HEADER, {"token_id": token_id})
        ]
        signed = ".".join(parts)
        signature = hmac.new(self._state.signing_key, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_encoded(signature)}"


_HEADER = {"alg": "HS256", "typ": "JWT"}


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
