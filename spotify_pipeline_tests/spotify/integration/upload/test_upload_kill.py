"""An upload whose process is killed at any byte is finished by the next one."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.spotify import OpenUpload, Secret, UploadProof, UploadTicket
from spotify_pipeline.spotify.transport import STORAGE, HttpClient
from spotify_pipeline.spotify.upload.service import Uploader
from spotify_pipeline.spotify.upload_hosts import UploadHosts
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, Visitor
from spotify_pipeline_tests.spotify.cutting_proxy import CuttingProxy, cutting_proxy
from spotify_pipeline_tests.spotify.uploads import crc32c_of, customer_list

CHUNK = 262_144
SIZE = 4 * CHUNK + 100_001
HEADERS = 8 * 1024  # more than the requests of one upload have in theirs
TRIALS = 50
FORKS = multiprocessing.get_context("forkserver")  # a process of its own that has imported the client forks the trials
FORKS.set_forkserver_preload(["spotify_pipeline_tests.spotify.integration.upload.test_upload_kill"])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def proxy(sandbox: SandboxServer) -> Iterator[CuttingProxy]:
    with cutting_proxy(sandbox.port) as proxy:
        yield proxy


def connection() -> HttpClient:
    # No certificate is needed here, and loading the machine's takes longer than an upload.
    return HttpClient(STORAGE, transport=httpx.HTTPTransport(verify=False))


def uploader(host: str, http: HttpClient) -> Uploader:
    return Uploader(http, UploadHosts((host,)), chunk_bytes=CHUNK, random=lambda: 0.01)


def save(session: Path, opened: OpenUpload) -> None:
    content = {"uri": opened.uri.reveal(), "opened_at": opened.opened_at, "audience_id": opened.audience_id}
    session.write_text(json.dumps(content))


def first_run(host: str, url: str, file: Path, session: Path, armed: Any) -> None:
    """What is killed."""
    with connection() as http:
        armed.wait(30)
        ticket = UploadTicket(audience_id="a", url=Secret(url))
        given = {"size": SIZE, "crc32c": crc32c_of(file)}
        uploader(host, http).upload(ticket, file, **given, on_open=lambda opened: save(session, opened))


def second_run(host: str, url: str, file: Path, session: Path) -> UploadProof:
    given = {"size": SIZE, "crc32c": crc32c_of(file)}
    with connection() as http:
        if not session.exists():
            return uploader(host, http).upload(UploadTicket(audience_id="a", url=Secret(url)), file, **given)
        saved = json.loads(session.read_text())
        opened = OpenUpload(**{**saved, "uri": Secret(saved["uri"])}, **given)
        return uploader(host, http).resume(opened, file, **given)


@pytest.mark.e2e
def test_u17_upload_killed_at_any_byte_is_finished_by_the_next_run(
    sandbox: SandboxServer, proxy: CuttingProxy, tmp_path: Path
):
    file = customer_list(tmp_path, SIZE)
    visitor = Visitor(sandbox)
    dice = random.Random(17)
    resumed = 0
    for trial in range(TRIALS):
        through_proxy = {**visitor.bearer, "Host": proxy.host}  # the sandbox signs the host under which it is asked
        ticket = visitor.http.post(f"{AUDIENCES}/upload_url", headers=through_proxy).json()
        session = tmp_path / f"{trial}.json"
        killed, armed = threading.Event(), FORKS.Event()
        run = FORKS.Process(target=first_run, args=(proxy.host, ticket["upload_url"], file, session, armed))
        run.start()
        at = dice.randrange(1, SIZE)

        def kill(pid: int | None = run.pid, done: threading.Event = killed) -> None:
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            done.set()

        proxy.arm(at, kill)
        armed.set()
        assert killed.wait(30)
        run.join(30)
        assert run.exitcode == -signal.SIGKILL
        proof = second_run(proxy.host, ticket["upload_url"], file, session)
        assert proof.verified
        assert at + proof.bytes_sent <= SIZE + CHUNK + HEADERS  # no more than a chunk went twice
        [received] = sandbox.state.received_lists.of(ticket["id"])
        assert (received.size, received.sha256) == (SIZE, hashlib.sha256(file.read_bytes()).hexdigest())
        resumed += proof.bytes_sent < SIZE
    assert resumed > TRIALS // 2
