"""Nothing secret in any text that comes out of this room: errors, tracebacks, logs, records, files but the store."""

from __future__ import annotations

import io
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from spotify_pipeline.retries import UPLOAD_REQUEST
from spotify_pipeline.spotify import (
    CallRecord,
    Secret,
    SpotifyAdsClient,
    SpotifyError,
    TokenStore,
    UploadTicket,
    sign_in,
)
from spotify_pipeline_tests.spotify.scripted import (
    AD_ACCOUNT,
    AUDIENCE,
    SECRETS,
    SESSION,
    SIGNED,
    Clock,
    Seen,
    Spotify,
    audience_json,
    error_body,
    loopback_server,
    settings,
    token_answer,
)
from spotify_pipeline_tests.spotify.shown import texts_of
from spotify_pipeline_tests.spotify.uploads import crc32c_of

ECHO = "; ".join([SIGNED, SESSION, "Bearer access-7CANARYACCESS", "refresh-7CANARYREFRESH", "secret-7CANARYCLIENT"])
Run = Callable[[SpotifyAdsClient, Path], object]
TICKET = UploadTicket(audience_id=AUDIENCE, url=Secret(SIGNED))


def upload(client: SpotifyAdsClient, file: Path) -> object:
    return client.upload(TICKET, file, size=file.stat().st_size, crc32c=crc32c_of(file))


def create(client: SpotifyAdsClient, _: Path) -> object:
    return client.create_customer_list_audience(AD_ACCOUNT, audience_id=AUDIENCE, name="Lapsed", description=None)


def new_upload(client: SpotifyAdsClient, _: Path) -> object:
    return client.new_upload(AD_ACCOUNT)


def refused(status: int) -> httpx.Response:
    body = {**error_body(f"cannot use {ECHO}", code={"code": ECHO, "definition": ECHO}), "error_description": ECHO}
    return httpx.Response(status, json={**body, "error": "invalid_request"}, headers={"Location": SIGNED})


STARTED = httpx.Response(201, headers={"Location": SESSION})
TRIES = UPLOAD_REQUEST.tries
BROKEN = [httpx.ReadError(ECHO), httpx.ConnectError(ECHO), httpx.ReadTimeout(ECHO), httpx.RemoteProtocolError(ECHO)]
SCENARIOS: list[tuple[str, Run, dict[str, list[Any]]]] = [
    *((f"api {status}", create, {"api": [refused(status)] * 2}) for status in (302, 400, 401, 403, 404, 409, 429, 500)),
    *((f"api {type(error).__name__}", create, {"api": [error]}) for error in BROKEN),
    ("broken ticket", new_upload, {"api": [httpx.Response(200, json={"upload_url": SIGNED})]}),
    *((f"token {status}", create, {"tokens": [refused(status)] * 3}) for status in (302, 400, 401, 403, 429, 500)),
    *((f"token {type(error).__name__}", create, {"tokens": [error] * 3}) for error in BROKEN),
    ("grant refused", create, {"tokens": [httpx.Response(400, json={"error": "invalid_grant"})]}),
    ("bad client", create, {"tokens": [httpx.Response(400, json={"error": "invalid_client"})]}),
    *((f"start {status}", upload, {"storage": [refused(status)] * TRIES}) for status in (302, 400, 403, 503)),
    ("bad session", upload, {"storage": [httpx.Response(201, headers={"Location": SESSION + " x"})]}),
    ("session elsewhere", upload, {"storage": [httpx.Response(201, headers={"Location": f"https://example.com/{SESSION}"})]}),
    *((f"put {c}", upload, {"storage": [STARTED, *TRIES * [refused(c)]]}) for c in (302, 308, 403, 410, 503)),
    *((f"put {type(error).__name__}", upload, {"storage": [STARTED, *[error] * TRIES]}) for error in BROKEN),
]  # fmt: skip


def found_in(texts: list[str]) -> set[str]:
    return {secret for secret in SECRETS for text in texts if secret in text}


@pytest.mark.parametrize(("run", "script"), [each[1:] for each in SCENARIOS], ids=[each[0] for each in SCENARIOS])
def test_p02_no_error_log_or_record_holds_a_secret(
    store: TokenStore,
    spotify: Spotify,
    clock: Clock,
    tmp_path: Path,
    everything_logged: io.StringIO,
    run: Run,
    script: dict[str, list[Any]],
):
    file = tmp_path / "list.csv"
    file.write_bytes(b"EMAIL_ID_SHA256\n" + b"0" * 64 + b"\n")
    with store.exclusive():
        pass
    for name, answers in script.items():
        setattr(spotify, name, [*answers])
    records: list[CallRecord] = []
    with spotify.open(store, clock, observer=records.append) as client, pytest.raises(SpotifyError) as caught:
        run(client, file)
    assert records
    logged = everything_logged.getvalue()
    assert found_in([*texts_of(caught.value), logged, repr(records), *map(str, records)]) == set()


def test_p05_whole_journey_over_real_connections_logs_no_secret(
    store: TokenStore, tmp_path: Path, everything_logged: io.StringIO, capfd: pytest.CaptureFixture[str]
):
    file = tmp_path / "list.csv"
    file.write_bytes(b"EMAIL_ID_SHA256\n" + b"0" * 64 + b"\n")
    query = SIGNED.partition("?")[2]

    def respond(seen: Seen) -> tuple[int, dict[str, str], bytes]:
        if seen.path == "/api/token":
            answer = token_answer(refresh_token="refresh-7CANARYREFRESH")
            return 200, {"X-Echo": "access-7CANARYACCESS"}, answer.content
        if seen.path.endswith("/upload_url"):
            return 200, {}, httpx.Response(200, json={"id": AUDIENCE, "upload_url": f"{address}/o?{query}"}).content
        if seen.method == "POST" and seen.path.startswith("/o?"):
            return 201, {"Location": f"{address}/o?upload_id=77CANARYSESSION77"}, b""
        if seen.method == "PUT":
            return 200, {"x-goog-stored-content-length": str(len(seen.body))}, b""
        return 201, {}, httpx.Response(201, json=audience_json()).content

    with loopback_server(respond) as url:
        address = url
        host = address.removeprefix("http://")
        chosen = settings(ads_api_url=f"{address}/ads/v3", accounts_url=address, upload_hosts=(host,))
        records: list[CallRecord] = []
        with SpotifyAdsClient.open(chosen, store, observer=records.append) as client:
            ticket = client.new_upload(AD_ACCOUNT)
            proof = client.upload(ticket, file, size=file.stat().st_size, crc32c=crc32c_of(file))
            create(client, file)
    assert [record.status for record in records] == [200, 200, 201, 200, 201]
    shown = [repr(chosen), repr(ticket), repr(proof), repr(records), *map(str, records), everything_logged.getvalue()]
    assert found_in([*shown, *capfd.readouterr()]) == set()


def test_no_secret_is_on_disk_in_the_clear(store: TokenStore, spotify: Spotify, clock: Clock):
    spotify.api = [httpx.Response(200, json={"businesses": []})]
    spotify.tokens = [token_answer(refresh_token="refresh-7CANARYREFRESH")]
    with spotify.open(store, clock) as client:
        client.businesses()
    assert store.all()
    contents = [path.read_bytes().decode("latin-1") for path in store.state.home.rglob("*") if path.is_file()]
    assert found_in(contents) == set()


def test_failed_sign_in_shows_neither_code_nor_verifier(store: TokenStore, spotify: Spotify):
    spotify.tokens = [refused(400)]

    def open_browser(url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        back = f"{query['redirect_uri'][0]}?code=CANARYCODE7&state={query['state'][0]}"
        threading.Thread(target=lambda: urllib.request.urlopen(back).read(), daemon=True).start()  # noqa: S310

    with pytest.raises(SpotifyError) as caught:
        sign_in(settings(), store, open_browser=open_browser, port=0, transport=spotify.transport())
    verifier = spotify.token_calls[0]["code_verifier"][0]
    texts = list(texts_of(caught.value))
    assert found_in(texts) == set()
    assert not [text for text in texts if verifier in text or "CANARYCODE7" in text]
