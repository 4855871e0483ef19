"""The Ads API's audience operations."""

from __future__ import annotations

import uuid
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spotify_pipeline.sandbox.ads.access import guarded, readable_ad_account, writable_ad_account
from spotify_pipeline.sandbox.ads.audience_rules import (
    LARGEST_PAGE,
    LIST_QUERY,
    audience_edit,
    list_query,
    new_audience,
)
from spotify_pipeline.sandbox.ads.errors import ApiError, invalid, not_found
from spotify_pipeline.sandbox.ads.fields import as_uuid, body_of, query_number
from spotify_pipeline.sandbox.ads.responses import audience_response, datasets_of_ad_account, received_names
from spotify_pipeline.sandbox.lists import CUSTOMER_LIST, AudienceStatus, settle, status_of
from spotify_pipeline.sandbox.storage import upload_url_for
from spotify_pipeline.sandbox.store import AdAccount, Audience, Dataset, SandboxState, Share, Upload


class AudienceOperations:
    """Each operation of the document's tag ``audiences``, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state

    def routes(self, prefix: str) -> list[Route]:
        """Fixed paths come before ``{audience_id}``, or they would be taken for ids."""
        base = f"{prefix}/ad_accounts/{{ad_account_id}}/audiences"
        state = self._state
        table = (
            ("POST", base, self.create, "create_audience", frozenset[str]()),
            ("GET", base, self.list, "list_audiences", LIST_QUERY),
            ("POST", f"{base}/upload_url", self.new_upload, "new_upload_url", frozenset[str]()),
            (
                "POST",
                f"{base}/upload_url/{{audience_id}}",
                self.replacement_upload,
                "replacement_upload_url",
                frozenset[str](),
            ),
            ("GET", f"{base}/datasets", self.datasets, "list_audience_datasets", frozenset({"q", "limit"})),
            ("GET", f"{base}/{{audience_id}}", self.get, "get_audience", frozenset[str]()),
            ("PATCH", f"{base}/{{audience_id}}", self.edit, "edit_audience", frozenset[str]()),
            ("DELETE", f"{base}/{{audience_id}}", self.delete, "delete_audience", frozenset[str]()),
        )
        return [
            Route(path, guarded(state, handler, query), methods=[method], name=name)
            for method, path, handler, name, query in table
        ]

    async def create(self, request: Request) -> Response:
        """201; 404 for an upload, seed or data set that does not exist; 409 for an id that is taken."""
        account = writable_ad_account(self._state, request)
        audience = new_audience(await body_of(request), account.id, self._state.clock.now())
        if self._state.audiences.get(audience.id) is not None:
            raise ApiError(409, "CONFLICT.AUDIENCE.EXISTS", "The id is taken.", "An audience with this id exists")
        if audience.subtype == CUSTOMER_LIST:
            self._check_uploaded(account, audience)
        for dataset_id in audience.dataset_ids:
            if self._state.shares.get(Share.name_of(dataset_id, account.id)) is None:
                raise not_found("DATASET", "A data set does not exist")
        if audience.seed_audience_id is not None:
            self._audience(account, audience.seed_audience_id)
        self._state.audiences.put(audience)
        return JSONResponse(await self._answer(audience), status_code=201)

    async def list(self, request: Request) -> Response:
        """A page of the ad account's audiences."""
        account = readable_ad_account(self._state, request)
        query = list_query(request)
        found = [audience for audience in self._state.audiences.of(account.id) if query.admits(audience)]
        await settle(self._state, found)
        current = {audience.id: status_of(self._state, audience) for audience in found}

        def order(audience: Audience) -> tuple[str, str]:
            key = audience.name.lower() if query.by_name else current[audience.id].updated_at.isoformat()
            return key, audience.id

        found.sort(key=order, reverse=query.descending)
        page = found[query.offset : query.offset + query.limit]
        return JSONResponse(
            {
                "paging": {
                    "page_size": query.limit,
                    "total_results": len(found),
                    "offset": query.offset,
                    "current_page": query.offset // query.limit + 1,
                },
                "audiences": [audience_response(self._state, audience, current[audience.id]) for audience in page],
            }
        )

    async def get(self, request: Request) -> Response:
        """One audience."""
        account = readable_ad_account(self._state, request)
        return JSONResponse(await self._answer(self._audience_in_path(account, request)))

    async def edit(self, request: Request) -> Response:
        """Change name and description."""
        account = writable_ad_account(self._state, request)
        body = await body_of(request)
        audience = self._audience_in_path(account, request)
        edit = audience_edit(body, audience)
        edited = replace(
            audience,
            name=audience.name if edit.name is None else edit.name,
            description=audience.description if edit.description is None else edit.description,
            updated_at=self._state.clock.now(),
        )
        self._state.audiences.put(edited)
        return JSONResponse(await self._answer(edited))

    async def delete(self, request: Request) -> Response:
        """Remove an audience, its lists, its upload URLs and uploads under way; 409 while it is LIVE."""
        account = writable_ad_account(self._state, request)
        audience = self._audience_in_path(account, request)
        if audience.forced_status == "LIVE":
            raise ApiError(409, "CONFLICT.AUDIENCE.IN_USE", "An ad set uses the audience.", "The audience is in use")
        for received in self._state.received_lists.of(audience.id):
            self._state.received_lists.delete(received.id)
            self._state.list_file(received.id).unlink(missing_ok=True)
        for upload in self._state.uploads.of(audience.id):
            for session in self._state.sessions.of(upload.id):
                self._state.forget_session(session.id)
            self._state.uploads.delete(upload.id)
        self._state.audiences.delete(audience.id)
        return JSONResponse({"deletion_count": 1})

    async def new_upload(self, request: Request) -> Response:
        """A signed URL for the list of an audience that is to be created, and the id it will have."""
        account = writable_ad_account(self._state, request)
        return self._upload(request, account, str(uuid.uuid4()), replacement=False)

    async def replacement_upload(self, request: Request) -> Response:
        """A signed URL for a new list of an existing customer list audience."""
        account = writable_ad_account(self._state, request)
        audience = self._audience_in_path(account, request)
        if audience.subtype != CUSTOMER_LIST:
            raise invalid("SUBTYPE", "only a CUSTOMER_LIST audience has a list")
        return self._upload(request, account, audience.id, replacement=True)

    async def datasets(self, request: Request) -> Response:
        """The data sets from which web event audiences can be made."""
        account = readable_ad_account(self._state, request)
        limit = query_number(request, "limit", LARGEST_PAGE, 1, LARGEST_PAGE)
        search = request.query_params.get("q", "").lower()
        found = [one for one in datasets_of_ad_account(self._state, account.id) if search in one.name.lower()]
        paging = {"page_size": limit, "total_results": len(found), "offset": 0, "current_page": 1}
        return JSONResponse({"paging": paging, "datasets": [self._dataset(one) for one in found[:limit]]})

    def _upload(self, request: Request, account: AdAccount, audience_id: str, *, replacement: bool) -> Response:
        upload = Upload(id=uuid.uuid4().hex, ad_account_id=account.id, audience_id=audience_id, replacement=replacement)
        self._state.uploads.put(upload)
        return JSONResponse({"id": audience_id, "upload_url": upload_url_for(self._state, request, upload)})

    def _check_uploaded(self, account: AdAccount, audience: Audience) -> None:
        uploads = self._state.uploads.of(audience.id)
        if not any(upload.ad_account_id == account.id for upload in uploads):
            raise not_found("AUDIENCE.UPLOAD", "No upload URL was made for this audience_id")

    def _audience_in_path(self, account: AdAccount, request: Request) -> Audience:
        return self._audience(account, as_uuid("audience_id", request.path_params["audience_id"]))

    def _audience(self, account: AdAccount, audience_id: str) -> Audience:
        audience = self._state.audiences.get(audience_id)
        if audience is None or audience.ad_account_id != account.id:
            raise not_found("AUDIENCE", "The audience does not exist")
        return audience

    async def _answer(self, audience: Audience) -> dict[str, object]:
        await settle(self._state, [audience])
        current: AudienceStatus = status_of(self._state, audience)
        return audience_response(self._state, audience, current)

    def _dataset(self, dataset: Dataset) -> dict[str, object]:
        arrived = (name.lower() for name in received_names(self._state, dataset))
        return {"id": dataset.id, "name": dataset.name, "events": list(dict.fromkeys((*dataset.events, *arrived)))}
