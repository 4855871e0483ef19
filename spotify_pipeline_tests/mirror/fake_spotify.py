"""Spotify and its storage in memory, behind a MockTransport, with answers that can be lost.

Only what a mirror needs: tokens, audiences, upload URLs, resumable sessions. A fault befalls one request: it is cut
before or after it was carried out, answered 500 all the same, or the whole process ends there (:class:`Crash`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import cast

import google_crc32c
import httpx

from spotify_pipeline.spotify import Secret, SpotifyAdsClient, SpotifySettings, TokenStore
from spotify_pipeline.state import StateStore

AD_ACCOUNT = "a0000000-0000-4000-8000-000000000001"
QUANTUM = 256 * 1024
STORAGE = "https://storage.googleapis.com/lists"
SESSION_SECRET = "CANARYSESSION"


class Crash(BaseException):
    """The process ends here. Nothing catches it but the test."""


class Fault(StrEnum):
    """What befalls one request."""

    CUT_BEFORE = "cut before it was carried out"
    CUT_AFTER = "carried out, and its answer lost"
    ERROR_BEFORE = "answered 500, and not carried out"
    ERROR_AFTER = "answered 500, and carried out all the same"
    GARBLED = "carried out, and answered with half a JSON object"
    CUT_MIDWAY = "cut when half of its body was stored"
    CRASH_BEFORE = "the process ends before it is carried out"
    CRASH_AFTER = "the process ends when it was carried out"
    CRASH_MIDWAY = "the process ends when half of its body was stored"


BEFORE = frozenset({Fault.CUT_BEFORE, Fault.ERROR_BEFORE, Fault.CRASH_BEFORE})
MIDWAY = frozenset({Fault.CUT_MIDWAY, Fault.CRASH_MIDWAY})


def no_fault(number: int, operation: str) -> Fault | None:
    """Everything goes well."""
    del number, operation
    return None


@dataclass
class Time:
    """Time that moves only when somebody sleeps."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list[float])

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Session:
    """An upload session, and the bytes that it has."""

    audience_id: str
    data: bytearray = field(default_factory=bytearray)
    complete: bool = False
    gone: bool = False


@dataclass
class Made:
    """An audience, as its creation asked for it."""

    name: str
    description: str | None
    created_at: float
    shown_from: float = 0.0
    status: str = "PROCESSING"
    type: str = "CUSTOM"
    subtype: str | None = "CUSTOMER_LIST"
    seed_audience_id: str | None = None
    settings: dict[str, object] = field(default_factory=dict[str, object])
    """What Spotify fills it with, as it is shown."""


@dataclass(frozen=True)
class Asked:
    """One request: the operation, the id in its path or body, and how many bytes of a list came with it."""

    operation: str
    audience_id: str | None
    list_bytes: int = 0


class FakeSpotify:
    """One ad account. ``faults`` is asked for each request but those for tokens: its number, from 0, and operation."""

    def __init__(self, time: Time | None = None) -> None:
        self.time = time or Time()
        self.audiences: dict[str, Made] = {}
        self.lists: dict[str, list[bytes]] = {}
        """Per id the lists that arrived whole, the newest last."""
        self.sessions: dict[str, Session] = {}
        self.upload_ids: set[str] = set()
        """Ids that may be created: an upload URL was given for them."""
        self.asked: list[Asked] = []
        self.faults: Callable[[int, str], Fault | None] = no_fault
        self.stored_is_damaged = False
        """Whether the storage spoils the lists that it finishes, and says so by their checksum."""
        self.next_audience_id: str | None = None
        """An id that the next audience gets instead of the one asked for; no such behaviour is documented."""
        self.new_audiences_show_after = 0.0
        self.refused: dict[str, int] = {}
        """Operations that are refused with this status, and not carried out."""
        self.edits_show_status = True
        self.shows_settings = True
        """Whether an audience that Spotify fills is shown with what it is made of; no field is promised."""
        self.lookalikes = 0
        self.mixed_up: Callable[[str, str | None, httpx.Response], httpx.Response] = lambda *asked: asked[2]
        """Changes an answer on its way: the operation, the id in its path, and the answer."""
        self.edits_are_ignored = False
        self.uncounted = 0
        """How many more audiences Spotify counts than it lists."""

    def client(self, folder: Path, *, chunk_bytes: int | None = QUANTUM) -> SpotifyAdsClient:
        """A signed-in client of this Spotify; its time is this Spotify's."""
        settings = SpotifySettings(client_id="client-1", refresh_token=Secret("seed-1"), upload_chunk_bytes=chunk_bytes)
        return SpotifyAdsClient.open(
            settings,
            TokenStore(StateStore.in_home(folder / "tokens")),
            clock=self.time,
            sleep=self.time.sleep,
            random=lambda: 0.5,
            transport=httpx.MockTransport(self._answer),
        )

    def after(self, operation: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        """Let ``fault`` befall the next ``times`` requests of ``operation``, after ``skip`` of them."""
        seen = 0

        def faults(number: int, asked: str) -> Fault | None:
            del number
            nonlocal seen
            seen += asked == operation
            return fault if asked == operation and skip < seen <= skip + times else None

        self.faults = faults

    def count(self, operation: str) -> int:
        return sum(each.operation == operation for each in self.asked)

    def content(self) -> dict[str, bytes | None]:
        """What each audience was sent last."""
        return {each: self.lists[each][-1] if self.lists.get(each) else None for each in self.audiences}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "accounts.spotify.com":
            return httpx.Response(200, json={"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600})
        operation, audience_id = _operation(request)
        body = request.read()
        fault = self.faults(len(self.asked), operation)
        sends_list = operation == "put_upload"
        self.asked.append(Asked(operation, audience_id or _stated_id(body), len(body) if sends_list else 0))
        if fault is None:
            answer = self._carried_out(operation, audience_id, request, body)
            return self.mixed_up(operation, audience_id, answer)
        if fault in MIDWAY and sends_list:
            self._put(request, body[: len(body) // 2 // QUANTUM * QUANTUM], cut=True)
        elif fault not in BEFORE | MIDWAY:
            self._carried_out(operation, audience_id, request, body)
        return _ended(fault, request)

    def _carried_out(
        self, operation: str, audience_id: str | None, request: httpx.Request, body: bytes
    ) -> httpx.Response:
        if operation in self.refused:
            return httpx.Response(self.refused[operation], json={"messages": ["Refused."]})
        if operation in ("start_upload", "put_upload", "cancel_upload"):
            return self._stored(operation, request, body)
        if operation == "new_upload_url":
            return self._ticket(f"{len(self.upload_ids) + 1:08d}-0000-4000-8000-000000000000")
        if operation == "create_audience":
            return self._create(json.loads(body))
        if operation == "list_audiences":
            shown = [self._shown(each) for each in self.audiences if self._is_shown(each)]
            return httpx.Response(
                200, json={"audiences": shown, "paging": {"total_results": len(shown) + self.uncounted}}
            )
        assert audience_id is not None
        if not self._is_shown(audience_id):
            return httpx.Response(404, json={"messages": ["There is no such audience."]})
        if operation == "replacement_upload_url":
            return self._ticket(audience_id)
        if operation == "edit_audience":
            return self._edit(audience_id, json.loads(body))
        if operation == "delete_audience":
            if self.audiences[audience_id].status == "LIVE":
                return httpx.Response(409, json={"messages": ["An ad set uses the audience."]})
            del self.audiences[audience_id]
            return httpx.Response(200, json={"deletion_count": 1})
        return httpx.Response(200, json=self._shown(audience_id))

    def _ticket(self, audience_id: str) -> httpx.Response:
        self.upload_ids.add(audience_id)
        url = f"{STORAGE}/{audience_id}?X-Goog-Signature=00&X-Goog-SignedHeaders=content-type%3Bhost%3Bx-goog-resumable"
        return httpx.Response(200, json={"id": audience_id, "upload_url": url})

    def _create(self, asked: dict[str, str]) -> httpx.Response:
        shown_from = self.time.now + self.new_audiences_show_after
        if asked["audience_type"] == "LOOKALIKE":
            self.lookalikes += 1
            given, texts = f"like-{self.lookalikes}", (asked["name"], asked.get("description"))
            made = Made(*texts, self.time.now, shown_from, type="LOOKALIKE", subtype=None)
            self.audiences[given] = replace(made, seed_audience_id=asked["seed_audience_id"])
            return httpx.Response(201, json=self._shown(given))
        if asked["subtype"] in ("WEB_EVENT", "AD_ENGAGEMENT"):
            given, texts = f"filled-{len(self.audiences) + 1}", (asked["name"], asked.get("description"))
            made = Made(*texts, self.time.now, shown_from, subtype=asked["subtype"], settings=_settings(asked))
            self.audiences[given] = made
            return httpx.Response(201, json=self._shown(given))
        audience_id = asked["audience_id"]
        if audience_id in self.audiences:
            return httpx.Response(409, json={"messages": ["An audience with this id exists."]})
        if audience_id not in self.upload_ids:
            return httpx.Response(404, json={"messages": ["No upload URL was made for this audience_id."]})
        given, self.next_audience_id = self.next_audience_id or audience_id, None
        self.audiences[given] = Made(asked["name"], asked.get("description"), self.time.now, shown_from)
        return httpx.Response(201, json=self._shown(given))

    def _edit(self, audience_id: str, asked: dict[str, str]) -> httpx.Response:
        made = self.audiences[audience_id]
        if not self.edits_are_ignored:
            made.name = asked.get("name", made.name)
            made.description = asked.get("description", made.description)
        shown = {key: value for key, value in self._shown(audience_id).items() if key != "status"}
        return httpx.Response(200, json=self._shown(audience_id) if self.edits_show_status else shown)

    def _shown(self, audience_id: str) -> dict[str, object]:
        made = self.audiences[audience_id]
        return {
            "id": audience_id,
            "name": made.name,
            "description": made.description,
            "type": made.type,
            "subtype": made.subtype,
            "status": made.status,
            "seed_audience_id": made.seed_audience_id,
            **(made.settings if self.shows_settings else {}),
            "created_at": datetime.fromtimestamp(made.created_at, UTC).isoformat(),
        }

    def _is_shown(self, audience_id: str) -> bool:
        made = self.audiences.get(audience_id)
        return made is not None and self.time.now >= made.shown_from

    def _stored(self, operation: str, request: httpx.Request, body: bytes) -> httpx.Response:
        if operation == "put_upload":
            return self._put(request, body)
        return self._start(request) if operation == "start_upload" else self._cancel(request)

    def _start(self, request: httpx.Request) -> httpx.Response:
        audience_id = request.url.path.rpartition("/")[2]
        secret = f"{SESSION_SECRET}{len(self.sessions)}"
        self.sessions[secret] = Session(audience_id)
        return httpx.Response(201, headers={"Location": f"{STORAGE}/{audience_id}?upload_id={secret}"})

    def _cancel(self, request: httpx.Request) -> httpx.Response:
        session = self.sessions[request.url.params["upload_id"]]
        session.gone = session.gone or not session.complete
        return httpx.Response(499)

    def _put(self, request: httpx.Request, body: bytes, *, cut: bool = False) -> httpx.Response:
        session = self.sessions[request.url.params["upload_id"]]
        if session.gone:
            return httpx.Response(410)
        stated = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", request.headers.get("content-range", ""))
        if not session.complete:
            first = int(stated[1]) if stated and stated[1] else 0
            if body:
                if first > len(session.data):
                    return httpx.Response(503, text="Invalid request. The offset is beyond what is stored.")
                session.data += body[len(session.data) - first :]
            total = int(stated[3]) if stated else first + len(body)
            if cut or len(session.data) < total:
                stored = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
                return httpx.Response(308, headers=stored)
            session.complete = True
            content = bytes(session.data)
            self.lists.setdefault(session.audience_id, []).append(b"spoilt" if self.stored_is_damaged else content)
        held = self.lists[session.audience_id][-1]
        checksum = base64.b64encode(google_crc32c.Checksum(held).digest()).decode()
        headers = {"x-goog-hash": f"crc32c={checksum}", "x-goog-stored-content-length": str(len(held))}
        return httpx.Response(200, headers=headers)


def _settings(asked: Mapping[str, object]) -> dict[str, object]:
    """What a creation says of the audience's making, in the words of an answer; empty lists are left out of those."""
    texts = ("audience_type", "subtype", "name", "description", "dataset_ids")
    settings = {name: value for name, value in asked.items() if name not in texts and value != []}
    datasets = cast("list[str]", asked.get("dataset_ids", []))
    return {**settings, **({"datasets": [{"id": each} for each in datasets]} if datasets else {})}


def _ended(fault: Fault, request: httpx.Request) -> httpx.Response:
    if fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.CRASH_MIDWAY):
        raise Crash
    if fault in (Fault.ERROR_BEFORE, Fault.ERROR_AFTER):
        return httpx.Response(500, json={"messages": ["Something went wrong."]})
    if fault is Fault.GARBLED:
        return httpx.Response(201, content=b'{"id": "0000')
    raise httpx.ReadError("The connection was cut.", request=request)


def _operation(request: httpx.Request) -> tuple[str, str | None]:
    """The operation's name, and the audience id in its path."""
    method = request.method
    if request.url.host == "storage.googleapis.com":
        operations = {"POST": "start_upload", "PUT": "put_upload", "DELETE": "cancel_upload"}
        return operations[method], request.url.path.rpartition("/")[2]
    rest = request.url.path.partition("/audiences")[2].strip("/")
    if rest.startswith("upload_url"):
        audience_id = rest.removeprefix("upload_url").strip("/")
        return ("replacement_upload_url", audience_id) if audience_id else ("new_upload_url", None)
    if not rest:
        return ("create_audience" if method == "POST" else "list_audiences"), None
    return {"GET": "get_audience", "PATCH": "edit_audience", "DELETE": "delete_audience"}[method], rest


def _stated_id(body: bytes) -> str | None:
    """The id that the body of a create call states."""
    return json.loads(body).get("audience_id") if body.startswith(b"{") else None
