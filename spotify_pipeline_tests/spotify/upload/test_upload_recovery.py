"""What breaks on the way is taken up where it broke: whole uploads over HTTP against scripted answers."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import (
    OpenUpload,
    PermissionDenied,
    Secret,
    UnexpectedResponse,
    UntrustedServer,
    UploadDataLoss,
    UploadIncomplete,
    UploadRefused,
    UploadTicket,
)
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SESSION, SIGNED, settings
from spotify_pipeline_tests.spotify.uploads import MIB, STARTED, TICKET, Uploads, ack, customer_list, done

CHUNK = 262_144
SIZE = 3 * CHUNK
IN_CHUNKS: dict[str, Any] = {"settings": settings(upload_chunk_bytes=CHUNK)}
OTHER_AUDIENCE = "5d0f6a34-6c5e-4b6f-9b0a-0d1f6f3b0c11"
OTHER_SIGNED = SIGNED.replace("object", "other")
BUSY = [httpx.Response(503), httpx.Response(429), httpx.Response(408), httpx.Response(500), httpx.ConnectError(SIGNED)]


class Tickets:
    """Gives one ticket after another, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> UploadTicket:
        self.asked += 1
        return UploadTicket(audience_id=OTHER_AUDIENCE, url=Secret(OTHER_SIGNED))


@pytest.fixture
def tickets() -> Tickets:
    return Tickets()


def test_u01_start_that_is_not_ready_is_repeated_and_one_upload_succeeds(uploads: Uploads):
    file = customer_list(uploads.folder, SIZE)
    proof = uploads.send(*BUSY, STARTED, done(file.read_bytes()), file=file)
    assert proof.verified
    assert [request.method for request in uploads.spotify.storage_calls] == ["POST"] * 6 + ["PUT"]
    assert uploads.spotify.storage == []
    assert len(uploads.clock.slept) == 5


def test_f02_start_answered_with_megabytes_sends_nothing(uploads: Uploads):
    with pytest.raises(UnexpectedResponse, match="larger than 5 MB"):
        uploads.send(httpx.Response(201, headers={"Location": SESSION}, content=b" " * 6_000_000))
    assert len(uploads.spotify.storage_calls) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_u03_refused_url_is_renewed_once_and_the_new_audience_is_in_the_proof(
    uploads: Uploads, tickets: Tickets, status: int
):
    file = customer_list(uploads.folder, SIZE)
    opened: list[OpenUpload] = []
    answers = [httpx.Response(status), STARTED, done(file.read_bytes())]
    proof = uploads.send(*answers, file=file, renew=tickets, on_open=opened.append)
    assert proof.audience_id == OTHER_AUDIENCE
    assert tickets.asked == 1
    assert [str(request.url) for request in uploads.spotify.storage_calls] == [SIGNED, OTHER_SIGNED, SESSION]
    assert [each.audience_id for each in opened] == [OTHER_AUDIENCE]


def test_u03_what_spotify_says_to_the_request_for_a_new_url_is_the_error(uploads: Uploads):
    def renew() -> UploadTicket:
        raise PermissionDenied("Spotify did not give an upload URL.")

    with pytest.raises(PermissionDenied):
        uploads.send(httpx.Response(403), renew=renew)


def test_u04_308_without_range_after_a_chunk_sends_from_where_the_storage_says(uploads: Uploads):
    file = customer_list(uploads.folder, SIZE)
    content = file.read_bytes()
    answers = [STARTED, ack(CHUNK), ack(0), ack(0), ack(CHUNK), ack(2 * CHUNK), done(content)]
    proof = uploads.send(*answers, file=file, **IN_CHUNKS)
    assert proof.verified
    first, second, third = (f"bytes {n * CHUNK}-{(n + 1) * CHUNK - 1}/{SIZE}" for n in range(3))
    assert uploads.ranges == [first, second, f"bytes */{SIZE}", first, second, third]
    assert uploads.spotify.bodies[-3:] == [content[n * CHUNK : (n + 1) * CHUNK] for n in range(3)]
    assert proof.bytes_sent == 5 * CHUNK


@pytest.mark.parametrize("lost", [httpx.Response(503), httpx.ReadError(SESSION), httpx.ReadTimeout(SESSION)])
def test_u08_finished_object_whose_answer_was_lost_is_a_success_without_another_byte(uploads: Uploads, lost: Any):
    file = customer_list(uploads.folder, SIZE)
    proof = uploads.send(STARTED, lost, done(file.read_bytes()), file=file)
    assert proof.verified
    assert proof.bytes_sent == SIZE
    assert uploads.ranges == ["", f"bytes */{SIZE}"]


@pytest.mark.parametrize("answer", [done(b"other bytes"), httpx.Response(400, text="<Code>BadDigest</Code>")])
def test_u11_other_bytes_are_sent_again_once_with_a_new_url(uploads: Uploads, tickets: Tickets, answer: httpx.Response):
    file = customer_list(uploads.folder, SIZE)
    proof = uploads.send(STARTED, answer, STARTED, done(file.read_bytes()), file=file, renew=tickets)
    assert (proof.verified, proof.audience_id, proof.bytes_sent) == (True, OTHER_AUDIENCE, 2 * SIZE)
    with pytest.raises(UploadDataLoss) as caught:
        uploads.send(STARTED, answer, STARTED, answer, file=file, renew=tickets)
    assert caught.value.suspect
    assert tickets.asked == 2


def test_u11_failure_after_other_bytes_still_says_that_the_audience_is_suspect(uploads: Uploads, tickets: Tickets):
    with pytest.raises(UploadDataLoss, match="other bytes") as caught:
        uploads.send(STARTED, done(b"other"), httpx.Response(403), httpx.Response(403), renew=tickets)
    assert caught.value.suspect

    def no_more() -> UploadTicket:
        raise PermissionDenied("Spotify did not give an upload URL.")

    with pytest.raises(UploadDataLoss, match="other bytes"):
        uploads.send(STARTED, done(b"other"), renew=no_more)


@pytest.mark.parametrize("status", [400, 403])
def test_refused_url_after_the_whole_list_was_sent_does_not_say_that_nothing_was_replaced(
    uploads: Uploads, tickets: Tickets, status: int
):
    answers = [STARTED, httpx.Response(410), *[httpx.Response(status)] * 2]  # the answer to every byte is: gone
    with pytest.raises(UploadRefused, match="do not create or trust the audience") as caught:
        uploads.send(*answers, renew=tickets)
    assert caught.value.may_have_happened
    assert "Nothing was replaced" not in str(caught.value)
    assert "check this machine's clock" in str(caught.value)


def test_refusal_after_the_last_byte_was_sent_does_not_say_that_nothing_was_replaced(uploads: Uploads):
    with pytest.raises(UploadRefused, match="do not create or trust the audience") as caught:
        uploads.send(STARTED, httpx.Response(503), httpx.Response(403))
    assert caught.value.may_have_happened


@pytest.mark.parametrize("status", [400, 401, 403, 412])
def test_u14_refusal_in_the_middle_is_final(uploads: Uploads, tickets: Tickets, status: int):
    with pytest.raises(UploadRefused, match=f"rejects the upload: status {status}"):
        uploads.send(STARTED, ack(CHUNK), httpx.Response(status), renew=tickets, **IN_CHUNKS)
    assert len(uploads.spotify.storage_calls) == 3
    assert (tickets.asked, uploads.clock.slept) == (0, [])


def test_u15_308_with_a_location_is_a_redirect(uploads: Uploads):
    answer = ack(CHUNK, Location="https://example.com/elsewhere")
    with pytest.raises(UploadRefused, match="never sent to a redirect"):
        uploads.send(STARTED, answer, **IN_CHUNKS)
    assert {request.url.host for request in uploads.spotify.storage_calls} == {"storage.googleapis.com"}


def test_f21_200_that_stands_for_308_is_one(uploads: Uploads):
    file = customer_list(uploads.folder, 2 * CHUNK)
    answer = httpx.Response(200, headers={"Range": f"bytes=0-{CHUNK - 1}", "X-HTTP-Status-Code-Override": "308"})
    assert uploads.send(STARTED, answer, done(file.read_bytes()), file=file, **IN_CHUNKS).verified


def test_f23_two_range_headers_are_asked_about_once(uploads: Uploads):
    two = httpx.Response(308, headers=[("Range", "bytes=0-9"), ("Range", "bytes=0-99")])
    with pytest.raises(UploadIncomplete, match="unreadable how much"):
        uploads.send(STARTED, two, two, **IN_CHUNKS)
    file = customer_list(uploads.folder, 2 * CHUNK)
    assert uploads.send(STARTED, two, ack(CHUNK), done(file.read_bytes()), file=file, **IN_CHUNKS).verified


def test_session_is_made_known_before_its_first_byte_and_the_last_request_is_asked_for(uploads: Uploads):
    seen: list[tuple[str, int]] = []

    def note(what: str) -> Callable[..., None]:
        return lambda *_: seen.append((what, len(uploads.spotify.storage_calls)))

    file = customer_list(uploads.folder, SIZE)
    answers = [STARTED, ack(CHUNK), ack(2 * CHUNK), httpx.Response(503), done(file.read_bytes())]
    opened: list[OpenUpload] = []
    hooks: dict[str, Any] = {
        "on_open": lambda each: (opened.append(each), note("open")()),
        "before_finish": note("finish"),
    }
    uploads.send(*answers, file=file, **hooks, **IN_CHUNKS)
    assert seen == [("open", 1), ("finish", 3), ("finish", 4)]  # the question may finish it too
    assert opened == [uploads.opened(file, opened_at=opened[0].opened_at)]
    assert "CANARY" not in repr(opened)


def test_c10_exception_before_the_last_request_keeps_it_from_being_sent(uploads: Uploads):
    class Overtaken(Exception):
        pass

    def overtaken() -> None:
        raise Overtaken

    file = customer_list(uploads.folder, SIZE)
    with pytest.raises(Overtaken):
        uploads.send(STARTED, ack(CHUNK), ack(2 * CHUNK), file=file, before_finish=overtaken, **IN_CHUNKS)
    assert uploads.ranges == [f"bytes {n * CHUNK}-{(n + 1) * CHUNK - 1}/{SIZE}" for n in range(2)]


def test_c10_last_block_is_asked_for_when_all_others_are_on_their_way(uploads: Uploads):
    class Overtaken(Exception):
        pass

    def overtaken() -> None:
        raise Overtaken

    progress: list[int] = []
    hooks: dict[str, Any] = {"on_progress": lambda each: progress.append(each.stored), "before_finish": overtaken}
    file = customer_list(uploads.folder, 3 * MIB + 17)
    with pytest.raises(Overtaken):
        uploads.send(STARTED, done(file.read_bytes()), file=file, settings=settings(upload_chunk_bytes=None), **hooks)
    assert progress[-1] == 3 * MIB


def test_c10_exception_before_a_chunk_keeps_it_from_being_sent(uploads: Uploads):
    class Overtaken(Exception):
        pass

    def overtaken_after_the_first() -> None:
        if uploads.ranges:
            raise Overtaken

    with pytest.raises(Overtaken):
        uploads.send(STARTED, ack(CHUNK), before_send=overtaken_after_the_first, **IN_CHUNKS)
    assert len(uploads.ranges) == 1


@pytest.mark.parametrize("status", [499, 404, 410, 503])
def test_c10_session_is_given_up_with_one_request_whatever_the_answer(uploads: Uploads, status: int):
    uploads.spotify.storage = [httpx.Response(status)]
    with uploads.spotify.open(uploads.store, uploads.clock) as client:
        client.cancel_upload(uploads.opened(customer_list(uploads.folder)))
    (asked,) = uploads.spotify.storage_calls
    assert (asked.method, str(asked.url), asked.headers["content-length"]) == ("DELETE", SESSION, "0")
    assert "authorization" not in asked.headers


def test_s04_session_that_is_given_up_is_checked_like_any_address(uploads: Uploads):
    hostile = uploads.opened(customer_list(uploads.folder), uri=Secret("https://example.com/CANARY"))
    refused = pytest.raises(UploadRefused, match="The upload session leads to https://example")
    with uploads.spotify.open(uploads.store, uploads.clock) as client, refused:
        client.cancel_upload(hostile)
    assert uploads.spotify.asked == []


def test_s04_renewed_url_is_checked_like_the_first(uploads: Uploads):
    hostile = UploadTicket(audience_id=AUDIENCE, url=Secret("https://example.com/o"))
    with pytest.raises(UploadRefused, match="not an allowed upload host"):
        uploads.send(httpx.Response(403), renew=lambda: hostile, ticket=TICKET)
    assert len(uploads.spotify.storage_calls) == 1


@pytest.mark.parametrize("at", ["start", "chunk"])
def test_f31_certificate_that_is_not_valid_is_fatal_and_not_repeated(uploads: Uploads, at: str):
    def refuse() -> httpx.ConnectError:
        error, cause = httpx.ConnectError(SESSION), ssl.SSLCertVerificationError()
        cause.verify_code = 10  # expired
        error.__cause__ = cause
        return error

    answers = {"start": [refuse()], "chunk": [STARTED, ack(CHUNK), refuse()]}[at]
    with pytest.raises(UntrustedServer):
        uploads.send(*answers, **IN_CHUNKS)
    assert uploads.spotify.storage == []
    assert uploads.clock.slept == []
