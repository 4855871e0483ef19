"""The sandbox as a process: it ends on a signal, and its memory does not grow with an upload."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, BASIC, START

COMMAND = """
import sys
from pathlib import Path
from spotify_pipeline.sandbox import serve
serve(0, Path(sys.argv[1]), announce=lambda url: print(url, flush=True))
"""
MEBIBYTE = 1 << 20


@contextmanager
def command(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``serve`` in a process of its own, and its URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    try:
        yield process, url
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_quietly_on_a_signal(tmp_path: Path, ending: signal.Signals) -> None:
    with command(tmp_path) as (process, url):
        assert httpx.get(f"{url}/", trust_env=False).status_code == 200
        process.send_signal(ending)
        out, err = process.communicate(timeout=15)
        assert (process.returncode, out, err) == (0, "", "")
    with SandboxServer(state_directory=tmp_path):
        pass


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads peak memory from /proc")
def test_u20_memory_does_not_grow_with_the_object(tmp_path: Path) -> None:
    """128 MiB without a line break, the worst case for a reader of lines."""
    size = 128 * MEBIBYTE

    def peak(process: subprocess.Popen[str]) -> int:
        status = Path(f"/proc/{process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]

    with command(tmp_path) as (process, url), httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
        form = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh-token"}
        token = http.post("/api/token", data=form, auth=BASIC).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        ticket = http.post(f"{AUDIENCES}/upload_url", headers=bearer).json()
        session = http.post(ticket["upload_url"], headers=START).headers["location"]
        before = peak(process)
        pieces = (bytes(MEBIBYTE) for _ in range(size // MEBIBYTE))
        stored = http.put(session, content=pieces)
        assert stored.headers["x-goog-stored-content-length"] == str(size)
        body = {"audience_type": "CUSTOM", "subtype": "CUSTOMER_LIST", "name": "Large", "audience_id": ticket["id"]}
        assert http.post(AUDIENCES, json=body, headers=bearer).status_code == 201
        known = http.get("/sandbox/audiences").json()["audiences"][0]["list"]
        assert known["layout"] == "unreadable"
        assert peak(process) - before < 64 * MEBIBYTE
