"""The faults of an upload, F01 to F33, as far as a server can cause them.

Missing are those that arise on the client's side: F27 and F28 (its file), F29 and F30 (its process and clock), F31
(names and certificates), F34 (sizes).
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Literal

from spotify_pipeline.sandbox.config import DAY
from spotify_pipeline.sandbox.faults.actions import (
    Acknowledge,
    After,
    Alter,
    Before,
    Corrupt,
    Cut,
    Drip,
    During,
    EndHere,
    EndSession,
    Intrude,
    Lose,
    MoveClock,
    Reply,
    Stall,
)
from spotify_pipeline.sandbox.faults.headers import Text
from spotify_pipeline.sandbox.faults.model import Fault, Midway, Point
from spotify_pipeline.sandbox.http import CHUNK_QUANTUM

MALFORMED_RANGES: tuple[Text, ...] = (
    "bytes=5-9",
    "bytes=0-abc",
    "0-abc",
    "bytes=0-",
    "bytes=-1",
    "bytes 0-262143",
    "bytes=0-262143,524288-786431",
    "bytes=262143-0",
    "bytes=0-99999999999999999999999",
    "items=0-262143",
    "",
    ("bytes=0-262143", "bytes=0-524287"),
)
"""Values of ``Range`` that tell no offset; the last are two headers."""

LOGIN_PAGE = "<!doctype html><html><head><title>Sign in to this network</title></head><body>Sign in</body></html>"
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_HASHES = ("x-goog-hash",)
_SIZES = ("x-goog-stored-content-length", "x-goog-stored-content-encoding")
_VERSIONS = ("etag", "x-goog-generation", "x-goog-metageneration")

Refusal = Literal[400, 401, 403, 404, 408, 410, 412, 429, 499, 500, 502, 503, 504]


def start_fails(*, status: Refusal = 503, orphan: bool = False) -> Fault:
    """The start is answered with an error; with ``orphan`` a session was opened all the same."""
    if orphan:
        return Fault(operation="start_upload", on_status=201, after=(_store_error(status),))
    return Fault(operation="start_upload", before=(_store_error(status),))


def start_without_location() -> Fault:
    """The start is answered 201 without Location."""
    return Fault(operation="start_upload", on_status=201, after=(Alter(remove=("location",)),))


def start_refused(*, status: Literal[400, 401, 403] = 403, code: str = "ExpiredToken") -> Fault:
    """The signed URL is refused."""
    return Fault(operation="start_upload", before=(_store_error(status, code),))


def reset_before_any_byte(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The connection goes before any byte was taken."""
    return _data(Cut(how=how))


def partly_stored_then_error(*, stored: Point = "half", status: Refusal = 503) -> Fault:
    """An error after a part of the body was stored."""
    return _midway(stored, _store_error(status))


def partly_acknowledged(*, stored: Point = "half") -> Fault:
    """308 for less than was sent; the rest was not stored."""
    return _midway(stored, Acknowledge())


def no_range(*, stored: Point = "all") -> Fault:
    """308 without Range after a chunk, of which ``stored`` was kept (0: nothing)."""
    return _midway(stored, Acknowledge(without_range=True))


def acknowledged_beyond(*, beyond: int = CHUNK_QUANTUM) -> Fault:
    """308 for more bytes than were ever sent; the body is stored, the object not finished."""
    return _midway("all", Acknowledge(beyond=beyond))


def acknowledged_bytes_lost(*, bytes: int | None = CHUNK_QUANTUM) -> Fault:  # noqa: A002 - the action's own word
    """Bytes that were acknowledged are gone: the next chunk leaves a gap, 503 in plain text."""
    return _data(Lose(bytes=bytes))


def finished_but_error(*, status: Refusal = 503) -> Fault:
    """The object is finished, the answer to the last chunk is an error."""
    return _final(_store_error(status))


def finished_but_unanswered(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The object is finished, the connection goes before the answer."""
    return _final(Cut(how=how))


def finished_with_garbled_json(*, proof: bool = True) -> Fault:
    """The object is finished, the body of the answer is half a JSON document, with or without headers of proof."""
    remove = () if proof else (*_HASHES, *_SIZES, *_VERSIONS)
    body = '{"kind": "storage#object", "name": "list", "si'
    return _final(Alter(headers={"Content-Type": "application/json"}, remove=remove, body=body))


def finished_with_empty_body(*, states: Literal["size", "hash", "nothing"] = "nothing") -> Fault:
    """The object is finished, the answer is empty and its headers state no more than this.

    An empty body whose headers state all is no fault, but the store's ordinary answer.
    """
    left_out = {"size": _HASHES, "hash": _SIZES, "nothing": (*_HASHES, *_SIZES, *_VERSIONS)}
    return _final(Alter(remove=left_out[states], body=""))


def premature_success(*, truncated: bool = False) -> Fault:
    """200 for a chunk that is not the last; with ``truncated`` the object was finished there, with true hashes."""
    if truncated:
        return Fault(operation="put_upload", kind="part", before=(EndHere(),))
    return Fault(operation="put_upload", kind="part", midway=Midway(stored="all", do=(Reply(status=200),)))


def finished_with_other_size(*, size: int = 7, hashes: bool = True) -> Fault:
    """The object is finished, the answer's headers state another size; ``hashes`` are the true ones or left out."""
    return _final(Alter(headers={"x-goog-stored-content-length": str(size)}, remove=() if hashes else _HASHES))


def session_gone(*, status: Literal[404, 410] = 404) -> Fault:
    """The session is gone: 404 forgotten, 410 cancelled."""
    return _data(EndSession(how="forgotten" if status == 404 else "cancelled"))


def session_too_old(*, days: int = 8) -> Fault:
    """The sandbox's clock jumps ahead before the request, past the session's week. Tokens and URLs age with it."""
    return _data(MoveClock(seconds=days * DAY))


def too_many_chunks(*, retry_after: str | None = "7") -> Fault:
    """429 with Retry-After for a chunk, nothing stored."""
    headers: dict[str, Text] = {} if retry_after is None else {"Retry-After": retry_after}
    return _data(_store_error(429, headers=headers))


def chunk_refused(*, status: Literal[400, 401, 403, 412] = 403) -> Fault:
    """A refusal in mid-upload that waiting does not mend."""
    return _data(_store_error(status))


def cancelled_elsewhere() -> Fault:
    """499: somebody else cancelled the session."""
    return _data(EndSession(how="cancelled"), Reply(status=499))


def resume_incomplete_as_200() -> Fault:
    """200 with X-HTTP-Status-Code-Override: 308. The body is stored, the object not finished."""
    return _midway("all", Acknowledge(as_200=True))


def redirected(*, status: Literal[301, 302, 307, 308] = 307, location: str = "https://elsewhere.example/list") -> Fault:
    """A redirect to another host, which would get the list."""
    return _data(Reply(status=status, headers={"Location": location}))


def malformed_range(*, value: Text = "bytes=5-9") -> Fault:
    """308 with a Range that tells no offset. The body is stored, the object not finished."""
    return _midway("all", Acknowledge(range=value))


def stalled(*, stored: Point = "half", seconds: float = 10) -> Fault:
    """The store stops reading for so long after a part of the body, then goes on."""
    return _midway(stored, Stall(seconds=seconds))


def dripping(*, seconds: float = 1, part: Literal["head", "body"] = "head") -> Fault:
    """The answer comes one byte at a time."""
    return Fault(operation="put_upload", kind="data", after=(Drip(seconds=seconds, part=part),))


def corrupted(*, where: Literal["stored", "answer", "refused"] = "stored") -> Fault:
    """A bit flips on the way into the store, only in the answer's hashes, or is noticed: 400 BadDigest."""
    if where == "stored":
        return _midway(0, Corrupt())
    if where == "answer":
        wrong = ("crc32c=AAAAAA==", "md5=AAAAAAAAAAAAAAAAAAAAAA==")
        return _final(Alter(headers={"x-goog-hash": wrong}))
    return Fault(
        operation="put_upload", kind="final", midway=Midway(stored="all", do=(_store_error(400, "BadDigest"),))
    )


def login_page() -> Fault:
    """A proxy answers 200 with an HTML page; nothing reaches the sandbox."""
    return Fault(operation="start_upload", before=(Reply(status=200, headers=_HTML, body=LOGIN_PAGE),))


def other_writer(*, bytes: int = CHUNK_QUANTUM, moment: Literal["before", "after"] = "after") -> Fault:  # noqa: A002
    """Another writer's bytes: after the chunk (the 308 acknowledges more than was sent) or in its place."""
    if moment == "before":
        return _data(Intrude(bytes=bytes))
    return Fault(operation="put_upload", kind="part", on_status=308, after=(Intrude(bytes=bytes), Acknowledge()))


UPLOAD_FAULTS: dict[str, tuple[tuple[str, ...], Callable[..., Fault]]] = {
    "F01": (("F01", "U01"), start_fails),
    "F02": (("F02", "U02"), start_without_location),
    "F03": (("F03", "U03"), start_refused),
    "F04": (("F04",), reset_before_any_byte),
    "F05": (("F05",), partly_stored_then_error),
    "F06": (("F06", "U05"), partly_acknowledged),
    "F07": (("F07", "U04"), no_range),
    "F08": (("F08", "U06"), acknowledged_beyond),
    "F09": (("F09", "U07"), acknowledged_bytes_lost),
    "F10": (("F10", "U08"), finished_but_error),
    "F11": (("F11", "U08"), finished_but_unanswered),
    "F12": (("F12", "U09"), finished_with_garbled_json),
    "F13": (("F13", "U09"), finished_with_empty_body),
    "F14": (("F14", "U10"), premature_success),
    "F15": (("F15", "U11"), finished_with_other_size),
    "F16": (("F16", "U12"), session_gone),
    "F17": (("F17", "U22"), session_too_old),
    "F18": (("F18", "U13"), too_many_chunks),
    "F19": (("F19", "U14"), chunk_refused),
    "F20": (("F20",), cancelled_elsewhere),
    "F21": (("F21",), resume_incomplete_as_200),
    "F22": (("F22", "U15"), redirected),
    "F23": (("F23", "U23"), malformed_range),
    "F24": (("F24", "U16"), stalled),
    "F25": (("F25",), dripping),
    "F26": (("F26", "U11"), corrupted),
    "F32": (("F32",), login_page),
    "F33": (("F33",), other_writer),
}


def _data(*before: Before) -> Fault:
    return Fault(operation="put_upload", kind="data", before=before)


def _midway(stored: Point, action: During) -> Fault:
    return Fault(operation="put_upload", kind="data", midway=Midway(stored=stored, do=(action,)))


def _final(action: After) -> Fault:
    return Fault(operation="put_upload", kind="final", on_status=200, after=(action,))


_CODES = {
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


def _store_error(status: int, code: str | None = None, *, headers: dict[str, Text] | None = None) -> Reply:
    """An error as the store writes it; those that are a proxy's have no body."""
    named = code or _CODES.get(status)
    if named is None:
        return Reply(status=status, headers=headers or {})
    document = f"<Error><Code>{escape(named)}</Code><Message>Scripted.</Message></Error>"
    return Reply(
        status=status,
        headers={"Content-Type": "application/xml; charset=UTF-8", **(headers or {})},
        body="<?xml version='1.0' encoding='UTF-8'?>" + document,
    )
