"""Named faults as one table: name, requirements, what happens, how the fault is made, its own options.

``F01`` to ``F33`` are the faults of an upload that a server can cause. F27 and F28 (the client's file), F29 and F30
(its process and clock), F31 (names and certificates) and F34 (sizes) arise on the client's side and are not here. The
other faults are of sign-in, of the Ads API and of the event host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

from pydantic import Field, ValidationError

from spotify_pipeline.sandbox.config import DAY
from spotify_pipeline.sandbox.faults.actions import (
    Acknowledge,
    Alter,
    Cut,
    Drip,
    EditJson,
    EditQuery,
    EndSession,
    ForAnother,
    HideNewest,
    KeepRefreshToken,
    Lose,
    MoveClock,
    Reply,
    Stall,
    Text,
)
from spotify_pipeline.sandbox.faults.makers import (
    HASHES,
    LEFT_OUT,
    LOGIN_PAGE,
    PROOFS,
    ads_error,
    after_create,
    broken_body,
    corrupted,
    data,
    event_error,
    expires_in,
    final,
    garbled,
    given,
    in_audiences,
    instead,
    large,
    limits,
    midway,
    offset,
    once_done,
    other_size,
    other_writer,
    page,
    premature_success,
    start_fails,
    store_error,
    storm,
    switch,
    token_error,
)
from spotify_pipeline.sandbox.faults.model import (
    Fault,
    FaultInvalid,
    Option,
    Point,
    Preset,
    sentence_of,
)
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


def named_fault(name: str, **options: object) -> Fault:
    """The fault of this name, for instance ``named_fault("F05", stored=262144, nth=3)``.

    ``operation``, ``kind``, ``nth``, ``times``, ``since``, ``share`` and ``seed`` replace the preset's own; other
    options are the preset's.

    Raises:
        FaultInvalid: there is no such preset or option, or an option has a value it cannot have.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise FaultInvalid(f"There is no fault named {name!r}; there are {', '.join(PRESETS)}.")
    return preset.fault(options)


def read_fault(document: object) -> Fault:
    """A fault from its JSON form: a preset's ``{"name": ...}`` with options, or one with actions of its own.

    Raises:
        FaultInvalid: the document is neither.
    """
    if not isinstance(document, dict):
        raise FaultInvalid("A fault is a JSON object.")
    fields = cast("dict[str, object]", document)
    if "name" in fields and not {"before", "midway", "after", "mixture"} & set(fields):
        return named_fault(str(fields["name"]), **{name: value for name, value in fields.items() if name != "name"})
    try:
        return Fault.model_validate(fields)
    except ValidationError as error:
        raise FaultInvalid(sentence_of(error)) from None


def _one_of(*values: object, default: object) -> Option:
    return Option(Literal[values], default)


def _row(name: str, codes: str, title: str, make: Fault | Callable[[Any], Fault], **own: Option) -> Preset:
    return Preset(name, tuple(codes.split()), title, make, own)


_STATUS = Annotated[int, Field(ge=200, le=599)]
_MEBIBYTES = Annotated[int, Field(ge=1, le=1024)]
_REFUSAL = _one_of(400, 401, 403, 404, 408, 410, 412, 429, 499, 500, 502, 503, 504, default=503)
_ERROR = Option(_STATUS, 500)
_HOW = _one_of("reset", "close", default="reset")
_HALF, _ALL = Option(Point, "half"), Option(Point, "all")
_YES, _NO = Option(bool, True), Option(bool, False)
_QUANTUM = Option(int, CHUNK_QUANTUM)
_SECONDS = Option(float, 10)
_TEXT_OR_NONE = Option(str | None, None)

# fmt: off
_TABLE = (
    # Uploads
    _row("F01", "F01 U01", "The start is answered with an error; with `orphan` a session was opened all the same",
         lambda o: start_fails(o.status, o.orphan), status=_REFUSAL, orphan=_NO),
    _row("F02", "F02 U02", "The start is answered 201 without Location",
         once_done("start_upload", Alter(remove=("location",)), 201)),
    _row("F03", "F03 U03", "The signed URL is refused",
         lambda o: instead("start_upload", store_error(o.status, o.code)),
         status=_one_of(400, 401, 403, default=403), code=Option(str, "ExpiredToken")),
    _row("F04", "F04", "The connection goes before any byte was taken", lambda o: data(Cut(how=o.how)), how=_HOW),
    _row("F05", "F05", "An error after a part of the body was stored",
         lambda o: midway(o.stored, store_error(o.status)), stored=_HALF, status=_REFUSAL),
    _row("F06", "F06 U05", "308 for less than was sent; the rest was not stored",
         lambda o: midway(o.stored, Acknowledge()), stored=_HALF),
    _row("F07", "F07 U04", "308 without Range after a chunk, of which `stored` was kept (0: nothing)",
         lambda o: midway(o.stored, Acknowledge(without_range=True)), stored=_ALL),
    _row("F08", "F08 U06", "308 for more bytes than were ever sent; the body is stored, the object not finished",
         lambda o: midway("all", Acknowledge(beyond=o.beyond)), beyond=_QUANTUM),
    _row("F09", "F09 U07", "Bytes that were acknowledged are gone: the next chunk leaves a gap, 503 in plain text",
         lambda o: data(Lose(bytes=o.bytes)), bytes=Option(int | None, CHUNK_QUANTUM)),
    _row("F10", "F10 U08", "The object is finished, the answer to the last chunk is an error",
         lambda o: final(store_error(o.status)), status=_REFUSAL),
    _row("F11", "F11 U08", "The object is finished, the connection goes before the answer",
         lambda o: final(Cut(how=o.how)), how=_HOW),
    _row("F12", "F12 U09", "The object is finished, the body of the answer is half a JSON document, "
         "with or without headers of proof", lambda o: garbled(() if o.proof else PROOFS), proof=_YES),
    # An empty body whose headers state everything is the store's ordinary answer.
    _row("F13", "F13 U09", "The object is finished, the answer is empty and its headers state no more than this",
         lambda o: final(Alter(remove=LEFT_OUT[o.states], body="")),
         states=_one_of(*LEFT_OUT, default="nothing")),
    _row("F14", "F14 U10", "200 for a chunk that is not the last; with `truncated` the object was finished there, "
         "with true hashes", lambda o: premature_success(o.truncated), truncated=_NO),
    _row("F15", "F15 U11", "The object is finished, the answer's headers state another size; `hashes` are the true "
         "ones or left out", lambda o: other_size(o.size, () if o.hashes else HASHES),
         size=Option(int, 7), hashes=_YES),
    _row("F16", "F16 U12", "The session is gone: 404 forgotten, 410 cancelled",
         lambda o: data(EndSession(how="forgotten" if o.status == 404 else "cancelled")),
         status=_one_of(404, 410, default=404)),
    _row("F17", "F17 U22", "The sandbox's clock jumps ahead before the request, past the session's week. "
         "Tokens and URLs age with it", lambda o: data(MoveClock(seconds=o.days * DAY)), days=Option(int, 8)),
    _row("F18", "F18 U13", "429 with Retry-After for a chunk, nothing stored",
         lambda o: data(store_error(429, headers=given({"Retry-After": o.retry_after}))),
         retry_after=Option(str | None, "7")),
    _row("F19", "F19 U14", "A refusal in mid-upload that waiting does not fix",
         lambda o: data(store_error(o.status)), status=_one_of(400, 401, 403, 412, default=403)),
    _row("F20", "F20", "499: somebody else cancelled the session",
         data(EndSession(how="cancelled"), Reply(status=499))),
    _row("F21", "F21", "200 with X-HTTP-Status-Code-Override: 308. The body is stored, the object not finished",
         midway("all", Acknowledge(as_200=True))),
    _row("F22", "F22 U15", "A redirect to another host, which would get the list",
         lambda o: data(Reply(status=o.status, headers={"Location": o.location})),
         status=_one_of(301, 302, 307, 308, default=307), location=Option(str, "https://elsewhere.example/list")),
    _row("F23", "F23 U23", "308 with a Range that tells no offset. The body is stored, the object not finished",
         lambda o: midway("all", Acknowledge(range=o.value)), value=Option(Text, MALFORMED_RANGES[0])),
    _row("F24", "F24 U16", "The store stops reading for so long after a part of the body, then goes on",
         lambda o: midway(o.stored, Stall(seconds=o.seconds)), stored=_HALF, seconds=_SECONDS),
    _row("F25", "F25", "The answer comes one byte at a time",
         lambda o: Fault(operation="put_upload", kind="data", after=(Drip(seconds=o.seconds, part=o.part),)),
         seconds=Option(float, 1), part=_one_of("head", "body", default="head")),
    _row("F26", "F26 U11", "A bit flips on the way into the store, only in the answer's hashes, or is noticed: "
         "400 BadDigest", lambda o: corrupted(o.where),
         where=_one_of("stored", "answer", "refused", default="stored")),
    _row("F32", "F32", "A proxy answers 200 with an HTML page; nothing reaches the sandbox",
         instead("start_upload", page(LOGIN_PAGE))),
    _row("F33", "F33", "Another writer's bytes: after the chunk (the 308 acknowledges more than was sent) or in its "
         "place", lambda o: other_writer(o.bytes, o.moment),
         bytes=_QUANTUM, moment=_one_of("before", "after", default="after")),
    # The Ads API
    _row("refused", "C03 R05", "An error of the Ads API; the operation is not carried out",
         lambda o: instead("ads_api", ads_error(o.status)), status=_ERROR),
    _row("carried_out_but_error", "C03", "The operation is carried out and answered with an error all the same",
         lambda o: once_done("create_audience", ads_error(o.status)), status=_ERROR),
    _row("connection_lost", "R05", "The connection goes before the request is read; the operation is not carried out",
         lambda o: instead("ads_api", Cut(how=o.how)), how=_HOW),
    _row("answer_lost", "C02", "The operation is carried out, the connection goes before the answer",
         lambda o: once_done("create_audience", Cut(how=o.how)), how=_HOW),
    _row("slow_answer", "F25 R09", "The operation is carried out, the answer begins that much later",
         lambda o: once_done("ads_api", Stall(seconds=o.seconds)), seconds=_SECONDS),
    _row("created_with_broken_body", "C04", "201 with half a JSON document; with `truncated` the connection closes "
         "in the middle of a good one", lambda o: broken_body(o.truncated), truncated=_NO),
    _row("not_visible_yet", "C02", "After a create, reading an audience by its id answers 404 for a while",
         after_create("get_audience", ads_error(404), 200)),
    _row("not_listed_yet", "C02", "After a create, lists leave the newest audience out for a while",
         after_create("list_audiences", HideNewest())),
    _row("unauthorized", "O12", "401 for a token that has not expired; with `empty` without a body",
         lambda o: instead("ads_api", Reply(status=401) if o.empty else ads_error(401)), empty=_NO),
    _row("too_many_requests", "R02 R03 R04", "429 with these headers; None leaves a header out",
         lambda o: instead("ads_api", ads_error(429, limits(o.reset, o.retry_after))),
         reset=Option(str | None, "12"), retry_after=_TEXT_OR_NONE),
    _row("error_codes_in_camel_case", "", "From now on errors say errorCodes in place of error_codes",
         switch("ads_api", EditJson(rename={"error_codes": "errorCodes"}))),
    _row("error_codes_as_strings", "", "From now on the entries of error_codes are strings, not objects",
         switch("ads_api", EditJson(pluck={"error_codes": "code"}))),
    _row("unknown_status", "C15", "From now on audiences are shown in a status that no document names",
         lambda o: in_audiences("status", o.value), value=Option(str, "HIBERNATING")),
    _row("unknown_subtype", "C15", "From now on audiences are shown with a subtype that no document names",
         lambda o: in_audiences("subtype", o.value), value=Option(str, "DREAM_JOURNAL")),
    _row("answers_for_another", "C20", "The operation is carried out and answered with the body of another object: "
         "that of `id`, or the newest", lambda o: once_done("ads_api", ForAnother(id=o.id)), id=_TEXT_OR_NONE),
    _row("page_off_by_one", "C06", "From now on a list's offset counts from 1: pages but the first begin with the "
         "last entry of the one before", offset("always", 1, EditQuery(name="offset", shift=-1))),
    _row("page_repeated", "C06", "A page of a list is the first one again",
         offset(1, 2, EditQuery(name="offset", value="0"))),
    _row("total_grows", "C06", "From now on the total of a list is larger with every page",
         lambda o: switch("list_audiences", EditJson(add={"paging.total_results": o.by})),
         by=Option(Annotated[int, Field(ge=1)], 1)),
    _row("large_error", "R10", "An error with a body of several MiB",
         lambda o: large(o.status, o.mebibytes, False), status=_ERROR, mebibytes=Option(_MEBIBYTES, 5)),
    _row("large_header", "R10", "An error with a header of 1 MiB",
         lambda o: instead("ads_api", Reply(status=o.status, header_bytes=o.bytes)),
         status=_ERROR, bytes=Option(int, 1 << 20)),
    _row("gzip_bomb", "R10", "A small compressed body that is 100 MiB and more when unpacked",
         lambda o: large(o.status, o.mebibytes, True), status=Option(_STATUS, 200), mebibytes=Option(_MEBIBYTES, 100)),
    # Sign-in
    _row("token_unavailable", "O07", "The token endpoint fails; no token was rotated",
         lambda o: instead("token", token_error(o.status, "server_error")), status=Option(_STATUS, 503)),
    _row("token_login_page", "O07", "The token endpoint answers 200 with an HTML page",
         instead("token", page("<html>Sign in</html>"))),
    _row("token_answer_lost", "O03", "The refresh token was rotated, the connection goes before the answer",
         lambda o: once_done("token", Cut(how=o.how), 200), how=_HOW),
    _row("no_refresh_token", "O04", "A token answer without refresh_token; the one that was sent stays good",
         instead("token", KeepRefreshToken())),
    _row("expires_in", "O11", "A token answer whose expires_in is this; None leaves it out",
         lambda o: expires_in(o.value), value=Option(int | float | str | None, None)),
    _row("scope", "O17", "A token answer with another scope than was asked for",
         lambda o: once_done("token", EditJson(set={"scope": o.value}), 200), value=Option(str, "streaming")),
    _row("invalid_grant", "O06", "The refresh token is refused, though it is good",
         instead("token", token_error(400, "invalid_grant"))),
    # The event host
    _row("events_refused", "A04", "An error of the event host; nothing is taken",
         lambda o: instead("send_events", event_error(o.status)), status=Option(_STATUS, 503)),
    _row("events_taken_but_error", "A01", "The events are taken and the request is answered with an error all the same",
         lambda o: once_done("send_events", event_error(o.status), 200), status=_ERROR),
    _row("events_connection_lost", "A01", "The connection goes before the request is read; nothing is taken",
         lambda o: instead("send_events", Cut(how=o.how)), how=_HOW),
    _row("events_answer_lost", "A01 A05", "The events are taken, the connection goes before the answer",
         lambda o: once_done("send_events", Cut(how=o.how), 200), how=_HOW),
    _row("events_slow", "A01", "The events are taken, the answer begins that much later",
         lambda o: once_done("send_events", Stall(seconds=o.seconds)), seconds=_SECONDS),
    _row("events_too_many_requests", "", "429 with these headers, nothing is taken; None leaves a header out",
         lambda o: instead("send_events", event_error(429, limits(o.reset, o.retry_after))),
         reset=Option(str | None, "1"), retry_after=_TEXT_OR_NONE),
    _row("events_unclear_success", "", "The events are taken, and the answer is 200 with another body than the one "
         "that is known", lambda o: once_done("send_events", Alter(body=o.body), 200),
         body=Option(str, "<html>Good day</html>")),
    _row("events_storm", "A01 A10", "A share of all requests goes wrong: 503, 429, the connection lost before, or lost "
         "after the events are taken", storm()),
)
# fmt: on

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _TABLE}
