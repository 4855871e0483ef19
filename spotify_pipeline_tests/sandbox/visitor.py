"""A client for tests, written against Spotify's and Google's documents. It has nothing to do with the product's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer

ADS = "/ads/v3"
ACCOUNT = f"{ADS}/ad_accounts/{DEFAULTS.ad_account_id}"
AUDIENCES = f"{ACCOUNT}/audiences"
BUSINESS = f"{ADS}/businesses/{DEFAULTS.business_id}"
DATASETS = f"{BUSINESS}/datasets"
CAPI = f"{BUSINESS}/capi"
EVENTS = "/capi-direct/events/"
START = {"x-goog-resumable": "start", "Content-Type": "text/csv"}
BASIC = (DEFAULTS.client_id, DEFAULTS.client_secret)
EMAIL_HEADER = "EMAIL_ID_SHA256"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def email_list(rows: int, start: int = 0) -> bytes:
    """A wide list of e-mail digests."""
    lines = [EMAIL_HEADER, *(digest(f"person{number}@example.com") for number in range(start, start + rows))]
    return ("\n".join(lines) + "\n").encode()


def conversion(event_id: str = "order-1", **fields: object) -> dict[str, object]:
    """A conversion event that is good; a field given as None is left out."""
    event = {
        "event_name": "PURCHASE",
        "event_id": event_id,
        "event_time": "2026-01-23T12:34:56.000Z",
        "user_data": {"hashed_emails": [digest("person@example.com")]},
        **fields,
    }
    return {name: value for name, value in event.items() if value is not None}


class Visitor:
    """One user with one HTTP connection to one sandbox. Redirects are never followed."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        # No certificate is ever needed here, and loading the machine's takes longer than most tests.
        self.http = httpx.Client(base_url=server.url, trust_env=False, timeout=30, verify=False)  # noqa: S501
        self.start_over()

    def start_over(self) -> None:
        """Sign in with the seeded refresh token, as on a new sandbox."""
        self.refresh_token = DEFAULTS.refresh_token
        self.sign_in()

    def sign_in(self) -> None:
        """A fresh access token, with a fresh grant if need be."""
        answer = self.refresh(self.refresh_token)
        if answer.status_code != 200:
            answer = self.refresh(self.http.post("/sandbox/grants").json()["refresh_token"])
        tokens = answer.json()
        self.refresh_token = tokens.get("refresh_token", self.refresh_token)
        self.bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

    def refresh(self, refresh_token: str, **form: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **form}
        return self.http.post("/api/token", data=form, auth=httpx.USE_CLIENT_DEFAULT if "client_id" in form else BASIC)

    def ads(self, method: str, path: str, **options: object) -> httpx.Response:
        """An Ads API request with the access token."""
        return self.http.request(method, path, headers=self.bearer, **options)  # type: ignore[arg-type]

    def capi(self, events: object, *, token: str = DEFAULTS.capi_token, **envelope: object) -> httpx.Response:
        """Send conversion events, by the seeded connection unless another is named."""
        body = {"capi_connection_id": DEFAULTS.capi_connection_id, "events": events, **envelope}
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.post(EVENTS, json={"conversion_events": body}, headers=headers)

    def counted(self) -> dict[str, int]:
        """How many events arrived, how many different ones, and how many were repeated."""
        counts = self.http.get("/sandbox/events").json()
        return {name: counts[name] for name in ("received", "distinct", "repeated")}

    def advance(self, seconds: float) -> None:
        """Move the clock, and sign in again because the access token may have expired by it."""
        assert self.http.post("/sandbox/clock", json={"advance_seconds": seconds}).status_code == 200
        self.sign_in()

    def ticket(self, audience_id: str | None = None) -> dict[str, str]:
        """``{"id", "upload_url"}`` for a new audience, or for a new list of an existing one."""
        answer = self.ads("POST", f"{AUDIENCES}/upload_url" + (f"/{audience_id}" if audience_id else ""))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def session(self, upload_url: str) -> str:
        """The session URI that the signed URL gives."""
        answer = self.http.post(upload_url, headers=START)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def upload(self, content: bytes, audience_id: str | None = None) -> str:
        """Send a list in one PUT; the id of the audience it is for."""
        ticket = self.ticket(audience_id)
        answer = self.http.put(self.session(ticket["upload_url"]), content=content)
        assert answer.status_code == 200, answer.text
        return ticket["id"]

    def create(self, audience_id: str, **fields: object) -> httpx.Response:
        body = {
            "audience_type": "CUSTOM",
            "subtype": "CUSTOMER_LIST",
            "name": "Lapsed subscribers",
            "audience_id": audience_id,
            **fields,
        }
        return self.ads("POST", AUDIENCES, json=body)

    def audience_of(self, content: bytes, **fields: object) -> str:
        """Upload a list, create its audience, and return the id."""
        audience_id = self.upload(content)
        answer = self.create(audience_id, **fields)
        assert answer.status_code == 201, answer.text
        return audience_id

    def get(self, audience_id: str) -> dict[str, Any]:
        answer = self.ads("GET", f"{AUDIENCES}/{audience_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def inside(self, audience_id: str) -> dict:
        """What the sandbox itself knows about an audience."""
        known = self.http.get("/sandbox/audiences").json()["audiences"]
        return next(audience for audience in known if audience["id"] == audience_id)


@contextmanager
def visiting(config: SandboxConfig | None = None, state_directory: Path | None = None) -> Iterator[Visitor]:
    """A visitor to a sandbox of its own."""
    with SandboxServer(config, state_directory=state_directory) as server:
        visitor = Visitor(server)
        try:
            yield visitor
        finally:
            visitor.http.close()


def error_code(answer: httpx.Response) -> str:
    """The code of an Ads API error, whose shape is checked on the way."""
    body = answer.json()
    assert set(body) == {"sp_trace_id", "messages", "error_codes"}
    assert body["messages"]
    assert all(isinstance(message, str) and message for message in body["messages"])
    return body["error_codes"][0]["code"]


def xml_code(answer: httpx.Response) -> str:
    """The code of an error of the object store, which is XML."""
    assert answer.headers["content-type"].startswith("application/xml")
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]
