"""Stand-ins for the network and for time, for this room's tests."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx

from spotify_pipeline.spotify import RateLimiter, Secret, SpotifyAdsClient, SpotifySettings, TokenStore

AD_ACCOUNT = "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"
BUSINESS = "5a1ce3f1-3df5-4ac3-9b3e-1f8a1f0c9d11"
AUDIENCE = "0c4bb5f2-96f0-4d3a-8ad8-3f5f5b6f8a77"
TRACE = "800c5a14-b8fd-4dc0-a4fa-38184111f67a"
SIGNED = (
    "https://storage.googleapis.com/bucket/object?X-Goog-Signature=5f00CANARYSIGNATURE00&X-Goog-Date=20260101T000000Z"
)
SESSION = "https://storage.googleapis.com/bucket/object?upload_id=77CANARYSESSION77"
SECRETS = (
    "seed-7CANARYSEED",
    "secret-7CANARYCLIENT",
    "access-7CANARYACCESS",
    "refresh-7CANARYREFRESH",
    "CANARYSIGNATURE",
    "CANARYSESSION",
)

Reply = httpx.Response | Exception


def error_body(*messages: str, code: object = None, key: str = "error_codes") -> dict[str, Any]:
    body: dict[str, Any] = {"sp_trace_id": TRACE, "messages": list(messages)}
    return body if code is None else {**body, key: [code]}


def settings(**changes: Any) -> SpotifySettings:
    given: dict[str, Any] = {
        "client_id": "client-1",
        "client_secret": Secret("secret-7CANARYCLIENT"),
        "refresh_token": Secret("seed-7CANARYSEED"),
    }
    return SpotifySettings(**{**given, **changes})


@dataclass
class Clock:
    """Time that moves only when somebody sleeps, or a test says so."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Spotify:
    """Answers each service from its own script, in order, and remembers what it was asked.

    An empty token script gives good tokens; an empty script of another service fails the test.
    """

    api: list[Reply] = field(default_factory=list)
    tokens: list[Reply] = field(default_factory=list)
    storage: list[Reply] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def open(self, store: TokenStore, clock: Clock, **changes: Any) -> SpotifyAdsClient:
        rate_limiter = RateLimiter.of_file(
            store.state.home.with_name("rate_limiter"), monotonic=clock, sleep=clock.sleep
        )
        given: dict[str, Any] = {
            "clock": clock,
            "sleep": clock.sleep,
            "random": lambda: 0.5,
            "rate_limiter": rate_limiter,
        }
        chosen = changes.pop("settings", None) or settings()
        return SpotifyAdsClient.open(chosen, store, transport=self.transport(), **{**given, **changes})

    def asked_of(self, host: str) -> list[httpx.Request]:
        return [request for request in self.asked if request.url.host == host]

    @property
    def api_calls(self) -> list[httpx.Request]:
        return self.asked_of("api-partner.spotify.com")

    @property
    def token_calls(self) -> list[dict[str, list[str]]]:
        return [parse_qs(request.content.decode()) for request in self.asked_of("accounts.spotify.com")]

    @property
    def storage_calls(self) -> list[httpx.Request]:
        return [request for request in self.asked if request.url.host not in _SPOTIFY]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host == "accounts.spotify.com":
            reply = self.tokens.pop(0) if self.tokens else token_answer()
        else:
            script = self.api if request.url.host == "api-partner.spotify.com" else self.storage
            reply = script.pop(0)
        if isinstance(reply, Exception):
            raise reply
        self.bodies.append(request.read())  # a real connection has the body sent before it answers
        return reply


_SPOTIFY = ("api-partner.spotify.com", "accounts.spotify.com")


def token_answer(access: str = "access-7CANARYACCESS", **fields: Any) -> httpx.Response:
    body = {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": ""}
    return httpx.Response(200, json={**body, **fields})


def audience_json(identity: str = AUDIENCE, **fields: Any) -> dict[str, Any]:
    return {"id": identity, "name": "Lapsed subscribers", "status": "PROCESSING", "type": "CUSTOM", **fields}


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow beyond 16 bytes: the writes fail as they do on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def loopback_server(respond: Callable[[Seen], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A real HTTP server on a free port of 127.0.0.1; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer_headers, content = respond(Seen(self.command, self.path, headers, body))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **answer_headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
