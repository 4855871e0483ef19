"""Starting and stopping: ports, and configurations that are not valid."""

from __future__ import annotations

import socket

import httpx
import pytest

from spotify_pipeline.sandbox import SandboxConfig, SandboxError, SandboxServer, serve
from spotify_pipeline_tests.sandbox.visitor import Visitor


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"^port {port} is in use[^.]*\\.$"):
            serve(port)
        with pytest.raises(SandboxError, match=f"port {port} is in use"), SandboxServer(port=port):
            pass


def test_no_port_at_all_is_said_plainly() -> None:
    with pytest.raises(SandboxError, match="Invalid port 70000"):
        serve(70_000)


@pytest.mark.e2e
def test_a_chosen_port_is_used_and_free_afterwards() -> None:
    with SandboxServer() as server:
        port = server.port
    for _ in range(2):
        with SandboxServer(port=port) as again:
            assert again.url == f"http://127.0.0.1:{port}"
            assert httpx.get(f"{again.url}/sandbox/clock", trust_env=False).status_code == 200
    with pytest.raises(SandboxError, match="not running"):
        _ = again.state


@pytest.mark.parametrize(
    "nonsense",
    [
        {"email_share": 1.5},
        {"phone_share": -0.1},
        {"processing_seconds": 0},
        {"requests_per_window": -1},
        {"window_seconds": 0.0},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused_by_name(nonsense: dict) -> None:
    with pytest.raises(SandboxError, match=next(iter(nonsense))):
        SandboxConfig(**nonsense)


def test_requests_leave_nothing_on_the_standard_streams(
    visitor: Visitor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    session = visitor.session(visitor.ticket()["upload_url"])
    visitor.http.put(session, content=b"x")
    visitor.http.get("/nowhere")
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
