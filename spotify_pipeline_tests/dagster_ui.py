"""Dagster's web server, for tests in a browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx


@contextmanager
def web_server(bin_folder: Path, *definitions: str, environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """The web server of the environment whose programs are in ``bin_folder``, begun in ``folder``; its address.

    ``definitions`` are the options that name them, such as ``-m my_project.definitions``.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [str(bin_folder / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port), *definitions],
        env=dict(environment),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            assert process.poll() is None, "the web server ended"
            with suppress(httpx.TransportError):
                httpx.get(f"{url}/server_info", timeout=10)
                break
            time.sleep(0.5)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
