"""The state machine's steps, fault by fault, without HTTP."""

from __future__ import annotations

import pytest

from spotify_pipeline.retries import UPLOAD_ODDITIES, UPLOAD_REQUEST
from spotify_pipeline.spotify import SpotifyUnavailable, UploadDataLoss, UploadIncomplete, UploadRefused
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload.state_machine import (
    AskStatus,
    Finished,
    Pause,
    RenewalReason,
    RenewUrl,
    ResumableUpload,
    SendRange,
    Start,
    UseSession,
)
from spotify_pipeline_tests.spotify.storage_model import SESSION_URI, resume

SIZE, CHUNK, CRC32C = 100, 40, "4waSgw=="
STARTED = Response(201, {"location": SESSION_URI}, b"")
DONE = Response(200, {"x-goog-hash": f"crc32c={CRC32C}", "etag": '"e"'}, b"")


def machine(*, chunk: int | None = CHUNK, resumes: bool = False) -> ResumableUpload:
    return ResumableUpload(size=SIZE, crc32c=CRC32C, chunk_bytes=chunk, resumes=resumes)


def under_way(sent: int = 0, *, chunk: int | None = CHUNK) -> ResumableUpload:
    """An upload with a session, of which ``sent`` bytes were acknowledged."""
    upload = machine(chunk=chunk)
    upload.on_response(STARTED)
    upload.on_done()
    while upload.acknowledged < sent:
        step = upload.step
        assert isinstance(step, SendRange)
        upload.on_response(resume(step.end), taken=step.end - step.first)
    return upload


def send(upload: ResumableUpload, answer: Response | None) -> None:
    """Hand the whole range over, and give this answer or none."""
    step = upload.step
    assert isinstance(step, SendRange)
    if answer is None:
        upload.on_no_response("The upload storage did not respond in time.", taken=step.end - step.first)
    else:
        upload.on_response(answer, taken=step.end - step.first)


def asks_after_a_pause(upload: ResumableUpload) -> AskStatus:
    assert isinstance(upload.step, Pause)
    upload.on_done()
    assert isinstance(upload.step, AskStatus)
    return upload.step


def sends_after_a_pause(upload: ResumableUpload) -> SendRange:
    assert isinstance(upload.step, Pause)
    upload.on_done()
    assert isinstance(upload.step, SendRange)
    return upload.step


def test_chunks_follow_what_the_storage_acknowledges():
    upload = machine()
    assert upload.step == Start()
    upload.on_response(STARTED)
    assert isinstance(upload.step, UseSession)
    assert upload.step.location.reveal() == SESSION_URI
    upload.on_done()
    ranges = []
    for stored in (40, 80):
        ranges.append(upload.step)
        send(upload, resume(stored))
    ranges.append(upload.step)
    send(upload, DONE)
    assert ranges == [SendRange(0, 40, False), SendRange(40, 80, False), SendRange(80, 100, True)]
    assert upload.step == Finished(md5=None, verified=True, etag="e")


def test_whole_file_is_one_range_and_what_is_left_after_a_fault_another():
    upload = under_way(chunk=None)
    assert upload.step == SendRange(0, 100, True)
    send(upload, None)
    assert asks_after_a_pause(upload).may_finish
    upload.on_response(resume(60))
    assert upload.step == SendRange(60, 100, True)


def test_u04_308_without_range_is_asked_about_and_then_means_nothing_stored():
    upload = under_way(40)
    send(upload, resume(0))
    assert upload.step == AskStatus(may_finish=False)
    upload.on_response(resume(80))
    assert upload.step == SendRange(80, 100, True)
    upload = under_way(40)
    send(upload, resume(0))
    upload.on_response(resume(0))
    assert sends_after_a_pause(upload) == SendRange(0, 40, False)


def test_u05_next_range_begins_at_the_acknowledged_byte():
    upload = under_way(40)
    send(upload, resume(60))
    assert upload.step == SendRange(60, 100, True)


def test_u06_more_than_was_sent_is_a_data_loss():
    upload = under_way(40)
    with pytest.raises(UploadDataLoss, match="to hold more") as caught:
        send(upload, resume(81))
    assert caught.value.suspect
    upload = under_way(40)
    send(upload, None)
    asks_after_a_pause(upload)
    upload.on_response(resume(80))  # it arrived whole, though it was not answered
    upload.on_no_response("The upload storage did not respond in time.", taken=3)
    asks_after_a_pause(upload)
    with pytest.raises(UploadDataLoss, match="to hold more"):
        upload.on_response(resume(84))


def test_u07_each_rewind_goes_to_the_storages_offset_and_the_fourth_ends_it():
    upload = under_way(80)
    for _ in range(3):
        send(upload, Response(503, {"content-type": "text/plain"}, b"exceeds already uploaded size of 40 byte(s)."))
        asks_after_a_pause(upload)
        upload.on_response(resume(40))
        assert upload.step == SendRange(40, 80, False)
        send(upload, resume(80))
    send(upload, Response(503, {}, b""))
    asks_after_a_pause(upload)
    with pytest.raises(UploadIncomplete, match=r"lost parts .* 4 times"):
        upload.on_response(resume(40))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_f05_f10_transient_error_is_a_pause_then_the_question(status: int):
    answer = Response(status, {"retry-after": "7"}, b"")
    upload = under_way(80)
    send(upload, answer)
    assert upload.step == Pause(1, answer, AskStatus(may_finish=True))
    asks_after_a_pause(upload)
    upload.on_response(DONE)
    assert isinstance(upload.step, Finished)


def test_many_faults_without_a_new_byte_end_it_and_a_new_byte_starts_the_count_again():
    upload = under_way()
    for _ in range(3):
        send(upload, None)
        for _ in range(UPLOAD_REQUEST.tries - 2):
            asks_after_a_pause(upload)
            upload.on_no_response("The upload storage could not be reached: no connection.")
        asks_after_a_pause(upload)
        upload.on_response(resume(upload.acknowledged + 10))
    for _ in range(UPLOAD_REQUEST.tries - 1):
        send(upload, Response(503, {}, b""))
        asks_after_a_pause(upload)
        upload.on_response(resume(30))
    with pytest.raises(
        UploadIncomplete, match=r"made no progress in 25 tries in a row; the last: status 503\."
    ) as caught:
        send(upload, Response(503, {}, b""))
    assert not caught.value.may_have_happened  # the last byte was never sent


def test_storage_that_acknowledges_no_more_than_before_is_given_up_after_pauses():
    upload = under_way(40)
    for _ in range(UPLOAD_ODDITIES.tries - 1):
        send(upload, resume(40))
        assert isinstance(upload.step, Pause)
        upload.on_done()
        assert upload.step == SendRange(40, 80, False)
    with pytest.raises(UploadIncomplete, match=r"the last: status 308\."):
        send(upload, resume(40))


def test_f23_unreadable_range_is_asked_about_each_time_it_was_understood_in_between():
    upload = under_way()
    for stored in (20, 40, 60):
        send(upload, Response(308, {"range": "bytes=5-9"}, b""))
        assert isinstance(upload.step, AskStatus)
        upload.on_response(resume(stored))
    assert upload.step == SendRange(60, 100, True)


def test_storage_that_has_every_byte_and_does_not_finish_is_asked_and_given_up():
    upload = under_way(80)
    send(upload, resume(100))
    for _ in range(UPLOAD_ODDITIES.tries - 2):
        asks_after_a_pause(upload)
        upload.on_response(resume(100))
    asks_after_a_pause(upload)
    with pytest.raises(UploadIncomplete) as caught:
        upload.on_response(resume(100))
    assert caught.value.may_have_happened


def test_u10_success_before_the_last_byte_is_a_data_loss_whatever_it_states():
    for answer in (DONE, Response(200, {}, b""), Response(201, {"x-goog-stored-content-length": "100"}, b"{}")):
        with pytest.raises(UploadDataLoss, match="before all of it was sent") as caught:
            send(under_way(40), answer)
        assert caught.value.may_have_happened


def test_f32_page_in_place_of_an_answer_is_asked_about_once_then_fails():
    page = Response(200, {"content-type": "text/html; charset=utf-8"}, b"<p>Sign in</p>")
    upload = under_way(40)
    send(upload, page)
    assert upload.step == AskStatus(may_finish=False)
    upload.on_response(resume(40))  # it was gone with the next request
    assert sends_after_a_pause(upload) == SendRange(40, 80, False)
    send(upload, page)
    with pytest.raises(UploadIncomplete, match="Something other than the storage responds") as caught:
        upload.on_response(page)
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("status", [404, 410, 499])
def test_u12_gone_session_begins_again_from_the_first_byte_twice(status: int):
    upload = under_way(40)
    for _ in range(2):
        send(upload, Response(status, {}, b""))
        assert isinstance(upload.step, RenewUrl)
        assert upload.step.reason is RenewalReason.SESSION_GONE
        upload.on_done()
        assert upload.step == Start()
        upload.on_response(STARTED)
        upload.on_done()
        assert upload.step == SendRange(0, 40, False)
        send(upload, resume(40))
    with pytest.raises(UploadIncomplete, match=f"session is gone: status {status}"):
        send(upload, Response(status, {}, b""))


def test_u11_wrong_checksum_is_sent_again_once_and_stays_the_error_whatever_comes_after():
    wrong = Response(200, {"x-goog-hash": "crc32c=AAAAAA=="}, b"")
    upload = under_way(80)
    send(upload, wrong)
    assert isinstance(upload.step, RenewUrl)
    assert upload.step.reason is RenewalReason.OTHER_BYTES
    upload.on_done()
    for _ in range(UPLOAD_REQUEST.tries - 1):
        upload.on_no_response("The upload storage could not be reached: no connection.")
        upload.on_done()
    with pytest.raises(UploadDataLoss, match="checksums differ") as caught:
        upload.on_no_response("The upload storage could not be reached: no connection.")
    assert caught.value.may_have_happened
    assert caught.value.suspect


def test_f26_bad_digest_is_sent_again_once():
    bad = Response(400, {}, b"<Error><Code>BadDigest</Code></Error>")
    upload = under_way(80)
    send(upload, bad)
    assert isinstance(upload.step, RenewUrl)
    upload.on_done()
    upload.on_response(STARTED)
    upload.on_done()
    with pytest.raises(UploadDataLoss, match="on its way"):
        send(upload, bad)


def test_u03_refused_url_is_renewed_once():
    upload = machine()
    upload.on_response(Response(403, {}, b"<Code>ExpiredToken</Code>"))
    assert isinstance(upload.step, RenewUrl)
    assert upload.step.reason is RenewalReason.URL_REFUSED
    upload.on_done()
    with pytest.raises(UploadRefused, match=r"status 403 \(ExpiredToken\)"):
        upload.on_response(Response(403, {}, b"<Code>ExpiredToken</Code>"))


def test_u01_start_is_tried_as_often_as_outlasts_an_outage():
    upload = machine()
    for _ in range(UPLOAD_REQUEST.tries - 1):
        upload.on_response(Response(429, {}, b""))
        upload.on_done()
    with pytest.raises(SpotifyUnavailable, match="started in 25 tries in a row; the last: status 429") as caught:
        upload.on_response(Response(429, {}, b""))
    assert not caught.value.may_have_happened


def test_resumed_upload_asks_first_and_takes_any_offset_of_the_file():
    for stored in (0, 40, 57, 99):
        upload = machine(resumes=True)
        assert upload.step == AskStatus(may_finish=True)
        upload.on_response(resume(stored))
        assert upload.step == SendRange(stored, min(100, stored + 40), stored >= 60)
    finished = machine(resumes=True)
    finished.on_response(DONE)
    assert isinstance(finished.step, Finished)
    with pytest.raises(UploadDataLoss):
        machine(resumes=True).on_response(resume(101))


def test_steps_show_neither_a_session_nor_what_an_answer_holds():
    upload = machine()
    upload.on_response(Response(201, {"location": "https://example.com/CANARY"}, b"CANARY"))
    assert "CANARY" not in repr(upload.step)
    upload = under_way()
    send(upload, Response(503, {"x": "CANARY"}, b"CANARY"))
    assert "CANARY" not in repr(upload.step)


def test_u04_a_308_without_progress_is_paused_between_tries_and_ends():
    upload = under_way(40)
    for tries in range(1, UPLOAD_ODDITIES.tries):
        send(upload, resume(0))
        upload.on_response(resume(0))
        assert isinstance(upload.step, Pause)
        assert upload.step.faults == tries
        sends_after_a_pause(upload)
    with pytest.raises(UploadIncomplete):
        send(upload, resume(0))
