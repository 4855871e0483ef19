"""Uploads that are cut, overtaken, resumed after a restart, or sent in odd pieces."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spotify_pipeline_tests.sandbox.uploads import (
    QUANTUM,
    assert_stored,
    how_far,
    new_session,
    put_part,
)
from spotify_pipeline_tests.sandbox.visitor import Visitor, visiting


def raw_request(visitor: Visitor, session: str, headers: str) -> socket.socket:
    """A connection on which the head of a PUT has been sent."""
    connection = socket.create_connection(("127.0.0.1", visitor.server.port), timeout=10)
    target = session.removeprefix(visitor.server.url)
    head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1:{visitor.server.port}\r\n{headers}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def wait_for(visitor: Visitor, session: str, stored: int) -> None:
    deadline = time.monotonic() + 10
    while how_far(visitor, session).headers.get("range") != f"bytes=0-{stored - 1}":
        assert time.monotonic() < deadline, "the bytes never arrived"
        time.sleep(0.005)


@pytest.mark.parametrize("chunked", [False, True])
def test_f05_what_came_before_a_cut_is_kept_and_the_rest_completes_it(visitor: Visitor, chunked: bool) -> None:
    content = os.urandom(4 * QUANTUM)
    session = new_session(visitor)
    headers = f"Content-Length: {len(content)}"
    if chunked:
        headers += f"\r\nContent-Range: bytes 0-{len(content) - 1}/{len(content)}"
    connection = raw_request(visitor, session, headers)
    connection.sendall(content[: 2 * QUANTUM + 100_000])
    wait_for(visitor, session, 2 * QUANTUM)
    connection.close()
    time.sleep(0.05)

    assert how_far(visitor, session, len(content)).headers["range"] == f"bytes=0-{2 * QUANTUM - 1}"
    rest = put_part(visitor, session, content, 2 * QUANTUM, len(content), len(content))
    assert_stored(visitor, rest, content)


def test_bytes_beyond_the_last_whole_quantum_of_a_cut_upload_never_count(visitor: Visitor) -> None:
    """The object ends before the point at which an earlier attempt was cut."""
    content = os.urandom(QUANTUM + 10)
    session = new_session(visitor)
    connection = raw_request(visitor, session, f"Content-Length: {2 * QUANTUM}")
    connection.sendall(content + bytes(100_000))
    wait_for(visitor, session, QUANTUM)
    connection.close()
    time.sleep(0.05)
    rest = put_part(visitor, session, content, QUANTUM, len(content), len(content))
    assert_stored(visitor, rest, content)


def test_f33_a_newer_put_takes_over_from_one_that_hangs(visitor: Visitor) -> None:
    content = os.urandom(3 * QUANTUM)
    session = new_session(visitor)
    hanging = raw_request(visitor, session, f"Content-Length: {len(content)}")
    hanging.sendall(content[: QUANTUM + 1])
    wait_for(visitor, session, QUANTUM)

    answer = put_part(visitor, session, content, QUANTUM, len(content), len(content))
    hanging.sendall(bytes(1000))

    assert_stored(visitor, answer, content)
    assert hanging.recv(100).startswith(b"HTTP/1.1 503")
    hanging.close()
    assert_stored(visitor, how_far(visitor, session), content)


def test_an_upload_under_way_survives_a_restart(tmp_path: Path) -> None:
    content = os.urandom(2 * QUANTUM)
    with visiting(state_directory=tmp_path) as visitor:
        session = new_session(visitor)
        put_part(visitor, session, content, 0, QUANTUM, len(content))
        tail = session.removeprefix(visitor.server.url)
    with visiting(state_directory=tmp_path) as visitor:
        session = visitor.server.url + tail
        assert how_far(visitor, session).headers["range"] == f"bytes=0-{QUANTUM - 1}"
        assert_stored(visitor, put_part(visitor, session, content, QUANTUM, len(content), len(content)), content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_way_of_cutting_an_object_into_chunks_stores_the_same_bytes(visitor: Visitor, data: st.DataObject) -> None:
    content = os.urandom(data.draw(st.integers(1, 5 * QUANTUM)))
    session = new_session(visitor)
    stored = 0
    while True:
        first = stored - data.draw(st.integers(0, stored // QUANTUM)) * QUANTUM
        end = min(len(content), first + data.draw(st.integers(1, 3)) * QUANTUM)
        answer = put_part(visitor, session, content, first, end, len(content))
        if end == len(content):
            break
        stored = max(stored, end)
        assert answer.headers["range"] == f"bytes=0-{stored - 1}"
    assert_stored(visitor, answer, content)
