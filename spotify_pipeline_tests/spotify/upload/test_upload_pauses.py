"""How long an upload waits, and how long it may take."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest

from spotify_pipeline.spotify import SpotifyUnavailable, UploadIncomplete, UploadProgress, UploadProof
from spotify_pipeline.spotify.transport import STORAGE, HttpClient
from spotify_pipeline.spotify.upload.service import Uploader
from spotify_pipeline.spotify.upload_hosts import GOOGLE_STORAGE, UploadHosts
from spotify_pipeline_tests.spotify.scripted import SESSION, Clock
from spotify_pipeline_tests.spotify.uploads import MIB, STARTED, TICKET, Uploads, ack, crc32c_of, customer_list, done

CHUNK = 262_144
HOUR = 3600.0


@pytest.fixture
def monotonic() -> Clock:
    """Seconds that pass by sleeping; its ``now`` is of no calendar."""
    return Clock(now=0.0)


def send(
    file: Path,
    answers: Iterator[httpx.Response | Exception | Callable[[], httpx.Response]],
    monotonic: Clock,
    *,
    dice: float = 1.0,
    wall: Callable[[], float] = lambda: 1_800_000_000.0,
    chunk: int | None = CHUNK,
    time_limit: float = 6 * HOUR,
    on_progress: Callable[[UploadProgress], None] | None = None,
) -> UploadProof:
    """One upload in which time passes only by sleeping, or by what an answer of the script does."""

    def answer(request: httpx.Request) -> httpx.Response:
        given_answer = next(answers)
        if isinstance(given_answer, Exception):
            raise given_answer
        return given_answer if isinstance(given_answer, httpx.Response) else given_answer()

    http = HttpClient(STORAGE, transport=httpx.MockTransport(answer), clock=monotonic)
    uploader = Uploader(
        http,
        UploadHosts(GOOGLE_STORAGE),
        chunk_bytes=chunk,
        clock=wall,
        monotonic=monotonic,
        sleep=monotonic.sleep,
        random=lambda: dice,
        time_limit=time_limit,
    )
    with http:
        given = {"size": file.stat().st_size, "crc32c": crc32c_of(file)}
        return uploader.upload(TICKET, file, **given, on_progress=on_progress)


def forever(answer: httpx.Response | Exception) -> Iterator[Any]:
    while True:
        yield answer


@pytest.mark.parametrize("at", ["start", "chunk", "question"])
def test_u13_storage_that_asks_for_seven_seconds_gets_no_request_before(uploads: Uploads, at: str):
    file = customer_list(uploads.folder, CHUNK)
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    rest = {
        "start": [busy, STARTED, done(file.read_bytes())],
        "chunk": [STARTED, busy, ack(0), done(file.read_bytes())],
        "question": [STARTED, httpx.ReadError(SESSION), busy, done(file.read_bytes())],
    }
    seen: list[tuple[int | None, float]] = []
    uploads.send(*rest[at], file=file, observer=lambda call: seen.append((call.status, uploads.clock.now)))
    refused = [status for status, _ in seen].index(429)
    assert seen[refused + 1][1] - seen[refused][1] >= 7
    assert len(seen) == len(rest[at])


def test_u13_retry_after_may_be_a_date(uploads: Uploads):
    file = customer_list(uploads.folder, CHUNK)
    busy = httpx.Response(503, headers={"Retry-After": formatdate(uploads.clock.now + 20, usegmt=True)})
    uploads.send(STARTED, busy, ack(0), done(file.read_bytes()), file=file)
    assert 19 <= uploads.clock.slept[0] <= 22


def test_pauses_double_up_to_64_seconds_with_jitter_over_the_upper_half(tmp_path: Path, monotonic: Clock):
    file = customer_list(tmp_path, CHUNK)
    with pytest.raises(SpotifyUnavailable):
        send(file, forever(httpx.Response(503)), monotonic)
    assert monotonic.slept == [1, 2, 4, 8, 16, 32, *[64] * 18]
    monotonic.slept.clear()
    with pytest.raises(SpotifyUnavailable):
        send(file, forever(httpx.Response(503)), monotonic, dice=0.0)
    assert monotonic.slept == [0.5, 1, 2, 4, 8, 16, *[32] * 18]


@pytest.mark.parametrize("dice", [0.0, 1.0])
@pytest.mark.parametrize("begun", [False, True], ids=["before the start", "after it"])
@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError(SESSION), httpx.Response(503), httpx.Response(503, headers={"Retry-After": "1"})],
    ids=["no network", "503", "503 that asks for a second"],
)
def test_f31_outage_of_ten_minutes_is_outlasted(tmp_path: Path, monotonic: Clock, fault: Any, begun: bool, dice: float):
    file = customer_list(tmp_path, CHUNK)

    def answers() -> Iterator[Any]:
        if begun:
            yield STARTED
        while monotonic.now < 600:
            yield fault
        yield ack(0) if begun else STARTED
        yield done(file.read_bytes())

    assert send(file, answers(), monotonic, dice=dice).verified
    assert monotonic.now < 700


def test_storage_that_is_there_and_takes_no_byte_is_given_up_sooner_than_one_that_is_away(
    tmp_path: Path, monotonic: Clock
):
    nothing_taken = iter([STARTED, *[ack(100)] * 30])
    with pytest.raises(UploadIncomplete, match="made no progress in 8 tries in a row, though the storage responds"):
        send(customer_list(tmp_path, 2 * CHUNK), nothing_taken, monotonic)
    assert monotonic.now < 200


def test_u16_total_limit_holds_for_an_upload_that_always_gets_a_little_further(tmp_path: Path, monotonic: Clock):
    file = customer_list(tmp_path, CHUNK)

    def answers() -> Iterator[Any]:
        yield STARTED
        stored = 0
        while True:
            yield httpx.Response(503, headers={"Retry-After": "60"})
            stored += 10
            yield ack(stored)

    with pytest.raises(UploadIncomplete, match="limit of 6 hours"):
        send(file, answers(), monotonic)
    assert 5.9 * HOUR < monotonic.now <= 6 * HOUR


def test_u16_pause_that_would_pass_the_limit_is_not_begun(tmp_path: Path, monotonic: Clock):
    file = customer_list(tmp_path, CHUNK)
    busy = httpx.Response(503, headers={"Retry-After": "50"})
    with pytest.raises(UploadIncomplete, match=r"limit of 0\.01 hours"):
        send(file, iter([STARTED, busy, busy]), monotonic, time_limit=36.0)
    assert monotonic.slept == []


def test_u16_limit_holds_while_a_range_is_being_sent(tmp_path: Path, monotonic: Clock):
    told: list[float] = []

    def slow(_: UploadProgress) -> None:
        told.append(monotonic.now)
        monotonic.now += 2 * HOUR

    with pytest.raises(UploadIncomplete, match="limit of 6 hours"):
        send(
            customer_list(tmp_path, 10 * MIB),
            iter([STARTED]),
            monotonic,
            chunk=None,
            on_progress=slow,
        )
    assert told == [0, 2 * HOUR, 4 * HOUR, 6 * HOUR]


def test_u16_nothing_is_asked_after_the_limit(tmp_path: Path, monotonic: Clock):
    def slow_answer() -> httpx.Response:
        monotonic.now += 7 * HOUR
        return ack(0)

    answers = iter([STARTED, slow_answer])  # and no more, so another request would fail
    with pytest.raises(UploadIncomplete, match="limit of 6 hours"):
        send(customer_list(tmp_path, 2 * CHUNK), answers, monotonic)


def test_f30_clock_that_jumps_eight_hours_changes_nothing(tmp_path: Path, monotonic: Clock):
    file = customer_list(tmp_path, 2 * CHUNK)
    wall = iter([1_800_000_000.0, *[1_800_000_000.0 + 8 * HOUR] * 9])
    asleep = httpx.ReadError(SESSION)
    answers = iter([STARTED, ack(CHUNK), asleep, httpx.ConnectError(SESSION), ack(CHUNK), done(file.read_bytes())])
    assert send(file, answers, monotonic, wall=lambda: next(wall)).verified
    assert monotonic.now < 60


def test_pauses_of_two_clients_differ(tmp_path: Path):
    slept = []
    for seed in (1, 2):
        monotonic, dice = Clock(now=0.0), random.Random(seed)
        with pytest.raises(SpotifyUnavailable):
            send(customer_list(tmp_path, CHUNK), forever(httpx.Response(503)), monotonic, dice=dice.random())
        slept.append(monotonic.slept)
    assert slept[0] != slept[1]
