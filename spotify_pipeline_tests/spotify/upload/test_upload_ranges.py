from __future__ import annotations

import random

import pytest

from spotify_pipeline.spotify import SpotifyError, UploadDataLoss
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload.responses import MalformedRange, next_offset
from spotify_pipeline.spotify.upload.state_machine import AskStatus, Pause, ResumableUpload, SendRange, Step
from spotify_pipeline_tests.examples import in_test_rest
from spotify_pipeline_tests.spotify.storage_model import SESSION_URI

_SIZE, _CHUNK = 1 << 30, 1 << 23
_STARTED = Response(201, {"location": SESSION_URI}, b"")
_PIECES = [
    "bytes", "items", "Bytes", "=", "==", "=0-", "0", "-", "--", ",", ", ", " ", "\t", ";", "+", "_", "1", "9", "42",
    "262143", "8388607", "8388608", "1073741823", "1073741824", "9" * 18, "9" * 400, "0x10", "1e3", "\u0663", "\uff11",
    "*", "/", "*/1", "abc", "\x00", "\xa0", "é", "-1", "0-0", "bytes=0-", "bytes=0-8388607", "bytes=0-4194303",
]  # fmt: skip


def headers(count: int) -> list[str]:
    dice = random.Random(23)
    return ["".join(dice.choices(_PIECES, k=dice.randint(0, 5))) for _ in range(count)]


def well_formed(header: str) -> int | None:
    """The offset by a reading of its own: the prefix, then plain digits without a leading zero, at most 18."""
    digits = header.strip(" \t").removeprefix("bytes=0-")
    plain = header.strip(" \t").startswith("bytes=0-") and 0 < len(digits) <= 18 and set(digits) <= set("0123456789")
    return int(digits) + 1 if plain and str(int(digits)) == digits else None


def after(header: str) -> Step | SpotifyError:
    upload = ResumableUpload(size=_SIZE, crc32c="AAAAAA==", chunk_bytes=_CHUNK)
    upload.on_response(_STARTED)
    upload.on_done()
    try:
        upload.on_response(Response(308, {"range": header}, b""), taken=_CHUNK)
    except SpotifyError as error:
        return error
    return upload.step


@pytest.mark.parametrize("count", [10_000, in_test_rest(100_000)])
def test_u23_no_range_header_of_thousands_makes_a_wrong_offset_or_an_untyped_error(count: int):
    offsets = 0
    for header in headers(count):
        expected, outcome = well_formed(header), after(header)
        if expected is None:
            assert outcome == AskStatus(may_finish=False), header
        elif expected > _CHUNK:
            assert isinstance(outcome, UploadDataLoss), header
        else:
            assert isinstance(outcome, SendRange | Pause), header
            assert outcome == SendRange(expected, min(_SIZE, expected + _CHUNK), final=False), header
            offsets += 1
    assert offsets > 50  # the headers are not all nonsense


def test_u23_offsets_are_read_as_google_writes_them():
    def read(header: str | None) -> int | None:
        return next_offset(Response(308, {} if header is None else {"range": header}, b""))

    assert [read("bytes=0-0"), read("bytes=0-262143"), read(None)] == [1, 262_144, None]
    for malformed in ("", "bytes=5-9", "0-abc", "bytes=0-9, bytes=0-99", "bytes=0-007", "bytes 0-9/10", "0-262143"):
        try:
            offset = read(malformed)
        except MalformedRange:
            continue
        raise AssertionError(f"{malformed} was read as {offset}")
