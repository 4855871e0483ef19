from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.sandbox.visitor import Visitor


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def visitor(shared_server: SandboxServer) -> Iterator[Visitor]:
    """A visitor to a sandbox on which everything has just been forgotten."""
    one = Visitor(shared_server)
    assert one.http.delete("/sandbox").status_code == 204
    one.start_over()
    yield one
    one.http.close()
