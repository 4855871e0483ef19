"""Errors of the Ads API: the document's ``ErrorResponse``.

The shape is Spotify's; the dotted codes and most sentences are the sandbox's own, because no document lists them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from starlette.responses import JSONResponse

SUBJECT = "*"
"""Placeholder in a code for what the operation is about; the answer replaces it."""
_SUBJECTS = (
    ("/audiences", "AUDIENCE"),
    ("/tokens", "CAPI_TOKEN"),
    ("/capi", "CAPI_CONNECTION"),
    ("/datasets", "DATASET"),
    ("/ad_accounts", "AD_ACCOUNT"),
    ("", "BUSINESS"),
)
"""By the first part of its path that is found."""


class ApiError(Exception):
    """A refusal: HTTP status, error code, its definition, and a message for people."""

    def __init__(self, status: int, code: str, definition: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.definition = definition
        self.message = message


def invalid(field: str, message: str) -> ApiError:
    """400 because of one field: ``INVALID.<SUBJECT>.<FIELD>``, whose subject is that of the operation."""
    return ApiError(400, f"INVALID.{SUBJECT}.{field.upper()}", "The request does not fit the contract.", message)


def not_found(what: str, message: str) -> ApiError:
    """404: ``NOT_FOUND.<WHAT>``."""
    return ApiError(404, f"NOT_FOUND.{what}", "The id is not known to this user.", message)


def error_response(error: ApiError, headers: Mapping[str, str] | None = None, *, path: str = "") -> JSONResponse:
    """The error as the document describes it, with a fresh ``sp_trace_id``; ``path`` is the operation's."""
    subject = next(name for part, name in _SUBJECTS if part in path)
    body = {
        "sp_trace_id": str(uuid.uuid4()),
        "messages": [error.message],
        "error_codes": [{"code": error.code.replace(SUBJECT, subject), "definition": error.definition}],
    }
    return JSONResponse(body, status_code=error.status, headers=dict(headers or {}))
