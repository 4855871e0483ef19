"""What faults do to the sandbox itself before or after a request: to an upload session's bytes, and to the clock."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Scope

from spotify_pipeline.sandbox.accounts import KEEPS_REFRESH_TOKEN
from spotify_pipeline.sandbox.faults import (
    Acknowledge,
    EditQuery,
    EndHere,
    EndSession,
    Intrude,
    KeepRefreshToken,
    Lose,
    MoveClock,
)
from spotify_pipeline.sandbox.http import BadRange, Chunk, committed, content_of
from spotify_pipeline.sandbox.middleware.responses import WholeResponse, lacks_refresh_token
from spotify_pipeline.sandbox.store import SandboxState, SessionState, UploadSession, secret_digest

WorldChange = Lose | Intrude | EndSession | EndHere | MoveClock | EditQuery | KeepRefreshToken


def change_world(state: SandboxState, scope: Scope, action: WorldChange) -> bool:
    """Carry an action out. Whether there was anything it could change; of ``KeepRefreshToken`` only the answer tells.

    ``EndHere``, ``EditQuery`` and ``KeepRefreshToken`` change ``scope``: the operation sees another request.
    """
    match action:
        case Lose():
            return _lose(state, scope, action.bytes)
        case Intrude():
            return _intrude(state, scope, action.bytes)
        case EndSession():
            return _end(state, scope, action.how)
        case EndHere():
            return _end_here(scope)
        case MoveClock():
            state.advance_clock(action.seconds)
            return True
        case KeepRefreshToken():
            scope[KEEPS_REFRESH_TOKEN] = True
            return False
        case EditQuery():
            return _edit_query(scope, action)


def kept_refresh_token(state: SandboxState, scope: Scope, response: WholeResponse) -> bool:
    """Whether ``KeepRefreshToken`` is why a token answer has no refresh token. Where none rotates, it never is."""
    kept = KEEPS_REFRESH_TOKEN in scope and state.config.rotate_refresh_tokens
    return kept and lacks_refresh_token(response)


def acknowledgement(state: SandboxState, scope: Scope, action: Acknowledge) -> WholeResponse:
    """308 for the session of this request, with what it holds now or as the action says."""
    response = WholeResponse(200 if action.as_200 else 308)
    if action.as_200:
        response = response.with_headers({"X-HTTP-Status-Code-Override": "308"})
    session = _session(state, scope)
    end = (0 if session is None else _held(state, session)) + action.beyond
    if action.range is not None:
        return response.with_headers({"Range": action.range})
    if action.without_range or not end:
        return response
    return response.with_headers({"Range": f"bytes=0-{end - 1}"})


def _session(state: SandboxState, scope: Scope) -> UploadSession | None:
    secret = Request(scope).query_params.get("upload_id")
    return None if secret is None else state.sessions.get(secret_digest(secret))


def _open_session(state: SandboxState, scope: Scope) -> UploadSession | None:
    session = _session(state, scope)
    return session if session is not None and session.state is SessionState.OPEN else None


def _held(state: SandboxState, session: UploadSession) -> int:
    if session.state is SessionState.COMPLETE:
        received = state.received_lists.get(session.received_list_id or "")
        return 0 if received is None else received.size
    file = state.session_file(session.id)
    return committed(file.stat().st_size) if file.exists() else 0


def _lose(state: SandboxState, scope: Scope, number: int | None) -> bool:
    session = _open_session(state, scope)
    held = 0 if session is None else _held(state, session)
    if session is None or not held:
        return False
    with state.session_file(session.id).open("r+b") as file:
        file.truncate(0 if number is None else max(0, held - number))
    return True


def _intrude(state: SandboxState, scope: Scope, number: int) -> bool:
    session = _open_session(state, scope)
    if session is None:
        return False
    held = _held(state, session)
    with state.session_file(session.id).open("r+b") as file:
        file.truncate(held)
        file.seek(held)
        file.write(b"\0" * number)
    return True


def _end(state: SandboxState, scope: Scope, how: str) -> bool:
    session = _open_session(state, scope)
    if session is None:
        return False
    if how == "forgotten":
        state.forget_session(session.id)
        return True
    state.session_file(session.id).unlink(missing_ok=True)
    state.sessions.put(replace(session, state=SessionState.CANCELLED))
    return True


def _end_here(scope: Scope) -> bool:
    headers = MutableHeaders(scope=scope)
    try:
        content = content_of(headers)
    except BadRange:
        return False
    if not isinstance(content, Chunk) or content.total == content.last + 1:
        return False
    headers["content-range"] = f"bytes {content.first}-{content.last}/{content.last + 1}"
    return True


def _edit_query(scope: Scope, edit: EditQuery) -> bool:
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    edited = [(name, _moved(value, edit) if name == edit.name else value) for name, value in pairs]
    scope["query_string"] = urlencode(edited).encode()
    return edited != pairs


def _moved(value: str, edit: EditQuery) -> str:
    if edit.value is not None:
        return edit.value
    return str(max(0, int(value) + edit.shift)) if re.fullmatch(r"[0-9]{1,9}", value) else value
