"""A later run goes on with the session of an earlier one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import Secret, UploadIncomplete, UploadRefused, UploadTicket
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SIGNED, settings
from spotify_pipeline_tests.spotify.uploads import STARTED, Uploads, ack, customer_list, done, md5_of

CHUNK = 262_144
SIZE = 3 * CHUNK + 99
DAY = 86_400.0
IN_CHUNKS = {"settings": settings(upload_chunk_bytes=CHUNK)}


def ticket() -> UploadTicket:
    return UploadTicket(audience_id="new", url=Secret(SIGNED))


@pytest.mark.parametrize("chunk", [None, CHUNK], ids=["whole", "256 KiB"])
@pytest.mark.parametrize("stored", [0, CHUNK + 5])
def test_resumed_upload_asks_first_and_sends_only_what_the_storage_lacks(
    uploads: Uploads, stored: int, chunk: int | None
):
    file = customer_list(uploads.folder, SIZE)
    content = file.read_bytes()
    ends = [] if chunk is None else list(range(stored + chunk, SIZE, chunk))
    answers = [ack(stored), *map(ack, ends), done(content)]
    chosen = settings(upload_chunk_bytes=chunk)
    proof = uploads.resume(uploads.opened(file), *answers, file=file, settings=chosen)
    assert proof.verified
    assert (proof.audience_id, proof.bytes, proof.bytes_sent) == (AUDIENCE, SIZE, SIZE - stored)
    assert uploads.ranges[0] == f"bytes */{SIZE}"
    assert b"".join(uploads.spotify.bodies) == content[stored:]


def test_upload_that_was_finished_already_is_proven_without_a_byte(uploads: Uploads):
    file = customer_list(uploads.folder, SIZE)
    proof = uploads.resume(uploads.opened(file), done(file.read_bytes()), file=file)
    assert (proof.verified, proof.bytes_sent) == (True, 0)
    assert proof.md5 == md5_of(file)


@pytest.mark.parametrize(
    "change",
    [{"opened_at": -6 * DAY - 1}, {"opened_at": 6 * DAY + 1}, {"size": SIZE + 1}, {"crc32c": "AAAAAA=="}],
    ids=["over six days", "from the future", "another size", "another checksum"],
)
def test_u22_session_too_old_or_of_another_list_is_not_spoken_to(uploads: Uploads, change: dict[str, Any]):
    file = customer_list(uploads.folder, SIZE)
    if "opened_at" in change:
        change = {"opened_at": uploads.clock.now + change["opened_at"]}
    opened = uploads.opened(file, **{"uri": Secret("https://storage.googleapis.com/old"), **change})
    proof = uploads.resume(opened, STARTED, done(file.read_bytes()), file=file, renew=ticket)
    assert proof.audience_id == "new"
    assert "https://storage.googleapis.com/old" not in [str(request.url) for request in uploads.spotify.storage_calls]
    with pytest.raises(UploadIncomplete, match="too old to resume, or is of another list"):
        uploads.resume(opened, file=file)


def test_session_of_almost_six_days_is_resumed(uploads: Uploads):
    file = customer_list(uploads.folder, SIZE)
    opened = uploads.opened(file, opened_at=uploads.clock.now - 6 * DAY + 60)
    assert uploads.resume(opened, done(file.read_bytes()), file=file).verified


@pytest.mark.parametrize("status", [404, 410])
def test_f17_session_that_the_storage_has_dropped_begins_again(uploads: Uploads, status: int):
    file = customer_list(uploads.folder, SIZE)
    answers = [httpx.Response(status), STARTED, done(file.read_bytes())]
    proof = uploads.resume(uploads.opened(file), *answers, file=file, renew=ticket)
    assert (proof.verified, proof.audience_id) == (True, "new")


def test_u18_file_that_changed_before_the_resumed_byte_is_not_finished(uploads: Uploads):
    file = customer_list(uploads.folder, SIZE)
    opened = uploads.opened(file)
    with file.open("r+b") as stream:
        stream.seek(CHUNK - 10)
        stream.write(b"x")
    with pytest.raises(UploadRefused, match="not the file that was built"):
        uploads.resume(opened, ack(2 * CHUNK), ack(3 * CHUNK), file=file, crc32c=opened.crc32c, **IN_CHUNKS)
    assert uploads.ranges == [f"bytes */{SIZE}", f"bytes {2 * CHUNK}-{3 * CHUNK - 1}/{SIZE}"]  # and not the last 99


def test_s04_saved_session_is_checked_like_any_address(uploads: Uploads):
    file = customer_list(uploads.folder, SIZE)
    with pytest.raises(UploadRefused, match="The upload session leads to https://example"):
        uploads.resume(uploads.opened(file, uri=Secret("https://example.com/CANARY")), file=file)
    assert uploads.spotify.asked == []


def test_c10_first_question_of_a_resumed_upload_may_finish_it_so_it_is_asked_for(uploads: Uploads):
    class Overtaken(Exception):
        pass

    def overtaken() -> None:
        raise Overtaken

    file = customer_list(uploads.folder, SIZE)
    with pytest.raises(Overtaken):
        uploads.resume(uploads.opened(file), file=file, before_finish=overtaken)
    assert uploads.spotify.asked == []
