from __future__ import annotations

import io
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from spotify_pipeline.spotify import CallRecord, Secret, SpotifyAdsClient, TokenStore, UploadRefused, UploadTicket
from spotify_pipeline.spotify.upload.source_file import SourceFile, open_source_file
from spotify_pipeline.spotify_limits import LARGEST_FILE
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, settings
from spotify_pipeline_tests.spotify.socket_storage import socket_storage
from spotify_pipeline_tests.spotify.uploads import (
    HEADER,
    MIB,
    ROW,
    STARTED,
    TICKET,
    Uploads,
    ack,
    crc32c,
    crc32c_of,
    customer_list,
    done,
)


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
        stream.truncate(LARGEST_FILE + 1)  # sparse
    with pytest.raises(UploadRefused, match=r"1073741825 bytes.*1073741824"):
        uploads.send(file=file, crc32c="AAAAAA==", md5=None)
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


def test_f28_disk_that_fails_while_it_is_read_breaks_the_upload_off():
    class FailingDisk(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= MIB:
                raise OSError(5, "Input/output error", "/secret/path")
            return super().read(size)

    outgoing = SourceFile(FailingDisk(ROW * 50_000), size=len(ROW) * 50_000, crc32c="AAAAAA==")
    with pytest.raises(UploadRefused, match="could not be read to its end") as caught:
        list(outgoing.blocks(0, outgoing.size))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_f28_disk_that_fails_at_any_read_of_the_file_is_an_error_of_ours(failing: int):
    class FailingDisk(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads == failing:
                raise OSError(5, "Input/output error", "/secret/path")
            return super().read(size)

    content = ROW * 5_000  # two blocks, then what may lie beyond them
    outgoing = SourceFile(FailingDisk(content), size=len(content), crc32c=crc32c(content))
    with pytest.raises(UploadRefused, match="could not be read to its end"):
        list(outgoing.blocks(0, outgoing.size))


def test_f28_disk_that_fails_at_the_first_read_is_an_error_of_ours(tmp_path: Path):
    memory = Path("/proc/self/mem")  # opens, and cannot be read at its first byte
    if not memory.exists():
        pytest.skip("this system has no file that opens and cannot be read")
    with (
        pytest.raises(UploadRefused, match="could not be read to its end"),
        open_source_file(memory, size=0, crc32c=""),
    ):
        pass


def test_ranges_are_given_as_they_are_and_any_number_of_times(tmp_path: Path):
    file = customer_list(tmp_path, 3 * MIB + 17)
    content = file.read_bytes()
    with open_source_file(file, size=len(content), crc32c=crc32c_of(file)) as outgoing:
        for first, end in [(MIB + 5, 2 * MIB), (0, MIB), (7, 8), (MIB, len(content)), (3 * MIB + 16, len(content))]:
            assert b"".join(outgoing.blocks(first, end)) == content[first:end]


@pytest.mark.parametrize("changed", [5, MIB - 1])
def test_u18_range_that_is_read_again_must_be_the_same(changed: int):
    content = bytearray(ROW * 50_000)
    stream = io.BytesIO(content)
    outgoing = SourceFile(stream, size=len(content), crc32c=crc32c(bytes(content)))
    assert b"".join(outgoing.blocks(0, MIB)) == content[:MIB]
    stream.getbuffer()[changed] ^= 1
    with pytest.raises(UploadRefused, match="not the file that was built"):
        list(outgoing.blocks(0, MIB))


def test_u18_last_block_is_not_given_of_a_file_that_changed_before_it_was_read():
    content = bytearray(ROW * 50_000)
    stream = io.BytesIO(content)
    outgoing = SourceFile(stream, size=len(content), crc32c=crc32c(bytes(content)))
    stream.getbuffer()[2 * MIB] ^= 1
    given: list[int] = []
    blocks = map(len, outgoing.blocks(0, len(content)))
    with pytest.raises(UploadRefused, match="not the file that was built"):
        given.extend(blocks)
    assert 2 * MIB < sum(given) < len(content)


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


def replace(file: Path) -> None:
    other = file.with_name("other.csv")
    other.write_bytes(file.read_bytes())
    other.replace(file)


@pytest.mark.parametrize("chunk", [None, 8 * MIB], ids=["whole", "8 MiB"])
@pytest.mark.parametrize("change", [flip_last, grow, shrink, replace, Path.unlink])
def test_u18_file_changed_while_it_is_sent_never_arrives_whole(
    store: TokenStore, tmp_path: Path, change: Callable[[Path], None], chunk: int | None
):
    file = customer_list(tmp_path, 24 * MIB)  # more than the sockets' buffers hold, so that the change comes in time
    size, crc32c = file.stat().st_size, crc32c_of(file)
    changed = threading.Event()

    def on_body(count: int) -> None:
        if count and not changed.is_set():
            change(file)
            changed.set()

    with socket_storage(on_body) as storage:
        chosen = settings(upload_hosts=(storage.host,), upload_chunk_bytes=chunk)
        ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{storage.host}/signed"))
        refused = pytest.raises(UploadRefused, match="not the file that was built")
        with SpotifyAdsClient.open(chosen, store) as client, refused:
            client.upload(ticket, file, size=size, crc32c=crc32c)
        assert storage.ended.wait(5)
    assert changed.is_set()
    assert sum(storage.received) < size


@pytest.mark.parametrize("change", [flip_last, grow, shrink, replace, Path.unlink])
def test_u18_file_changed_between_two_requests_gets_no_further_request(
    uploads: Uploads, change: Callable[[Path], None]
):
    file = customer_list(uploads.folder)
    chosen = settings(upload_chunk_bytes=262_144)
    size, crc32c = file.stat().st_size, crc32c_of(file)

    def observer(call: CallRecord) -> None:
        if call.status == 308:
            change(file)

    with pytest.raises(UploadRefused, match="not the file that was built"):
        uploads.send(STARTED, ack(262_144), file=file, size=size, crc32c=crc32c, settings=chosen, observer=observer)
    assert uploads.ranges == [f"bytes 0-262143/{size}"]


def test_u18_small_file_that_changed_sends_not_one_byte(uploads: Uploads):
    file = customer_list(uploads.folder, 1000)
    before = crc32c_of(file)
    flip_last(file)
    with pytest.raises(UploadRefused, match="not the file that was built"):
        uploads.send(STARTED, done(), file=file, crc32c=before)
    assert len(uploads.spotify.bodies) == 1  # the start's; the PUT's body was never complete


@pytest.mark.parametrize("chunk", [None, 8 * MIB], ids=["whole", "8 MiB"])
def test_u20_file_over_a_real_connection_with_little_memory(store: TokenStore, tmp_path: Path, chunk: int | None):
    file = customer_list(tmp_path, 64 * MIB)
    size, crc32c = file.stat().st_size, crc32c_of(file)
    with socket_storage() as storage:
        chosen = settings(upload_hosts=(storage.host,), upload_chunk_bytes=chunk)
        ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{storage.host}/signed"))
        with SpotifyAdsClient.open(chosen, store) as client:
            tracemalloc.start()
            try:
                proof = client.upload(ticket, file, size=size, crc32c=crc32c)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
    assert sum(storage.received) == size
    assert len(storage.received) == (1 if chunk is None else 8)
    assert (proof.bytes, proof.crc32c, proof.verified) == (size, crc32c, False)  # a length, no hash
    assert peak < 8 * MIB
