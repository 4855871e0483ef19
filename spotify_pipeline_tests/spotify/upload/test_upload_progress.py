from __future__ import annotations

from itertools import pairwise

import httpx
import pytest

from spotify_pipeline.spotify import UploadProgress
from spotify_pipeline.spotify.upload.driver import ProgressMeter
from spotify_pipeline_tests.spotify.scripted import SESSION, Clock, settings
from spotify_pipeline_tests.spotify.uploads import MIB, STARTED, Uploads, ack, customer_list, done

CHUNK = 262_144


@pytest.mark.parametrize("chunk", [None, 8 * MIB, CHUNK], ids=["whole", "8 MiB", "256 KiB"])
def test_progress_is_told_per_mebibyte_or_chunk_and_ends_at_the_size(uploads: Uploads, chunk: int | None):
    size = 4 * MIB + 100
    file = customer_list(uploads.folder, size)
    told: list[UploadProgress] = []
    answers = [ack(end) for end in range(chunk, size, chunk)] if chunk else []
    chosen = settings(upload_chunk_bytes=chunk)
    uploads.send(STARTED, *answers, done(file.read_bytes()), file=file, settings=chosen, on_progress=told.append)
    assert told[-1].stored == size
    assert {each.size for each in told} == {size}
    steps = [after.stored - before.stored for before, after in pairwise(told)]
    assert all(0 < step <= MIB for step in steps)
    assert len(told) == (17 if chunk == CHUNK else 5)


def test_progress_goes_back_to_what_the_storage_has_after_a_fault(uploads: Uploads):
    size = 3 * MIB
    file = customer_list(uploads.folder, size)
    told: list[UploadProgress] = []
    answers = [STARTED, httpx.Response(503), ack(MIB + CHUNK), done(file.read_bytes())]
    uploads.send(*answers, file=file, on_progress=told.append)
    assert [each.stored for each in told] == [MIB, 2 * MIB, 3 * MIB, 0, MIB + CHUNK, 2 * MIB + CHUNK, 3 * MIB]


def test_calls_that_a_hook_makes_are_its_own_and_are_logged(uploads: Uploads, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", logger="httpx")
    file = customer_list(uploads.folder, 2 * MIB)
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as own:
        uploads.send(
            STARTED, done(file.read_bytes()), file=file, on_progress=lambda _: own.get("https://watch.example.com/")
        )
    assert "https://watch.example.com/" in caplog.text
    assert "storage.googleapis.com" not in caplog.text


def test_resumed_upload_begins_where_the_storage_stands(uploads: Uploads):
    size = 3 * MIB
    file = customer_list(uploads.folder, size)
    told: list[UploadProgress] = []
    uploads.resume(uploads.opened(file), ack(2 * MIB), done(file.read_bytes()), file=file, on_progress=told.append)
    assert [each.stored for each in told] == [2 * MIB, 3 * MIB]


def test_rate_counts_what_went_over_the_wire_and_remaining_is_what_is_left_at_that_rate():
    clock = Clock(now=50.0)
    told: list[UploadProgress] = []
    meter = ProgressMeter(10 * MIB, clock, told.append)
    meter.stands_at(2 * MIB)  # of an earlier run
    clock.now += 4
    meter.bytes_sent += 2 * MIB
    meter.sending(4 * MIB)
    assert told == [
        UploadProgress(stored=2 * MIB, size=10 * MIB, seconds=0, rate=0, remaining=None),
        UploadProgress(stored=4 * MIB, size=10 * MIB, seconds=4, rate=MIB / 2, remaining=12),
    ]


def test_exception_of_who_is_told_stops_the_upload(uploads: Uploads):
    class Cancelled(Exception):
        pass

    def cancel(_: UploadProgress) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        uploads.send(STARTED, httpx.ReadError(SESSION), on_progress=cancel)
    assert len(uploads.spotify.storage_calls) == 1
