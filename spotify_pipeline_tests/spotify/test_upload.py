from __future__ import annotations

import base64
import hashlib
import io
import random
import socket
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import httpx
import pytest

from spotify_pipeline.spotify import (
    CallRecord,
    Secret,
    SpotifyAdsClient,
    SpotifyUnavailable,
    TokenStore,
    UploadIncomplete,
    UploadProof,
    UploadRefused,
    UploadTicket,
    crc32c_of,
)
from spotify_pipeline.spotify.outgoing_file import MAX_UPLOAD_BYTES, OutgoingFile
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SESSION, SIGNED, Clock, Spotify, settings
from spotify_pipeline_tests.spotify.socket_storage import socket_storage

MIB = 1024 * 1024
ROW = b"831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0ea177f982\n"
HEADER = b"EMAIL_ID_SHA256\n"
TICKET = UploadTicket(audience_id=AUDIENCE, url=Secret(SIGNED))


def customer_list(folder: Path, size: int = 3 * MIB + 17) -> Path:
    path = folder / "list.csv"
    path.write_bytes((HEADER + ROW * (size // len(ROW) + 1))[:size])
    return path


def hashes(content: bytes) -> str:
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    crc32c = base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()
    return f"crc32c={crc32c},md5={md5}"


def _crc32c(content: bytes) -> str:
    """CRC32C (Castagnoli) bit by bit over a table, apart from the library under test."""
    table = []
    for index in range(256):
        for _ in range(8):
            index = (index >> 1) ^ 0x82F63B78 if index & 1 else index >> 1
        table.append(index)
    crc = 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


STARTED = httpx.Response(201, headers={"Location": SESSION, "X-GUploader-UploadID": "7"})


class Uploads:
    """One upload against scripted answers of the storage."""

    def __init__(self, store: TokenStore, spotify: Spotify, clock: Clock, folder: Path) -> None:
        self.store, self.spotify, self.clock, self.folder = store, spotify, clock, folder

    def send(self, *answers: Any, file: Path | None = None, ticket: UploadTicket = TICKET, **given: Any) -> UploadProof:
        file = file or customer_list(self.folder)
        self.spotify.storage = list(answers)
        given = {"size": file.stat().st_size, **given}
        if "crc32c" not in given:
            given["crc32c"] = crc32c_of(file)
        observer = given.pop("observer", None)
        chosen = given.pop("settings", None)
        with self.spotify.open(self.store, self.clock, observer=observer, settings=chosen) as client:
            return client.upload(ticket, file, **given)


@pytest.fixture
def uploads(store: TokenStore, spotify: Spotify, clock: Clock, tmp_path: Path) -> Uploads:
    return Uploads(store, spotify, clock, tmp_path)


def done(content: bytes = b"", **headers: str) -> httpx.Response:
    proof = {"x-goog-hash": hashes(content)} if content else {}
    return httpx.Response(200, headers={**proof, **{name.replace("_", "-"): value for name, value in headers.items()}})


def test_crc32c_is_written_as_google_writes_it(tmp_path: Path):
    file = tmp_path / "digits"
    file.write_bytes(b"123456789")
    assert crc32c_of(file) == "4waSgw==" == _crc32c(b"123456789")
    file.write_bytes(b"")
    assert crc32c_of(file) == "AAAAAA=="
    content = HEADER + 1000 * ROW
    file.write_bytes(content)
    assert crc32c_of(file) == _crc32c(content)


@pytest.mark.parametrize("size", [18, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB])
@pytest.mark.parametrize("status", [200, 201])
def test_two_steps_send_the_file_byte_for_byte(uploads: Uploads, size: int, status: int):
    file = customer_list(uploads.folder, size)
    content = file.read_bytes()
    headers = {"x-goog-hash": hashes(content), "x-goog-stored-content-length": str(size), "ETag": '"abc"'}
    proof = uploads.send(STARTED, httpx.Response(status, headers=headers), file=file)
    assert proof == UploadProof(
        bytes=size, crc32c=crc32c_of(file), md5=hashes(content).partition("md5=")[2], verified=True, etag="abc"
    )
    start, put = uploads.spotify.storage_calls
    assert (start.method, str(start.url)) == ("POST", SIGNED)
    assert start.headers["x-goog-resumable"] == "start"
    assert start.headers["content-type"] == "text/csv"
    assert start.headers["content-length"] == "0"
    assert (put.method, str(put.url)) == ("PUT", SESSION)
    assert put.headers["content-type"] == "text/csv"
    assert put.headers["content-length"] == str(size)
    assert "transfer-encoding" not in put.headers
    assert uploads.spotify.bodies == [b"", content]


def test_u24_storage_sees_no_token_cookie_or_header_of_spotify(uploads: Uploads):
    with uploads.spotify.open(uploads.store, uploads.clock) as client:
        uploads.spotify.api = [httpx.Response(200, json={"id": AUDIENCE, "upload_url": SIGNED})]
        ticket = client.new_upload("ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a")
        uploads.spotify.storage = [
            httpx.Response(201, headers={"Location": SESSION, "Set-Cookie": "a=b"}),
            done(),
        ]
        file = customer_list(uploads.folder)
        client.upload(ticket, file, size=file.stat().st_size, crc32c=crc32c_of(file))
    sent = [set(request.headers) for request in uploads.spotify.storage_calls]
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
    assert sent == [usual | {"x-goog-resumable"}, usual]  # the signature covers every x-goog-* header, so no other


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("headers", [{}, {"Location": ""}, {"Content-Type": "text/html"}])
def test_u02_start_without_location_sends_nothing(uploads: Uploads, status: int, headers: dict[str, str]):
    with pytest.raises(UploadRefused, match="opened no upload session"):
        uploads.send(httpx.Response(status, headers=headers, text="<html>Sign in</html>"))
    assert [request.method for request in uploads.spotify.storage_calls] == ["POST"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 412])
def test_refused_signed_url_is_told_with_the_storages_code_and_asked_once(uploads: Uploads, status: int):
    body = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>Invalid CANARYSIGNATURE</Message></Error>"
    with pytest.raises(
        UploadRefused, match=rf"status {status} \(ExpiredToken\).*a new upload URL is asked for"
    ) as caught:
        uploads.send(httpx.Response(status, text=body))
    assert "CANARY" not in str(caught.value)
    assert len(uploads.spotify.storage_calls) == 1
    assert not caught.value.may_have_happened


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), httpx.Response(429), httpx.ConnectError(SIGNED), httpx.ReadError(SIGNED)]
)
def test_storage_that_is_not_ready_is_unavailable(uploads: Uploads, answer: Any):
    with pytest.raises(SpotifyUnavailable) as caught:
        uploads.send(answer)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_u15_redirect_of_the_start_is_refused(uploads: Uploads, status: int):
    with pytest.raises(UploadRefused, match="follows no redirect"):
        uploads.send(httpx.Response(status, headers={"Location": "https://example.com/x"}))
    assert len(uploads.spotify.storage_calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_u15_redirect_of_the_file_is_refused(uploads: Uploads, status: int):
    with pytest.raises(UploadRefused, match="follows no redirect"):
        uploads.send(STARTED, httpx.Response(status, headers={"Location": "https://example.com/x"}))
    assert {request.url.host for request in uploads.spotify.storage_calls} == {"storage.googleapis.com"}


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.googleapis.com/o",
        "https://example.com/o",
        "https://127.0.0.1/o",
        "https://a@storage.googleapis.com/o",
    ],
)
def test_s04_hostile_upload_url_gets_no_connection(uploads: Uploads, url: str):
    with pytest.raises(UploadRefused):
        uploads.send(ticket=UploadTicket(audience_id=AUDIENCE, url=Secret(url)))
    assert uploads.spotify.asked == []


@pytest.mark.parametrize(
    "location",
    [
        "https://example.com/o?upload_id=1",
        "http://storage.googleapis.com/o",
        "/o?upload_id=1",
        "https://storage.googleapis.com@example.com/",
    ],
)
def test_s05_session_elsewhere_gets_no_byte(uploads: Uploads, location: str):
    with pytest.raises(UploadRefused):
        uploads.send(httpx.Response(201, headers={"Location": location}))
    assert len(uploads.spotify.storage_calls) == 1


def test_s05_storage_cannot_send_the_list_to_this_machine(uploads: Uploads):
    chosen = settings(upload_hosts=("storage.googleapis.com", "127.0.0.1:8900"))
    with pytest.raises(UploadRefused, match="another host than the upload URL"):
        uploads.send(httpx.Response(201, headers={"Location": "http://127.0.0.1:8900/o"}), settings=chosen)
    assert len(uploads.spotify.storage_calls) == 1


def test_two_locations_are_refused(uploads: Uploads):
    answer = httpx.Response(201, headers=[("Location", SESSION), ("Location", "https://example.com/")])
    with pytest.raises(UploadRefused):
        uploads.send(answer)
    assert len(uploads.spotify.storage_calls) == 1


# -- the local file


@pytest.mark.parametrize("content", [b"", HEADER, HEADER.strip(), b"\n", ROW.strip()])
def test_u19_empty_or_header_only_file_is_refused_before_any_call(uploads: Uploads, content: bytes):
    file = uploads.folder / "empty.csv"
    file.write_bytes(content)
    with pytest.raises(UploadRefused, match="holds no row"):
        uploads.send(file=file)
    assert uploads.spotify.asked == []


def test_u20_file_over_one_gib_is_refused_with_its_size_before_any_call(uploads: Uploads):
    file = uploads.folder / "huge.csv"
    with file.open("wb") as stream:
        stream.truncate(MAX_UPLOAD_BYTES + 1)  # sparse
    with pytest.raises(UploadRefused, match=r"1073741825 bytes.*1073741824"):
        uploads.send(file=file, crc32c="AAAAAA==")
    assert uploads.spotify.asked == []


def test_missing_file_is_refused_before_any_call(uploads: Uploads):
    with pytest.raises(UploadRefused, match="cannot be opened"):
        uploads.send(file=uploads.folder, size=5, crc32c="AAAAAA==")
    file = customer_list(uploads.folder)
    given = {"size": file.stat().st_size, "crc32c": crc32c_of(file)}
    file.unlink()
    with (
        uploads.spotify.open(uploads.store, uploads.clock) as client,
        pytest.raises(UploadRefused, match="cannot be opened"),
    ):
        client.upload(TICKET, file, **given)
    assert uploads.spotify.asked == []


@pytest.mark.parametrize("change", [-1, 1])
def test_u18_file_of_another_size_than_was_built_is_refused_before_any_call(uploads: Uploads, change: int):
    file = customer_list(uploads.folder)
    with pytest.raises(UploadRefused, match="not the file that was built"):
        uploads.send(file=file, size=file.stat().st_size + change)
    assert uploads.spotify.asked == []


def test_disk_that_fails_while_it_is_read_breaks_the_upload_off():
    class FailingDisk(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= MIB:
                raise OSError(5, "Input/output error", "/secret/path")
            return super().read(size)

    outgoing = OutgoingFile(FailingDisk(ROW * 50_000), size=len(ROW) * 50_000, crc32c="AAAAAA==")
    with pytest.raises(UploadRefused, match="could not be read to its end") as caught:
        list(outgoing.blocks())
    assert "secret" not in str(caught.value)
    assert not outgoing.handed_over


def flip_last(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(-2, 2)
        stream.write(b"0")


def grow(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(ROW)


def shrink(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(2 * MIB + 5)


@pytest.mark.parametrize("change", [flip_last, grow, shrink])
def test_u18_file_changed_while_it_is_sent_never_arrives_whole(
    store: TokenStore, clock: Clock, spotify: Spotify, tmp_path: Path, change: Callable[[Path], None]
):
    file = customer_list(tmp_path, 24 * MIB)  # more than the sockets' buffers hold, so that the change comes in time
    size, crc32c = file.stat().st_size, crc32c_of(file)
    changed = threading.Event()

    def on_body(count: int) -> None:
        if count and not changed.is_set():
            change(file)
            changed.set()

    with socket_storage(on_body) as storage:
        chosen = settings(upload_hosts=(storage.host,))
        ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{storage.host}/signed"))
        refused = pytest.raises(UploadRefused, match="not the file that was built")
        with SpotifyAdsClient.open(chosen, store) as client, refused:
            client.upload(ticket, file, size=size, crc32c=crc32c)
        assert storage.ended.wait(5)
    assert changed.is_set()
    assert storage.received[0] < size


def test_u18_small_file_that_changed_sends_not_one_byte(uploads: Uploads):
    file = customer_list(uploads.folder, 1000)
    before = crc32c_of(file)
    flip_last(file)
    with pytest.raises(UploadRefused, match="not the file that was built"):
        uploads.send(STARTED, done(), file=file, crc32c=before)
    assert len(uploads.spotify.bodies) == 1  # the start's; the PUT's body was never complete


def test_file_over_a_real_connection_with_little_memory(store: TokenStore, tmp_path: Path):
    file = customer_list(tmp_path, 64 * MIB)
    size, crc32c = file.stat().st_size, crc32c_of(file)
    with socket_storage() as storage:
        chosen = settings(upload_hosts=(storage.host,))
        ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{storage.host}/signed"))
        with SpotifyAdsClient.open(chosen, store) as client:
            tracemalloc.start()
            try:
                proof = client.upload(ticket, file, size=size, crc32c=crc32c)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert storage.received == [size]
    assert proof == UploadProof(bytes=size, crc32c=crc32c, md5=None, verified=False, etag=None)
    assert peak < 16 * MIB


# -- what the storage says at the end


def test_silence_about_hashes_is_unverified(uploads: Uploads):
    proof = uploads.send(STARTED, done())
    assert not proof.verified
    assert proof.md5 is None
    proof = uploads.send(STARTED, done(x_goog_stored_content_length=str(proof.bytes)))
    assert not proof.verified  # the right length says nothing about the bytes


@pytest.mark.parametrize("only", ["crc32c", "md5"])
def test_one_right_hash_verifies(uploads: Uploads, only: str):
    file = customer_list(uploads.folder, 1000)
    stated = next(part for part in hashes(file.read_bytes()).split(",") if part.startswith(only))
    proof = uploads.send(STARTED, done(x_goog_hash=stated), file=file)
    assert proof.verified
    assert (proof.md5 is not None) == (only == "md5")


def test_hashes_in_two_headers_are_both_read(uploads: Uploads):
    file = customer_list(uploads.folder, 1000)
    crc32c, md5 = hashes(file.read_bytes()).split(",")
    right = httpx.Response(200, headers=[("x-goog-hash", crc32c), ("x-goog-hash", md5)])
    assert uploads.send(STARTED, right, file=file).md5 is not None
    wrong = httpx.Response(200, headers=[("x-goog-hash", crc32c), ("x-goog-hash", "md5=AAAAAAAAAAAAAAAAAAAAAA==")])
    with pytest.raises(UploadIncomplete, match="checksums differ"):
        uploads.send(STARTED, wrong, file=file)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_goog_hash": "crc32c=AAAAAA=="},
        {"x_goog_hash": "crc32c="},
        {"x_goog_hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="},
        {"x_goog_stored_content_length": "1"},
        {"x_goog_stored_content_length": "many"},
    ],
)
def test_u11_other_bytes_at_the_storage_are_a_failure(uploads: Uploads, headers: dict[str, str]):
    with pytest.raises(UploadIncomplete) as caught:
        uploads.send(STARTED, done(**headers))
    assert caught.value.may_have_happened  # the storage took something for complete
    assert "do not create or trust the audience" in str(caught.value)


def test_body_of_the_last_answer_proves_nothing_and_harms_nothing(uploads: Uploads):
    for body in (b"", b'{"size": "5"', b"<html>"):
        assert not uploads.send(STARTED, httpx.Response(200, content=body)).verified


@pytest.mark.parametrize("override", [False, True], ids=["308", "200 that stands for 308"])
def test_part_of_the_file_is_incomplete(uploads: Uploads, override: bool):
    headers = {"Range": "bytes=0-262143"}
    answer = httpx.Response(308, headers=headers)
    if override:
        answer = httpx.Response(200, headers={**headers, "X-HTTP-Status-Code-Override": "308"})
    with pytest.raises(UploadIncomplete, match="a part of the customer list only"):
        uploads.send(STARTED, answer)


@pytest.mark.parametrize("status", [400, 401, 403, 412])
def test_u14_refusal_while_sending_is_final(uploads: Uploads, status: int):
    with pytest.raises(UploadRefused, match=f"status {status}"):
        uploads.send(STARTED, httpx.Response(status))
    assert len(uploads.spotify.storage_calls) == 2


@pytest.mark.parametrize("answer", [*map(httpx.Response, (404, 408, 410, 429, 499, 500, 503)), httpx.ReadError(SESSION),
                                    httpx.WriteTimeout(SESSION), httpx.ConnectError(SESSION)])  # fmt: skip
def test_upload_that_breaks_is_incomplete_and_not_repeated(uploads: Uploads, answer: Any):
    with pytest.raises(UploadIncomplete) as caught:
        uploads.send(STARTED, answer)
    assert "CANARY" not in str(caught.value)
    assert len(uploads.spotify.storage_calls) == 2
    assert uploads.clock.slept == []


def test_u10_success_before_the_last_byte_is_a_failure(store: TokenStore, tmp_path: Path):
    file = customer_list(tmp_path, 24 * MIB)
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{listener.getsockname()[1]}"

    def serve() -> None:
        for reply in (
            f"HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\nLocation: http://{address}/s\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        ):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(reply.encode())
                connection.shutdown(socket.SHUT_WR)
                for _ in range(40):  # takes a few blocks more, then goes away
                    connection.recv(65_536)

    threading.Thread(target=serve, daemon=True).start()
    ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{address}/signed"))
    opened = SpotifyAdsClient.open(settings(upload_hosts=(address,)), store)
    with listener, opened as client, pytest.raises(UploadIncomplete):
        client.upload(ticket, file, size=file.stat().st_size, crc32c=crc32c_of(file))


def test_u10_success_without_the_body_having_been_taken_is_a_failure(store: TokenStore, tmp_path: Path):
    class Hasty(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return STARTED
            blocks = iter(request.stream)  # type: ignore[call-overload]
            assert len(next(blocks)) == MIB
            return done(content)

    file = customer_list(tmp_path)
    content = file.read_bytes()
    too_soon = pytest.raises(UploadIncomplete, match="before it was sent whole")
    with SpotifyAdsClient.open(settings(), store, transport=Hasty()) as client, too_soon as caught:
        client.upload(TICKET, file, size=len(content), crc32c=crc32c_of(file))
    assert caught.value.may_have_happened


def test_s12_no_answer_of_the_storage_makes_anything_but_a_proof_or_a_typed_error(uploads: Uploads):
    dice = random.Random(7)
    names = ["x-goog-hash", "x-goog-stored-content-length", "location", "range", "x-http-status-code-override", "etag"]
    values = ["", "crc32c", "crc32c=", "=,=,=", "md5==", "bytes=5-9", "-1", "308", "\x7f", '"', SESSION, "," * 1000]
    file = customer_list(uploads.folder, 300)
    for _ in range(400):
        answers = [
            httpx.Response(dice.choice([200, 201, 204, 206, 304, 308, 404, 418, 503]), headers=headers)
            for headers in ({name: dice.choice(values) for name in names if dice.random() < 0.5} for _ in range(2))
        ]
        try:
            proof = uploads.send(*answers, file=file)
        except (UploadRefused, UploadIncomplete, SpotifyUnavailable):
            continue
        assert proof.bytes == 300
        assert not proof.verified  # none of these states the right hash


def test_upload_is_seen_by_the_observer_without_its_addresses(uploads: Uploads):
    records: list[CallRecord] = []
    uploads.send(STARTED, done(), observer=records.append)
    assert [(each.service, each.method, each.route, each.status) for each in records] == [
        ("storage", "POST", "(signed upload URL)", 201),
        ("storage", "PUT", "(upload session)", 200),
    ]
    assert "CANARY" not in repr(records)
