"""The faults of the token endpoint and of the Ads API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from spotify_pipeline.sandbox.faults.actions import (
    Alter,
    Cut,
    EditJson,
    EditQuery,
    ForAnother,
    HideNewest,
    KeepRefreshToken,
    Reply,
    Stall,
    Truncate,
)
from spotify_pipeline.sandbox.faults.headers import Text
from spotify_pipeline.sandbox.faults.model import Fault, Operation

Status = Annotated[int, Field(ge=200, le=599)]

_Mebibytes = Annotated[int, Field(ge=1, le=1024)]
_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}


def refused(*, status: Status = 500) -> Fault:
    """An error of the Ads API; the operation is not carried out."""
    return Fault(operation="ads_api", before=(_ads_error(status),))


def carried_out_but_error(*, status: Status = 500) -> Fault:
    """The operation is carried out and answered with an error all the same."""
    return Fault(operation="create_audience", after=(_ads_error(status),))


def connection_lost(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The connection goes before the request is read; the operation is not carried out."""
    return Fault(operation="ads_api", before=(Cut(how=how),))


def answer_lost(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The operation is carried out, the connection goes before the answer."""
    return Fault(operation="create_audience", after=(Cut(how=how),))


def slow_answer(*, seconds: float = 10) -> Fault:
    """The operation is carried out, the answer begins that much later."""
    return Fault(operation="ads_api", after=(Stall(seconds=seconds),))


def created_with_broken_body(*, truncated: bool = False) -> Fault:
    """201 with half a JSON document; with ``truncated`` the connection closes in the middle of a good one."""
    action = Truncate(keep=20) if truncated else Alter(body='{"id": "9f6b2d30-00')
    return Fault(operation="create_audience", on_status=201, after=(action,))


def not_visible_yet() -> Fault:
    """After a create, reading an audience by its id answers 404 for a while."""
    return Fault(operation="get_audience", since="create_audience", times=2, on_status=200, after=(_ads_error(404),))


def not_listed_yet() -> Fault:
    """After a create, lists leave the newest audience out for a while."""
    return Fault(operation="list_audiences", since="create_audience", times=2, after=(HideNewest(),))


def unauthorized(*, empty: bool = False) -> Fault:
    """401 for a token that has not expired; with ``empty`` without a body."""
    return Fault(operation="ads_api", before=(Reply(status=401) if empty else _ads_error(401),))


def too_many_requests(*, reset: str | None = "12", retry_after: str | None = None) -> Fault:
    """429 with these headers; None leaves a header out."""
    headers: dict[str, Text] = {"X-RateLimit-Limit": "1500", "X-RateLimit-Remaining": "0"}
    if reset is not None:
        headers["X-RateLimit-Reset"] = reset
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return Fault(operation="ads_api", before=(_ads_error(429, headers),))


def error_codes_in_camel_case() -> Fault:
    """From now on errors say errorCodes in place of error_codes."""
    return _switch("ads_api", EditJson(rename={"error_codes": "errorCodes"}))


def error_codes_as_strings() -> Fault:
    """From now on the entries of error_codes are strings, not objects."""
    return _switch("ads_api", EditJson(pluck={"error_codes": "code"}))


def unknown_status(*, value: str = "HIBERNATING") -> Fault:
    """From now on audiences are shown in a status that no document names."""
    return _switch("audiences", EditJson(set={"status": value, "audiences.*.status": value}))


def unknown_subtype(*, value: str = "DREAM_JOURNAL") -> Fault:
    """From now on audiences are shown with a subtype that no document names."""
    return _switch("audiences", EditJson(set={"subtype": value, "audiences.*.subtype": value}))


def answers_for_another(*, id: str | None = None) -> Fault:  # noqa: A002
    """The operation is carried out and answered with the body of another object: that of `id`, or the newest."""
    return Fault(operation="ads_api", after=(ForAnother(id=id),))


def page_off_by_one() -> Fault:
    """From now on a list's offset counts from 1: pages but the first begin with the last entry of the one before."""
    return Fault(operation="list_audiences", times="always", before=(EditQuery(name="offset", shift=-1),))


def page_repeated() -> Fault:
    """A page of a list is the first one again."""
    return Fault(operation="list_audiences", nth=2, before=(EditQuery(name="offset", value="0"),))


def total_grows(*, by: Annotated[int, Field(ge=1)] = 1) -> Fault:
    """From now on the total of a list is larger with every page."""
    return _switch("list_audiences", EditJson(add={"paging.total_results": by}))


def large_error(*, status: Status = 500, mebibytes: _Mebibytes = 5) -> Fault:
    """An error with a body of several MiB."""
    reply = Reply(status=status, headers=_JSON, body=" " * 1024, repeat=mebibytes * 1024)
    return Fault(operation="ads_api", before=(reply,))


def large_header(*, status: Status = 500, bytes: int = 1 << 20) -> Fault:  # noqa: A002
    """An error with a header of 1 MiB."""
    return Fault(operation="ads_api", before=(Reply(status=status, header_bytes=bytes),))


def gzip_bomb(*, status: Status = 200, mebibytes: _Mebibytes = 100) -> Fault:
    """A small compressed body that is 100 MiB and more when unpacked."""
    reply = Reply(status=status, headers=_JSON, body=" " * 1024, repeat=mebibytes * 1024, gzip=True)
    return Fault(operation="ads_api", before=(reply,))


def token_unavailable(*, status: Status = 503) -> Fault:
    """The token endpoint fails; no token was rotated."""
    return Fault(operation="token", before=(_token_error(status, "server_error"),))


def token_login_page() -> Fault:
    """The token endpoint answers 200 with an HTML page."""
    return Fault(operation="token", before=(Reply(status=200, headers=_HTML, body="<html>Sign in</html>"),))


def token_answer_lost(*, how: Literal["reset", "close"] = "reset") -> Fault:
    """The refresh token was rotated, the connection goes before the answer."""
    return Fault(operation="token", on_status=200, after=(Cut(how=how),))


def no_refresh_token() -> Fault:
    """A token answer without refresh_token; the one that was sent stays good."""
    return Fault(operation="token", before=(KeepRefreshToken(),))


def expires_in(*, value: int | float | str | None = None) -> Fault:
    """A token answer whose expires_in is this; None leaves it out."""
    return _token_edit(EditJson(drop=("expires_in",)) if value is None else EditJson(set={"expires_in": value}))


def scope(*, value: str = "streaming") -> Fault:
    """A token answer with another scope than was asked for."""
    return _token_edit(EditJson(set={"scope": value}))


def invalid_grant() -> Fault:
    """The refresh token is refused, though it is good."""
    return Fault(operation="token", before=(_token_error(400, "invalid_grant"),))


API_FAULTS: dict[str, tuple[tuple[str, ...], Callable[..., Fault]]] = {
    "refused": (("C03", "R05"), refused),
    "carried_out_but_error": (("C03",), carried_out_but_error),
    "connection_lost": (("R05",), connection_lost),
    "answer_lost": (("C02",), answer_lost),
    "slow_answer": (("F25", "R09"), slow_answer),
    "created_with_broken_body": (("C04",), created_with_broken_body),
    "not_visible_yet": (("C02",), not_visible_yet),
    "not_listed_yet": (("C02",), not_listed_yet),
    "unauthorized": (("O12",), unauthorized),
    "too_many_requests": (("R02", "R03", "R04"), too_many_requests),
    "error_codes_in_camel_case": ((), error_codes_in_camel_case),
    "error_codes_as_strings": ((), error_codes_as_strings),
    "unknown_status": (("C15",), unknown_status),
    "unknown_subtype": (("C15",), unknown_subtype),
    "answers_for_another": (("C20",), answers_for_another),
    "page_off_by_one": (("C06",), page_off_by_one),
    "page_repeated": (("C06",), page_repeated),
    "total_grows": (("C06",), total_grows),
    "large_error": (("R10",), large_error),
    "large_header": (("R10",), large_header),
    "gzip_bomb": (("R10",), gzip_bomb),
    "token_unavailable": (("O07",), token_unavailable),
    "token_login_page": (("O07",), token_login_page),
    "token_answer_lost": (("O03",), token_answer_lost),
    "no_refresh_token": (("O04",), no_refresh_token),
    "expires_in": (("O11",), expires_in),
    "scope": (("O17",), scope),
    "invalid_grant": (("O06",), invalid_grant),
}


def _switch(operation: Operation, edit: EditJson) -> Fault:
    return Fault(operation=operation, times="always", after=(edit,))


def _token_edit(edit: EditJson) -> Fault:
    return Fault(operation="token", on_status=200, after=(edit,))


def _ads_error(status: int, headers: dict[str, Text] | None = None) -> Reply:
    """An error in the shape of the document."""
    body = {
        "sp_trace_id": "5c41b7ed-0000-4000-8000-000000000000",
        "messages": ["Scripted"],
        "error_codes": [{"code": f"SCRIPTED.{status}", "definition": "A fault was scripted in the sandbox."}],
    }
    return Reply(status=status, headers={**_JSON, **(headers or {})}, body=json.dumps(body))


def _token_error(status: int, error: str) -> Reply:
    body = {"error": error, "error_description": "Scripted"}
    return Reply(status=status, headers=_JSON, body=json.dumps(body))
