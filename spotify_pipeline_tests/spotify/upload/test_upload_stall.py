"""A storage that stops reading or answers too soon, over real connections with short timeouts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from spotify_pipeline.spotify import CallRecord, Secret, UploadIncomplete, UploadProof, UploadRefused, UploadTicket
from spotify_pipeline.spotify.transport import STORAGE, HttpClient
from spotify_pipeline.spotify.upload.service import Uploader
from spotify_pipeline.spotify.upload_hosts import UploadHosts
from spotify_pipeline_tests.spotify.scripted import AUDIENCE
from spotify_pipeline_tests.spotify.socket_storage import socket_storage
from spotify_pipeline_tests.spotify.uploads import MIB, crc32c_of, customer_list

SIZE = 24 * MIB  # more than the sockets' buffers hold


def send(
    host: str,
    file: Path,
    *,
    chunk: int | None,
    timeout: float = 1.0,
    observer: Callable[[CallRecord], None] | None = None,
) -> UploadProof:
    transport = httpx.HTTPTransport(verify=False)
    with HttpClient(
        replace(STORAGE, read_seconds=timeout, write_seconds=timeout), transport=transport, observer=observer
    ) as http:
        uploader = Uploader(http, UploadHosts((host,)), chunk_bytes=chunk, sleep=lambda _: None)
        ticket = UploadTicket(audience_id=AUDIENCE, url=Secret(f"http://{host}/signed"))
        return uploader.upload(ticket, file, size=file.stat().st_size, crc32c=crc32c_of(file))


@pytest.mark.e2e
@pytest.mark.parametrize("chunk", [None, 8 * MIB], ids=["whole", "8 MiB"])
def test_u16_storage_that_stops_reading_is_left_within_the_timeout_and_resumed(tmp_path: Path, chunk: int | None):
    file = customer_list(tmp_path, SIZE)
    records: list[CallRecord] = []
    with socket_storage(stall_after=MIB) as storage:
        proof = send(storage.host, file, chunk=chunk, observer=records.append)
    assert storage.stored == SIZE
    assert proof.bytes == SIZE
    assert [record.status for record in records[:4]] == [201, None, 308, 200 if chunk is None else 308]
    in_vain = proof.bytes_sent - SIZE
    assert 0 < in_vain <= (chunk or SIZE) - MIB


@contextmanager
def answering(answer: bytes, *, close: bool) -> Iterator[str]:
    """A server that answers a PUT as soon as its head has come, reads no body, and closes or keeps the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            kept.append(connection)
            head = connection.recv(65_536)
            if head.startswith(b"POST"):
                location = f"Location: http://{host}/session\r\n".encode()
                connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n" + location)
                connection.sendall(b"\r\n")
                connection.close()
            else:
                connection.sendall(answer)
                if close:
                    connection.shutdown(socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield host
    finally:
        listener.close()
        for connection in kept:
            connection.close()


@pytest.mark.e2e
@pytest.mark.parametrize("close", [True, False], ids=["closes", "keeps the connection open"])
def test_storage_that_answers_before_it_has_read_is_no_hang_and_no_success(tmp_path: Path, close: bool):
    file = customer_list(tmp_path, SIZE)
    for answer in (b"503 Service Unavailable", b"200 OK"):
        head = b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n"
        with answering(head, close=close) as host, pytest.raises((UploadIncomplete, UploadRefused)):
            send(host, file, chunk=8 * MIB, timeout=0.1)
