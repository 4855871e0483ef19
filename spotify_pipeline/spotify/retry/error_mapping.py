"""Maps a response that is not a success to the error that says what to do about it.

Shapes: Spotify's OpenAPI document (``ErrorResponse``) and its notes on how live responses differ from it:
``error_codes`` or ``errorCodes``, of objects or of plain texts; bodies that are empty, HTML, or another service's JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from spotify_pipeline.printable import printable
from spotify_pipeline.spotify.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    TermsNotAccepted,
    UnexpectedResponse,
)
from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, as_object, text
from spotify_pipeline.spotify.retry.loop import PAUSE_WHEN_LIMITED, requested_pause
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport import Response

_LONGEST_QUOTE = 300
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_EMAIL = re.compile(r"\S+@\S+")
_RUN = re.compile(r"[A-Za-z0-9_~+/=.%-]{16,}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ALLOW_LIST_STEP = (
    "Your Spotify app is in development mode: add this user to its allow-list in Spotify's developer dashboard "
    "(User management), or ask Spotify for extended access."
)


def response_error(
    response: Response, doing: str, *, sent: Sequence[Secret], now: float, writing: bool = False
) -> SpotifyError:
    """The error for ``response``, to be raised by the caller.

    Args:
        response: anything but the success that the call expected.
        doing: what was attempted, such as "create the audience".
        sent: the secrets that were sent; a server may repeat them in its messages.
        now: seconds since the epoch, for a ``Retry-After`` that is a date.
        writing: the call changes something, so after a server error its outcome is unknown.
    """
    status, said = response.status, _quoted(response, sent)
    message = f"Spotify did not {doing}: status {status}{said}."
    kind, next_step = _kind(status, said)
    lost = writing and kind in (SpotifyUnavailable, UnexpectedResponse)
    error = kind(message, next_step=next_step, status=status, trace_id=response.trace_id, may_have_happened=lost)
    if isinstance(error, RateLimited):
        error.retry_after = requested_pause(status, response.headers, now) or PAUSE_WHEN_LIMITED
    return error


def _kind(status: int, said: str) -> tuple[type[SpotifyError], str | None]:
    if status == 403:
        return _forbidden(said.lower())
    by_status: dict[int, type[SpotifyError]] = {
        401: SignInRequired,
        404: NotFound,
        408: SpotifyUnavailable,
        409: Conflict,
        429: RateLimited,
    }
    if status in by_status:
        return by_status[status], None
    if status >= 500:
        return SpotifyUnavailable, None
    return (InvalidRequest if status >= 400 else UnexpectedResponse), None


def _forbidden(said: str) -> tuple[type[SpotifyError], str | None]:
    # The body for terms that are not accepted is not documented; any mention of terms counts as it.
    if re.search(r"\bterms\b|terms_", said):
        return TermsNotAccepted, None
    if re.search(r"not registered|allow-?list|white-?list|developer dashboard", said):
        return PermissionDenied, _ALLOW_LIST_STEP
    return PermissionDenied, None


def _quoted(response: Response, sent: Sequence[Secret]) -> str:
    body = response.json()
    said = list(dict.fromkeys(part for part in _sayings(body) if part)) if body else []
    return f" ({fit_to_show('; '.join(said), sent)})" if said else ""


def _sayings(body: JsonObject) -> Iterator[str]:
    messages = as_list(body.get("messages")) or []
    yield from (message for message in messages if isinstance(message, str))
    for code in as_list(body.get("error_codes")) or as_list(body.get("errorCodes")) or []:
        if isinstance(code, str):
            yield code
        elif (entry := as_object(code)) is not None:
            yield " / ".join(part for key in ("code", "definition") if (part := text(entry, key)))
    error = body.get("error")
    if isinstance(error, str):  # RFC 6749 section 5.2, the accounts service
        yield error
        yield text(body, "error_description") or ""
    elif (entry := as_object(error)) is not None:
        yield from (text(entry, key) or "" for key in ("message", "code", "reason"))
    yield text(body, "message") or ""


def fit_to_show(said: str, sent: Sequence[Secret] = ()) -> str:
    """A server's message, made safe for a log: one line, at most 300 characters, without addresses and tokens.

    A server may repeat what we sent. The secrets of the call are removed, and so is whatever looks like a URL, an
    e-mail address, a token or a digest; UUIDs and error codes stay.
    """
    for secret in sent:
        said = said.replace(secret.reveal(), "[hidden]")
    line = " ".join(printable(said).split())
    line = _URL.sub("[address]", line)
    line = _EMAIL.sub("[address]", line)
    line = _RUN.sub(_hide_opaque, line)
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 3] + "..."


def _hide_opaque(run: re.Match[str]) -> str:
    found = run.group()
    if _UUID.fullmatch(found.strip(".")):
        return found
    has_digit = any(character.isdigit() for character in found)
    mixed = len(found) >= 40 and found != found.upper() and found != found.lower()
    return "[hidden]" if has_digit or mixed else found
