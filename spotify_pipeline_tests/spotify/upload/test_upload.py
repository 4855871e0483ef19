from __future__ import annotations

import httpx
import pytest

from spotify_pipeline.spotify import Secret, UploadProof, UploadRefused, UploadTicket
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SESSION, SIGNED, settings
from spotify_pipeline_tests.spotify.uploads import MIB, STARTED, Uploads, crc32c_of, customer_list, done, hashes


@pytest.mark.parametrize("size", [18, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB])
@pytest.mark.parametrize("status", [200, 201])
def test_two_steps_send_the_file_byte_for_byte(uploads: Uploads, size: int, status: int):
    file = customer_list(uploads.folder, size)
    content = file.read_bytes()
    headers = {"x-goog-hash": hashes(content), "x-goog-stored-content-length": str(size), "ETag": '"abc"'}
    proof = uploads.send(STARTED, httpx.Response(status, headers=headers), file=file)
    assert proof == UploadProof(
        audience_id=AUDIENCE,
        bytes=size,
        crc32c=crc32c_of(file),
        md5=hashes(content).partition("md5=")[2],
        verified=True,
        etag="abc",
        bytes_sent=size,
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
        file = customer_list(uploads.folder)
        started = httpx.Response(201, headers={"Location": SESSION, "Set-Cookie": "a=b"})
        uploads.spotify.storage = [started, done(), done(file.read_bytes())]
        client.upload(ticket, file, size=file.stat().st_size, crc32c=crc32c_of(file))
    sent = [set(request.headers) for request in uploads.spotify.storage_calls]
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
    question = usual - {"content-type"} | {"content-range"}
    assert sent == [
        usual | {"x-goog-resumable"},
        usual,
        question,
    ]  # the signature covers every x-goog-* header, so no other


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
        UploadRefused, match=rf"status {status} \(ExpiredToken\).*a new upload URL is requested"
    ) as caught:
        uploads.send(httpx.Response(status, text=body))
    assert "CANARY" not in str(caught.value)
    assert len(uploads.spotify.storage_calls) == 1
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_u15_redirect_of_the_start_is_refused(uploads: Uploads, status: int):
    with pytest.raises(UploadRefused, match="never sent to a redirect"):
        uploads.send(httpx.Response(status, headers={"Location": "https://example.com/x"}))
    assert len(uploads.spotify.storage_calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_u15_redirect_of_the_file_is_refused(uploads: Uploads, status: int):
    with pytest.raises(UploadRefused, match="never sent to a redirect"):
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
