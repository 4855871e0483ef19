"""The Ads API's data sets: what pixels and connections send comes together there, and ad accounts share it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.ads.access import guarded, readable_ad_account, readable_business
from spotify_pipeline.sandbox.ads.diagnostics import DIAGNOSTICS_QUERY, diagnostics_response, granularities_of
from spotify_pipeline.sandbox.ads.errors import SUBJECT, ApiError, invalid, not_found
from spotify_pipeline.sandbox.ads.fields import as_uuid, body_of, required
from spotify_pipeline.sandbox.ads.responses import dataset_response, datasets_of_ad_account
from spotify_pipeline.sandbox.store import VIEWER, AdAccount, CapiConnection, Dataset, Pixel, SandboxState, Share

NAME_LENGTH = (1, 200)


class DatasetOperations:
    """Each operation of the document's tag ``measurement-datasets``, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self, prefix: str) -> list[Route]:
        """All are of a business."""
        business = f"{prefix}/businesses/{{business_id}}"
        one = f"{business}/datasets/{{dataset_id}}"
        shared = f"{one}/ad_accounts/{{ad_account_id}}"
        table = (
            ("GET", f"{business}/datasets", self.list, "list_datasets"),
            ("POST", f"{business}/datasets", self.create, "create_dataset"),
            ("GET", one, self.get, "get_dataset"),
            ("PATCH", one, self.edit, "edit_dataset"),
            ("DELETE", f"{one}/integrations/{{integration_id}}", self.remove_integration, "remove_integration"),
            ("GET", f"{one}/diagnostics", self.diagnostics, "get_diagnostics"),
            ("POST", shared, self.share, "share_dataset"),
            ("DELETE", shared, self.unshare, "unshare_dataset"),
            ("GET", f"{business}/ad_accounts/{{ad_account_id}}/datasets", self.shared, "list_ad_account_datasets"),
        )
        queries = {"get_diagnostics": DIAGNOSTICS_QUERY}
        return [
            Route(path, guarded(self._state, handler, queries.get(name, frozenset())), methods=[method], name=name)
            for method, path, handler, name in table
        ]

    async def list(self, request: Request) -> Response:
        """Every data set of the business, on one page."""
        return self._page(self._state.datasets.of(readable_business(self._state, request).id))

    async def shared(self, request: Request) -> Response:
        """Every data set that the ad account may use."""
        business = readable_business(self._state, request)
        account = readable_ad_account(self._state, request)
        if account.business_id != business.id:
            raise not_found("AD_ACCOUNT", "The ad account does not exist in this business")
        return self._page(datasets_of_ad_account(self._state, account.id))

    async def create(self, request: Request) -> Response:
        """201, with integrations that leave the data sets they were in. Of two, the pixel has joined late."""
        business = readable_business(self._state, request)
        body = await body_of(request)
        body.allow_only(("name", "integration_ids"))
        name = required("name", body.text("name", *NAME_LENGTH))
        if not body.has("integration_ids"):
            raise invalid("INTEGRATION_IDS", "integration_ids must not be null")
        joined = [self._integration(business.id, id_) for id_ in dict.fromkeys(body.uuids("integration_ids"))]
        if len({type(one) for one in joined}) < len(joined):
            raise invalid("INTEGRATION_IDS", "a data set has one pixel and one CAPI connection at most")
        dataset = Dataset(id=str(uuid.uuid4()), name=name, business_id=business.id)
        self._state.datasets.put(dataset)
        self._move(joined, dataset)
        return JSONResponse(dataset_response(self._state, dataset), status_code=201)

    async def get(self, request: Request) -> Response:
        """One data set."""
        return JSONResponse(dataset_response(self._state, self._dataset(request)))

    async def edit(self, request: Request) -> Response:
        """Change its name."""
        dataset = self._dataset(request)
        body = await body_of(request)
        body.allow_only(("name",))
        edited = replace(dataset, name=body.text("name", *NAME_LENGTH) or dataset.name)
        self._state.datasets.put(edited)
        return JSONResponse(dataset_response(self._state, edited))

    async def remove_integration(self, request: Request) -> Response:
        """The integration gets a new data set of its own, which is the answer."""
        dataset = self._dataset(request)
        found = self._integration(dataset.business_id, as_uuid("integration_id", request.path_params["integration_id"]))
        if found.dataset_id != dataset.id:
            raise not_found("INTEGRATION", "The data set does not have this integration")
        own = Dataset(id=str(uuid.uuid4()), name=found.name, business_id=dataset.business_id)
        self._state.datasets.put(own)
        self._move([found], own)
        return JSONResponse(dataset_response(self._state, own))

    async def diagnostics(self, request: Request) -> Response:
        """What has arrived, by hour or day."""
        dataset = self._dataset(request)
        wanted = frozenset(request.query_params.getlist("datasource_ids"))
        return JSONResponse(diagnostics_response(self._state, dataset, granularities_of(request), wanted))

    async def share(self, request: Request) -> Response:
        """204: the ad account may use the data set, if it did not already."""
        dataset, account = self._to_share(request)
        self._state.shares.put(Share.of(dataset.id, account.id))
        return Response(status_code=204)

    async def unshare(self, request: Request) -> Response:
        """204: the ad account may not use the data set, if it did."""
        dataset, account = self._to_share(request)
        self._state.shares.delete(Share.name_of(dataset.id, account.id))
        return Response(status_code=204)

    def _to_share(self, request: Request) -> tuple[Dataset, AdAccount]:
        """What is in the path. The document knows no 404 here, so what does not exist is 400."""
        try:
            dataset, account = self._dataset(request), readable_ad_account(self._state, request)
        except ApiError as error:
            code = error.code.replace("NOT_FOUND.", f"INVALID.{SUBJECT}.")
            raise ApiError(400, code, error.definition, error.message) from None
        if account.business_id != dataset.business_id:
            raise invalid("AD_ACCOUNT_ID", "the ad account is of another business")
        if account.role == VIEWER:
            raise ApiError(403, "PERMISSION_DENIED", "EDIT_NOT_ALLOWED", "User may not share data sets with it")
        return dataset, account

    def _dataset(self, request: Request) -> Dataset:
        business = readable_business(self._state, request)
        dataset = self._state.datasets.get(as_uuid("dataset_id", request.path_params["dataset_id"]))
        if dataset is None or dataset.business_id != business.id:
            raise not_found("DATASET", "The data set does not exist")
        return dataset

    def _integration(self, business_id: str, id_: str) -> Pixel | CapiConnection:
        for one in (*self._state.pixels.all(), *self._state.capi_connections.all()):
            if one.integration_id == id_ and one.business_id == business_id:
                return one
        raise not_found("INTEGRATION", "The integration does not exist")

    def _move(self, joined: Sequence[Pixel | CapiConnection], dataset: Dataset) -> None:
        late = len(joined) > 1
        for one in joined:
            if isinstance(one, Pixel):
                self._state.pixels.put(replace(one, dataset_id=dataset.id, joined_late=late))
            else:
                self._state.capi_connections.put(replace(one, dataset_id=dataset.id))

    def _page(self, found: Sequence[Dataset]) -> Response:
        paging = {"page_size": max(50, len(found)), "total_results": len(found), "offset": 0, "current_page": 1}
        return JSONResponse({"paging": paging, "datasets": [dataset_response(self._state, one) for one in found]})
