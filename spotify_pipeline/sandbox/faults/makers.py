"""How named faults are made: the errors of each service, and the moments of a request at which they happen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Literal

from spotify_pipeline.sandbox.faults.actions import (
    Acknowledge,
    After,
    Alter,
    Before,
    Corrupt,
    Cut,
    During,
    EditJson,
    EditQuery,
    EndHere,
    Intrude,
    KeepRefreshToken,
    Reply,
    Text,
    Truncate,
)
from spotify_pipeline.sandbox.faults.model import (
    Fault,
    Midway,
    Operation,
    Point,
    Way,
)

_STORE_CODES = {
    400: "InvalidArgument",
    401: "AuthenticationRequired",
    403: "AccessDenied",
    404: "NoSuchUpload",
    408: "RequestTimeout",
    410: "Gone",
    412: "PreconditionFailed",
    429: "SlowDown",
    500: "InternalError",
    503: "ServiceUnavailable",
}
_EVENT_MESSAGES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
HASHES = ("x-goog-hash",)
_SIZES = ("x-goog-stored-content-length", "x-goog-stored-content-encoding")
PROOFS = (*HASHES, *_SIZES, "etag", "x-goog-generation", "x-goog-metageneration")
LEFT_OUT = {"size": HASHES, "hash": _SIZES, "nothing": PROOFS}
"""What an answer leaves out that states no more than this."""
_WRONG_HASHES = ("crc32c=AAAAAA==", "md5=AAAAAAAAAAAAAAAAAAAAAA==")
_JSON = {"Content-Type": "application/json"}
LOGIN_PAGE = "<!doctype html><html><head><title>Sign in to this network</title></head><body>Sign in</body></html>"


def data(*before: Before) -> Fault:
    """Before a PUT that carries bytes, or in its place."""
    return Fault(operation="put_upload", kind="data", before=before)


def midway(stored: Point, action: During, kind: Literal["data", "part", "final"] = "data") -> Fault:
    """While the body of a PUT comes in, at ``stored`` bytes of it."""
    return Fault(operation="put_upload", kind=kind, midway=Midway(stored=stored, do=(action,)))


def final(action: After) -> Fault:
    """When the PUT that ends the object was carried out."""
    return Fault(operation="put_upload", kind="final", on_status=200, after=(action,))


def instead(operation: Operation, reply: Reply | Cut | KeepRefreshToken) -> Fault:
    """In place of an operation."""
    return Fault(operation=operation, before=(reply,))


def once_done(operation: Operation, action: After, on_status: int | None = None) -> Fault:
    """When an operation was carried out, with this status if one is given."""
    return Fault(operation=operation, on_status=on_status, after=(action,))


def switch(operation: Operation, edit: EditJson) -> Fault:
    """From now on, in every answer."""
    return Fault(operation=operation, times="always", after=(edit,))


def in_audiences(field: str, value: str) -> Fault:
    """From now on, in every audience that is shown."""
    return switch("audiences", EditJson(set={field: value, f"audiences.*.{field}": value}))


def json_error(status: int, document: object, headers: Mapping[str, Text] | None = None) -> Reply:
    return Reply(status=status, headers={**_JSON, **(headers or {})}, body=json.dumps(document))


def ads_error(status: int, headers: Mapping[str, Text] | None = None) -> Reply:
    """An error of the Ads API."""
    body = {
        "sp_trace_id": "5c41b7ed-0000-4000-8000-000000000000",
        "messages": ["Scripted"],
        "error_codes": [{"code": f"SCRIPTED.{status}", "definition": "A fault was scripted in the sandbox."}],
    }
    return json_error(status, body, headers)


def token_error(status: int, error: str) -> Reply:
    """An error of the token endpoint."""
    return json_error(status, {"error": error, "error_description": "Scripted"})


def event_error(status: int, headers: Mapping[str, Text] | None = None) -> Reply:
    """An error of the event host."""
    return json_error(status, {"message": _EVENT_MESSAGES.get(status, f"SCRIPTED_{status}")}, headers)


def store_error(status: int, code: str | None = None, headers: Mapping[str, Text] | None = None) -> Reply:
    """An error as the store writes it; those that are a proxy's have no body."""
    named = code or _STORE_CODES.get(status)
    if named is None:
        return Reply(status=status, headers=headers or {})
    document = f"<Error><Code>{escape(named)}</Code><Message>Scripted.</Message></Error>"
    return Reply(
        status=status,
        headers={"Content-Type": "application/xml; charset=UTF-8", **(headers or {})},
        body="<?xml version='1.0' encoding='UTF-8'?>" + document,
    )


def page(body: str) -> Reply:
    """200 with an HTML page."""
    return Reply(status=200, headers={"Content-Type": "text/html; charset=utf-8"}, body=body)


def given(headers: Mapping[str, str | None]) -> dict[str, Text]:
    """The headers that have a value."""
    return {name: value for name, value in headers.items() if value is not None}


def limits(reset: str | None, retry_after: str | None) -> dict[str, Text]:
    """The headers of a rate limit that is used up."""
    limits = {"X-RateLimit-Limit": "1500", "X-RateLimit-Remaining": "0"}
    return given({**limits, "X-RateLimit-Reset": reset, "Retry-After": retry_after})


def start_fails(status: int, orphan: bool) -> Fault:
    error = store_error(status)
    return once_done("start_upload", error, 201) if orphan else instead("start_upload", error)


def garbled(remove: tuple[str, ...]) -> Fault:
    return final(Alter(headers=_JSON, remove=remove, body='{"kind": "storage#object", "name": "list", "si'))


def other_size(size: int, remove: tuple[str, ...]) -> Fault:
    return final(Alter(headers={"x-goog-stored-content-length": str(size)}, remove=remove))


def premature_success(truncated: bool) -> Fault:
    if truncated:
        return Fault(operation="put_upload", kind="part", before=(EndHere(),))
    return midway("all", Reply(status=200), kind="part")


def corrupted(where: str) -> Fault:
    if where == "stored":
        return midway(0, Corrupt())
    if where == "answer":
        return final(Alter(headers={"x-goog-hash": _WRONG_HASHES}))
    return midway("all", store_error(400, "BadDigest"), kind="final")


def other_writer(bytes: int, moment: str) -> Fault:  # noqa: A002 - the action's own word
    if moment == "before":
        return data(Intrude(bytes=bytes))
    return Fault(operation="put_upload", kind="part", on_status=308, after=(Intrude(bytes=bytes), Acknowledge()))


def broken_body(truncated: bool) -> Fault:
    action = Truncate(keep=20) if truncated else Alter(body='{"id": "9f6b2d30-00')
    return once_done("create_audience", action, 201)


def after_create(operation: Operation, action: After, on_status: int | None = None) -> Fault:
    return Fault(operation=operation, since="create_audience", times=2, on_status=on_status, after=(action,))


def offset(times: int | Literal["always"], nth: int, edit: EditQuery) -> Fault:
    return Fault(operation="list_audiences", times=times, nth=nth, before=(edit,))


def expires_in(value: float | str | None) -> Fault:
    edit = EditJson(drop=("expires_in",)) if value is None else EditJson(set={"expires_in": value})
    return once_done("token", edit, 200)


def large(status: int, mebibytes: int, gzip: bool) -> Fault:
    return instead("ads_api", Reply(status=status, headers=_JSON, body=" " * 1024, repeat=mebibytes * 1024, gzip=gzip))


def storm() -> Fault:
    ways = (
        Way(before=(event_error(503),)),
        Way(before=(event_error(429, limits("0", None)),)),
        Way(before=(Cut(read_body=True),)),
        Way(after=(Cut(),)),
    )
    return Fault(operation="send_events", times="always", share=0.2, seed="storm", mixture=ways)
