"""Maps the Conversions API's response to a result: the events were accepted, or the error that says why not.

Its error messages are not documented; ``message``, ``messages``, ``errors`` and ``error_codes`` are read where
present. They may repeat what was sent, and a name or a product in plain words does not look like a secret. So a
message is shown only if each of its words is on our list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from spotify_pipeline.spotify.capi.accepted_responses import (
    CONTRACT_ONLY,
    AcceptedResponse,
    accepts_all,
    masked_response,
)
from spotify_pipeline.spotify.errors import (
    CapiTokenRefused,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    SettingsInvalid,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedResponse,
    UnknownSuccess,
)
from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, objects_in, text, texts, whole_number
from spotify_pipeline.spotify.retry import PAUSE_WHEN_LIMITED, requested_pause
from spotify_pipeline.spotify.transport import Response

FIELDS = (
    "conversion_events",
    "capi_connection_id",
    "events",
    "event_name",
    "event_id",
    "event_time",
    "user_data",
    "hashed_emails",
    "hashed_phone_number",
    "device_id",
    "ip_address",
    "event_details",
    "amount",
    "currency",
    "content_category",
    "content_name",
    "event_source_url",
    "action_source",
    "opt_out_targeting",
)
_KNOWN = """
a accepted allowed an and any are argument arguments array at bad batch be body bytes cannot code connection count
data date denied duplicate duplicated email emails empty entity error errors event exceeded exceeds expected failed
failure field fields for forbidden format found future has have in internal invalid is json large least length limit
long malformed many maximum minimum missing more must no not null num number object of ok old one or out parameter
partial past payload phone present processed received rejected request required response result results schema server
size status string succeeded success successful than the time timestamp to token too total type unauthorized
unavailable unknown unprocessable unauthenticated permission resource exhausted unsupported valid validation value
values was when with wrong message messages true false
"""
_WORDS = frozenset(_KNOWN.split()) | frozenset(part for field in FIELDS for part in field.split("_"))
_MOST_SHOWN = 8
_Kind = TypeVar("_Kind", bound=SpotifyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBatch:
    """The batch that a response is about.

    Attributes:
        events: how many were sent.
        accepted: the responses that mean that all of them were accepted.
        token_variable: the variable whose token was sent with them.
        trace_id: of the response, None where it has none that may be shown.
        now: seconds since the epoch.
    """

    events: int
    token_variable: str
    trace_id: str | None
    now: float
    accepted: tuple[AcceptedResponse, ...] = CONTRACT_ONLY


def batch_error(response: Response, sent: SentBatch) -> SpotifyError | None:
    """The error that ``response`` means, to be raised by the caller; None when the events were accepted."""
    if accepts_all(response, sent.events, sent.accepted):
        return None
    if 200 <= response.status < 300:
        return _unknown(response, sent)
    return _refused(response, sent)


def _unknown(response: Response, sent: SentBatch) -> SpotifyError:
    """A success by its status that does not confirm the events. Some may have been accepted."""
    body = response.json() or {}
    if _names_events(body, sent.events):
        return _error(InvalidRequest, response, sent, f"it lists errors{_said(body, sent.events)}", lost=True)
    shown = masked_response(response, _WORDS)
    message = f"It is not known whether Spotify took {_batch(sent)}: it answered {shown}."
    unknown = UnknownSuccess(message, status=response.status, trace_id=sent.trace_id, may_have_happened=True)
    unknown.shown = shown
    return unknown


def _names_events(body: JsonObject, events: int) -> bool:
    """Whether it lists only events of the request, by their index, as errors."""
    listed, named = as_list(body.get("errors")), objects_in(body, "errors")
    places = [whole_number(each, "index") for each in named]
    return bool(listed) and len(listed or ()) == len(named) and all(p is not None and 0 <= p < events for p in places)


def _refused(response: Response, sent: SentBatch) -> SpotifyError:
    status = response.status
    why = f"status {status}{_said(response.json() or {}, sent.events)}"
    if status == 401:
        return _error(CapiTokenRefused, response, sent, f"it rejects the token of {sent.token_variable}, {why}")
    if status == 403:
        return _error(PermissionDenied, response, sent, why, next_step=_another_connection(sent.token_variable))
    if status == 429:
        limited = _error(RateLimited, response, sent, why)
        limited.retry_after = requested_pause(status, response.headers, sent.now) or PAUSE_WHEN_LIMITED
        return limited
    if status in (400, 413, 422):
        return _bad_request(response, sent, why)
    if status == 408 or status >= 500:
        return _error(SpotifyUnavailable, response, sent, why, lost=True)
    kind = NotFound if status == 404 else UnexpectedResponse
    return _error(kind, response, sent, why, next_step=_ADDRESS_STEP, lost=status < 400)


def _bad_request(response: Response, sent: SentBatch, why: str) -> SpotifyError:
    """The fault of an event, unless Spotify says that the fields around the events are at fault."""
    fields = _fields_at_fault(response.json() or {})
    if fields == {"capi_connection_id"}:
        return _error(SettingsInvalid, response, sent, why, next_step=_CONNECTION_STEP)
    if fields == {"conversion_events"}:
        return _error(UnexpectedResponse, response, sent, why)
    return _error(InvalidRequest, response, sent, why, lost=not _took_nothing(response, sent.events))


def _took_nothing(response: Response, events: int) -> bool:
    """Whether an error says that no event was accepted: by its status, its counts or its message.

    Naming the event at fault says nothing about the others.
    """
    body = response.json() or {}
    counts = {key.replace("_", "").lower(): value for key, value in body.items()}
    said = [counts[key] == 0 for key in _COUNTS_OF_TAKEN if key in counts]
    said += [counts[key] == events for key in _COUNTS_OF_REFUSED if key in counts]
    are_numbers = not any(isinstance(counts.get(key), bool) for key in (*_COUNTS_OF_TAKEN, *_COUNTS_OF_REFUSED))
    if said:
        return all(said) and are_numbers
    return response.status == _TOO_LARGE or any(_NOTHING.fullmatch(saying.strip(" .")) for saying in _sayings(body))


_TOO_LARGE = 413
_COUNTS_OF_TAKEN = ("eventsreceived", "eventsaccepted", "numaccepted", "numreceived", "accepted", "received")
_COUNTS_OF_REFUSED = ("eventsrejected", "numfailed", "numrejected", "failedcount", "rejectedcount")
_NOTHING = re.compile(
    r"(no|none of the) events? (was|were|has been|have been) (accepted|taken|processed|received)"
    r"|nothing (was|has been) (accepted|taken|processed)|all events (were |have been )?(rejected|refused)",
    re.IGNORECASE,
)


_ADDRESS_STEP = (
    "Check SPOTIFY_CAPI_URL: it is used as it is, and Spotify's own ends with a slash. The events stay pending."
)
_CONNECTION_STEP = (
    "Check SPOTIFY_CAPI_CONNECTION_ID or the feed's own; `spotify-pipeline conversions datasets` shows the existing "
    "ones. The events stay pending."
)


def _another_connection(token_variable: str) -> str:
    return (
        f"The token of {token_variable} belongs to another connection, or the connection to somebody else: create one "
        "for this connection with `spotify-pipeline conversions create-token`. The events stay pending."
    )


def _error(
    kind: type[_Kind],
    response: Response,
    sent: SentBatch,
    why: str,
    *,
    next_step: str | None = None,
    lost: bool = False,
) -> _Kind:
    message = f"Spotify did not take {_batch(sent)}: {why}."
    return kind(message, next_step=next_step, status=response.status, trace_id=sent.trace_id, may_have_happened=lost)


def _batch(sent: SentBatch) -> str:
    return "a request of one event" if sent.events == 1 else f"a request of {sent.events} events"


def _said(body: JsonObject, events: int) -> str:
    """In brackets: which events, which fields, and the messages made of known words."""
    numbers = {number for each in objects_in(body, "errors") if (number := whole_number(each, "index")) is not None}
    named = [f"event {number} of them" for number in sorted(numbers) if 0 <= number < events]
    sayings = list(_sayings(body))
    bare = {part.replace("_", "").lower() for saying in sayings for part in re.findall(r"[A-Za-z_]+", saying)}
    fields = [field for field in FIELDS if "_" in field and field.replace("_", "") in bare]
    known = [saying for saying in sayings if _is_known(saying)]
    shown = list(dict.fromkeys([*known, *named[:_MOST_SHOWN], *fields]))[: 2 * _MOST_SHOWN]
    return f" ({'; '.join(shown)})" if shown else ""


def _is_known(saying: str) -> bool:
    if len(saying) > 80 or not re.fullmatch(r"[A-Za-z_. ]+", saying):
        return False
    return all(word in _WORDS for word in re.split(r"[_. ]+", saying.strip("_. ").lower()))


def _sayings(body: JsonObject) -> Iterator[str]:
    yield text(body, "message") or ""
    yield text(body, "error") or ""
    yield from texts(body, "messages")
    for key in ("errors", "error_codes", "errorCodes"):
        yield from texts(body, key)
        for entry in objects_in(body, key):
            yield from (text(entry, part) or "" for part in ("code", "reason", "field", "message", "definition"))


def _fields_at_fault(body: JsonObject) -> set[str]:
    """The last name in each error's path, as in ``conversion_events.capi_connection_id``."""
    paths = (re.findall(r"[a-z_]+", text(entry, "field") or "") for entry in objects_in(body, "errors"))
    return {path[-1] if path else "" for path in paths}
