"""The object store over HTTP: one signed POST starts a session, PUTs fill it, DELETE gives it up.

It follows Google's XML API ("Performing resumable uploads"): the session URI itself is the permission, so its holder
needs no signature and no token, and a request that carries an ``Authorization`` header is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spotify_pipeline.sandbox.http import BadRange, Chunk, StatusQuery, content_of
from spotify_pipeline.sandbox.lists import judge_list
from spotify_pipeline.sandbox.storage.responses import (
    StoreRefusal,
    object_stored,
    offset_beyond_stored,
    resume_incomplete,
    session_started,
    xml_error,
)
from spotify_pipeline.sandbox.storage.resumable import UploadSessions, too_large
from spotify_pipeline.sandbox.storage.signed_urls import (
    SignatureRefused,
    SignedRequest,
    sign_upload_url,
    signature_mismatch,
    verify_signed_request,
)
from spotify_pipeline.sandbox.store import SandboxState, SessionState, Upload, UploadSession

BUCKET = "sandbox-audience-lists"
_STATUS_CLIENT_CLOSED = 499

Endpoint = Callable[[Request], Awaitable[Response]]


def upload_url_for(state: SandboxState, request: Request, upload: Upload) -> str:
    """The signed URL of ``upload``, on the origin under which the client reached the sandbox."""
    host = request.headers.get("host", request.url.netloc)
    path = f"/upload/{BUCKET}/{quote(upload.id)}"
    origin = f"{request.url.scheme}://{host}"
    return sign_upload_url(state.signing_key, origin, host, path, state.clock.now(), state.config.upload_url_seconds)


class ObjectStore:
    """The store's requests, on one state."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._sessions = UploadSessions(state)

    def routes(self) -> list[Route]:
        """One path; what happens depends on the method and on ``upload_id`` in the query."""
        path = f"/upload/{BUCKET}/{{object_name}}"
        return [
            Route(path, _answering_in_xml(self.start), methods=["POST"], name="start_upload"),
            Route(path, _answering_in_xml(self.put), methods=["PUT"], name="put_upload"),
            Route(path, _answering_in_xml(self.cancel), methods=["DELETE"], name="cancel_upload"),
        ]

    async def start(self, request: Request) -> Response:
        """POST to a signed URL with ``x-goog-resumable: start``."""
        _verify(self._state, request)
        length = request.headers.get("content-length")
        if length is None:
            raise StoreRefusal(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if length != "0":
            raise StoreRefusal(400, "InvalidArgument", "The request that starts a session has no body.")
        upload = self._state.uploads.get(request.path_params["object_name"])
        if upload is None:
            raise StoreRefusal(403, "AccessDenied", "Access denied.")
        secret = self._sessions.start(upload)
        return session_started(f"{request.url}&upload_id={secret}", secret)

    async def put(self, request: Request) -> Response:
        """PUT to a session URI: all bytes, a chunk, or a status query."""
        secret, session = await self._session(request)
        try:
            content = content_of(request.headers)
        except BadRange as error:
            raise StoreRefusal(400, "InvalidArgument", str(error)) from None
        if session.state is SessionState.COMPLETE:
            return self._finished(session, secret)
        total = content.total
        if total is not None and total > self._state.config.maximum_object_bytes:
            raise too_large(self._state.config.maximum_object_bytes)
        stored = self._sessions.stored(session)
        if isinstance(content, StatusQuery):
            position = stored
        elif isinstance(content, Chunk):
            if content.first > stored:
                return offset_beyond_stored(content.first, stored)
            position = await self._sessions.take(session, content.first, content.last + 1, request.stream())
        else:
            total = position = await self._sessions.take(session, 0, total, request.stream())
        return await self._after(session, secret, max(position, stored), total, request)

    async def _after(
        self, session: UploadSession, secret: str, position: int, total: int | None, request: Request
    ) -> Response:
        """Finish the object when all its bytes are there, else say how many are."""
        if position == total:
            received = await self._sessions.finish(session)
            response = object_stored(received, secret)
            response.background = BackgroundTask(judge_list, self._state, received.id)
            return response
        if total is not None and position > total:
            raise StoreRefusal(400, "InvalidArgument", "More bytes are stored than the total says.")
        without_308 = request.headers.get("x-guploader-no-308", "").lower() == "yes"
        return resume_incomplete(self._sessions.stored(session), secret, without_308=without_308)

    async def cancel(self, request: Request) -> Response:
        """DELETE of a session URI."""
        _, session = await self._session(request)
        if session.state is SessionState.COMPLETE:
            raise StoreRefusal(410, "Gone", "The upload session is no longer available.")
        self._sessions.cancel(session)
        return Response(status_code=_STATUS_CLIENT_CLOSED)

    async def _session(self, request: Request) -> tuple[str, UploadSession]:
        secret = request.query_params.get("upload_id")
        if secret is None:
            # Not a session URI: Google checks it as a signed request, and it was signed for POST only.
            _verify(self._state, request)
            raise _refused(signature_mismatch())
        return secret, await self._sessions.find(secret, request.path_params["object_name"])

    def _finished(self, session: UploadSession, secret: str) -> Response:
        received = self._state.received_lists.get(session.received_list_id or "")
        if received is None:
            raise StoreRefusal(404, "NoSuchUpload", "The requested upload was not found.")
        return object_stored(received, secret)


def _answering_in_xml(handler: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            if "authorization" in request.headers:
                raise StoreRefusal(400, "InvalidArgument", "A signed URL or session URI takes no Authorization header.")
            return await handler(request)
        except StoreRefusal as refusal:
            return xml_error(refusal)

    return endpoint


def _verify(state: SandboxState, request: Request) -> None:
    presented = SignedRequest(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers=dict(request.headers.items()),
    )
    try:
        verify_signed_request(state.signing_key, presented, state.clock.now())
    except SignatureRefused as refusal:
        raise _refused(refusal) from None


def _refused(refusal: SignatureRefused) -> StoreRefusal:
    return StoreRefusal(refusal.status, refusal.code, refusal.message)
