"""The length that the storage states of a finished object, as headers come in practice."""

from __future__ import annotations

import httpx
import pytest

from spotify_pipeline.spotify import UploadDataLoss, UploadIncomplete
from spotify_pipeline_tests.spotify.uploads import STARTED, Uploads, customer_list, done

SIZE = 1_000
LENGTH = "x-goog-stored-content-length"


@pytest.mark.parametrize("stated", ["1000", " 1000 ", "01000", "1000, 1000", "many", "", "-1", "1e3", "١٠٠٠".encode()])
def test_u09_length_that_is_right_or_cannot_be_read_does_not_speak_against_a_right_hash(
    uploads: Uploads, stated: str | bytes
):
    file = customer_list(uploads.folder, SIZE)
    hashes = done(file.read_bytes()).headers["x-goog-hash"]
    answer = httpx.Response(200, headers=[(b"x-goog-hash", hashes.encode()), (LENGTH.encode(), _bytes(stated))])
    assert uploads.send(STARTED, answer, file=file).verified


@pytest.mark.parametrize("stated", ["999", "0", "1000, 999", "many, 999"])
def test_u11_other_length_is_a_data_loss_whatever_the_hash(uploads: Uploads, stated: str):
    file = customer_list(uploads.folder, SIZE)
    answer = done(file.read_bytes(), x_goog_stored_content_length=stated)
    with pytest.raises(UploadDataLoss, match="another number of bytes"):
        uploads.send(STARTED, answer, file=file)


def test_u09_length_that_cannot_be_read_proves_nothing(uploads: Uploads):
    with pytest.raises(UploadIncomplete, match="neither a checksum nor a length"):
        uploads.send(STARTED, *[done(x_goog_stored_content_length="many")] * 2)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
