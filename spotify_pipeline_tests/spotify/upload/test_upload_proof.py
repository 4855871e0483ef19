from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    CallRecord,
    Secret,
    SpotifyAdsClient,
    SpotifyUnavailable,
    TokenStore,
    UploadDataLoss,
    UploadIncomplete,
    UploadRefused,
    UploadTicket,
)
from spotify_pipeline_tests.examples import in_test_rest
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SESSION, settings
from spotify_pipeline_tests.spotify.socket_storage import socket_storage
from spotify_pipeline_tests.spotify.uploads import (
    MIB,
    STARTED,
    TICKET,
    Uploads,
    ack,
    crc32c_of,
    customer_list,
    done,
    hashes,
)

SILENT = {"nothing": b"", "broken JSON": b'{"size": "5"', "a sign-in page": b"<html>Sign in to this network</html>"}


def test_right_length_without_a_hash_is_accepted_and_unverified(uploads: Uploads):
    file = customer_list(uploads.folder)
    proof = uploads.send(STARTED, done(x_goog_stored_content_length=str(file.stat().st_size)), file=file)
    assert not proof.verified  # the right length says nothing about the bytes
    assert (proof.bytes, proof.crc32c, proof.md5) == (file.stat().st_size, crc32c_of(file), None)
    assert len(uploads.spotify.storage_calls) == 2


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize("second", ["silent", "404", "redirect", "refused"])
def test_u09_success_that_states_nothing_is_asked_about_once_and_is_a_failure(
    uploads: Uploads, body: bytes, second: str
):
    silent = httpx.Response(200, content=body)
    answers = {
        "silent": silent,
        "404": httpx.Response(404),
        "redirect": httpx.Response(302, headers={"Location": "https://example.com/"}),
        "refused": httpx.Response(403),
    }
    with pytest.raises(UploadIncomplete, match=r"may or may not have the list.*whole list") as caught:
        uploads.send(STARTED, silent, answers[second])
    assert caught.value.may_have_happened
    assert "CANARY" not in str(caught.value)
    assert len(uploads.spotify.storage_calls) == 3
    assert uploads.clock.slept == []


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize(
    "broken", [httpx.Response(503), httpx.ReadError(SESSION), httpx.Response(200, content=b" " * (6 * MIB))]
)
def test_u09_question_that_breaks_is_asked_again_and_its_hash_is_the_proof(uploads: Uploads, body: bytes, broken: Any):
    file = customer_list(uploads.folder)
    answers = [STARTED, httpx.Response(200, content=body), broken, broken, done(file.read_bytes())]
    proof = uploads.send(*answers, file=file)
    assert proof.verified
    assert proof.bytes_sent == proof.bytes
    assert len(uploads.clock.slept) == 2


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
@pytest.mark.parametrize("override", [False, True], ids=["308", "200 that stands for 308"])
def test_f12_storage_that_lacks_a_part_after_a_silent_success_gets_it(uploads: Uploads, body: bytes, override: bool):
    file = customer_list(uploads.folder)
    content = file.read_bytes()
    part = ack(262_144)
    if override:
        part = httpx.Response(200, headers={**part.headers, "X-HTTP-Status-Code-Override": "308"})
    proof = uploads.send(STARTED, httpx.Response(200, content=body), part, done(content), file=file)
    assert proof.verified
    assert uploads.ranges[-1] == f"bytes 262144-{len(content) - 1}/{len(content)}"
    assert uploads.spotify.bodies[-1] == content[262_144:]


def test_f32_second_question_is_googles_status_query_and_its_hash_is_the_proof(uploads: Uploads):
    file = customer_list(uploads.folder)
    content = file.read_bytes()
    records: list[CallRecord] = []
    proof = uploads.send(STARTED, done(), done(content, ETag='"abc"'), file=file, observer=records.append)
    assert proof.verified
    assert proof.etag == "abc"
    query = uploads.spotify.storage_calls[2]
    assert (query.method, str(query.url)) == ("PUT", SESSION)
    assert query.headers["content-length"] == "0"
    assert query.headers["content-range"] == f"bytes */{len(content)}"
    assert uploads.spotify.bodies[2] == b""
    assert [record.status for record in records] == [201, 200, 200]


def test_u09_length_stated_to_the_second_question_is_accepted_and_unverified(uploads: Uploads):
    file = customer_list(uploads.folder)
    length = str(file.stat().st_size)
    assert not uploads.send(STARTED, done(), done(x_goog_stored_content_length=length), file=file).verified


@pytest.mark.parametrize("headers", [{"x_goog_hash": "crc32c=AAAAAA=="}, {"x_goog_stored_content_length": "191"}])
def test_u11_other_bytes_stated_to_the_second_question_are_a_failure(uploads: Uploads, headers: dict[str, Any]):
    with pytest.raises(UploadDataLoss, match="The storage holds") as caught:
        uploads.send(STARTED, done(), done(**headers))
    assert caught.value.may_have_happened


@pytest.mark.parametrize("only", ["crc32c", "md5"])
def test_one_right_hash_verifies(uploads: Uploads, only: str):
    file = customer_list(uploads.folder, 1000)
    stated = next(part for part in hashes(file.read_bytes()).split(",") if part.startswith(only))
    proof = uploads.send(STARTED, done(x_goog_hash=stated), file=file)
    assert proof.verified
    assert (proof.md5 is not None) == (only == "md5")


def test_md5_counts_for_nothing_where_none_is_known(uploads: Uploads):
    file = customer_list(uploads.folder, 1000)
    proof = uploads.send(
        STARTED,
        done(file.read_bytes(), x_goog_hash="md5=AAAAAAAAAAAAAAAAAAAAAA==,crc32c=" + crc32c_of(file)),
        file=file,
        md5=None,
    )
    assert (proof.verified, proof.md5) == (True, None)


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
        {"x_goog_stored_content_length": "0"},
    ],
)
def test_u11_other_bytes_at_the_storage_are_a_failure(uploads: Uploads, headers: dict[str, Any]):
    with pytest.raises(UploadDataLoss) as caught:
        uploads.send(STARTED, done(**headers))
    assert caught.value.suspect
    assert caught.value.may_have_happened  # the storage took something for complete
    assert "do not create or trust the audience" in str(caught.value)


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
def test_u10_success_at_the_first_bytes_is_a_failure_though_the_rest_is_taken(
    store: TokenStore, tmp_path: Path, body: bytes
):
    file = customer_list(tmp_path, 4 * MIB)
    with socket_storage(early=body) as storage:
        ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{storage.host}/signed"))
        opened = SpotifyAdsClient.open(settings(upload_hosts=(storage.host,)), store)
        with opened as client, pytest.raises(UploadIncomplete, match="may or may not have the list") as caught:
            client.upload(ticket, file, size=file.stat().st_size, crc32c=crc32c_of(file))
    assert caught.value.may_have_happened
    assert storage.received[0] == file.stat().st_size  # every byte was taken, and thrown away


def test_u10_success_without_the_body_having_been_taken_is_a_failure(store: TokenStore, tmp_path: Path):
    class Hasty(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return STARTED
            blocks = iter(request.stream)  # type: ignore[call-overload]
            assert 0 < len(next(blocks)) < len(content)
            return done(content)

    file = customer_list(tmp_path)
    content = file.read_bytes()
    too_soon = pytest.raises(UploadDataLoss, match="before all of it was sent")
    with SpotifyAdsClient.open(settings(), store, transport=Hasty()) as client, too_soon as caught:
        client.upload(TICKET, file, size=len(content), crc32c=crc32c_of(file))
    assert caught.value.may_have_happened


@pytest.mark.parametrize("tries", [40, in_test_rest(400)])
def test_s12_no_answer_of_the_storage_makes_anything_but_a_proof_or_a_typed_error(uploads: Uploads, tries: int):
    dice = random.Random(7)
    names = ["x-goog-hash", "x-goog-stored-content-length", "location", "range", "x-http-status-code-override", "etag"]
    values = ["", "crc32c", "crc32c=", "=,=,=", "md5==", "bytes=5-9", "-1", "308", "\x7f", '"', SESSION, "," * 1000]
    file = customer_list(uploads.folder, 300)
    for _ in range(tries):
        answers = [
            httpx.Response(dice.choice([200, 201, 204, 206, 304, 308, 404, 418, 503]), headers=headers)
            for headers in ({name: dice.choice(values) for name in names if dice.random() < 0.5} for _ in range(60))
        ]
        try:
            proof = uploads.send(*answers, file=file)
        except (UploadRefused, UploadIncomplete, SpotifyUnavailable):
            continue
        assert proof.bytes == 300
        assert not proof.verified  # none of these states the right hash


def test_upload_is_seen_by_the_observer_without_its_addresses(uploads: Uploads):
    records: list[CallRecord] = []
    file = customer_list(uploads.folder)
    uploads.send(STARTED, done(file.read_bytes()), file=file, observer=records.append)
    assert [(each.service, each.method, each.route, each.status) for each in records] == [
        ("storage", "POST", "(signed upload URL)", 201),
        ("storage", "PUT", "(upload session)", 200),
    ]
    assert "CANARY" not in repr(records)
