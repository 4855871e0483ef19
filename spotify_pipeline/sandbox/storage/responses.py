"""What the object store says. Errors are XML, as Google's; success has an empty body and speaks in headers."""

from __future__ import annotations

import secrets
from html import escape

from starlette.responses import PlainTextResponse, Response

from spotify_pipeline.sandbox.store import ReceivedList

UPLOADER_ID = "X-GUploader-UploadID"


class StoreRefusal(Exception):
    """The store does not do what was asked: a status and Google's name of the reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def xml_error(refusal: StoreRefusal) -> Response:
    """The refusal in the shape of Google's XML API."""
    document = (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f"<Error><Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message></Error>"
    )
    return Response(
        document,
        status_code=refusal.status,
        media_type="application/xml; charset=UTF-8",
        headers={UPLOADER_ID: secrets.token_urlsafe(48)},
    )


def session_started(location: str, upload_id: str) -> Response:
    """201: the session URI is in ``Location``."""
    return Response(status_code=201, headers={"Location": location, UPLOADER_ID: upload_id})


def resume_incomplete(stored: int, upload_id: str, *, without_308: bool) -> Response:
    """308 with the range that is stored; without ``Range`` where nothing is.

    ``without_308``: the client sent ``X-GUploader-No-308: yes``, and gets a 200 that says 308 in a header.
    """
    headers = {UPLOADER_ID: upload_id}
    if stored:
        headers["Range"] = f"bytes=0-{stored - 1}"
    if without_308:
        headers["X-HTTP-Status-Code-Override"] = "308"
    return Response(status_code=200 if without_308 else 308, headers=headers)


def offset_beyond_stored(offset: int, stored: int) -> Response:
    """A chunk that leaves a gap. Google answers it with a 503 in plain text, though waiting does not help."""
    return PlainTextResponse(
        "Invalid request. According to the Content-Range header, the upload offset is "
        f"{offset} byte(s), which exceeds already uploaded size of {stored} byte(s).",
        status_code=503,
    )


def object_stored(received: ReceivedList, upload_id: str) -> Response:
    """200 for a finished object: its hashes and length in headers, ``x-goog-hash`` once per hash."""
    response = Response(
        headers={
            UPLOADER_ID: upload_id,
            "ETag": f'"{received.id.replace("-", "")}"',
            "x-goog-generation": str(int(received.completed_at.timestamp() * 1_000_000)),
            "x-goog-metageneration": "1",
            "x-goog-stored-content-encoding": "identity",
            "x-goog-stored-content-length": str(received.size),
        }
    )
    response.headers.append("x-goog-hash", f"crc32c={received.crc32c}")
    response.headers.append("x-goog-hash", f"md5={received.md5}")
    return response
