"""Faults at the end of an upload, as a client sees them on the wire, and what the store holds afterwards."""

from __future__ import annotations

import httpx
import pytest

from spotify_pipeline_tests.sandbox.scripting import TOTAL, chunk, held, scripted, some_list
from spotify_pipeline_tests.sandbox.uploads import QUANTUM, assert_stored, how_far, new_session, put
from spotify_pipeline_tests.sandbox.visitor import Visitor, xml_code


@pytest.mark.parametrize("status", [503, 500, 504])
def test_f10_an_error_though_the_object_is_finished(visitor: Visitor, status: int) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F10", status=status):
        assert chunk(visitor, session, content, 0).status_code == 308
        assert chunk(visitor, session, content, 1).status_code == status
    assert_stored(visitor, how_far(visitor, session, TOTAL), content)


def test_f11_no_answer_though_the_object_is_finished(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F11"), pytest.raises(httpx.TransportError):
        put(visitor, session, content)
    assert_stored(visitor, how_far(visitor, session, TOTAL), content)


@pytest.mark.parametrize("proof", [True, False])
def test_f12_garbled_json_at_the_end(visitor: Visitor, proof: bool) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F12", proof=proof):
        answer = put(visitor, session, content)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="Unterminated"):
        answer.json()
    assert ("x-goog-hash" in answer.headers, "x-goog-stored-content-length" in answer.headers) == (proof, proof)
    assert_stored(visitor, how_far(visitor, session, TOTAL), content)


@pytest.mark.parametrize(
    ("states", "proven"),
    [
        ("size", {"x-goog-stored-content-length"}),
        ("hash", {"x-goog-hash"}),
        ("nothing", set()),
    ],
)
def test_f13_an_empty_answer_that_states_some_of_it(visitor: Visitor, states: str, proven: set[str]) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F13", states=states):
        answer = put(visitor, session, content)
    assert (answer.status_code, answer.content) == (200, b"")
    assert {"x-goog-hash", "x-goog-stored-content-length"} & set(answer.headers) == proven
    assert_stored(visitor, how_far(visitor, session, TOTAL), content)


def test_f14_success_before_the_last_chunk(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F14"):
        answer = chunk(visitor, session, content, 0)
    assert (answer.status_code, "x-goog-hash" in answer.headers) == (200, False)
    assert held(visitor, session) == 2 * QUANTUM


def test_f14_the_object_is_finished_with_what_came_first(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F14", truncated=True):
        answer = chunk(visitor, session, content, 0)
    assert_stored(visitor, answer, content[: TOTAL // 2])
    assert_stored(visitor, how_far(visitor, session, TOTAL), content[: TOTAL // 2])


@pytest.mark.parametrize(("size", "hashes"), [(7, True), (10**9, False)])
def test_f15_another_size_is_stated(visitor: Visitor, size: int, hashes: bool) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F15", size=size, hashes=hashes):
        answer = put(visitor, session, content)
    assert answer.headers["x-goog-stored-content-length"] == str(size)
    assert ("x-goog-hash" in answer.headers) is hashes


def test_f26_a_bit_flips_on_the_way(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F26"):
        answer = put(visitor, session, content)
    assert_stored(visitor, answer, bytes([content[0] ^ 1]) + content[1:])


def test_f26_only_the_hashes_are_wrong(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F26", where="answer"):
        answer = put(visitor, session, content)
    assert answer.headers.get_list("x-goog-hash") == ["crc32c=AAAAAA==", "md5=AAAAAAAAAAAAAAAAAAAAAA=="]
    assert_stored(visitor, how_far(visitor, session, TOTAL), content)


def test_f26_the_store_notices(visitor: Visitor) -> None:
    content, session = some_list(), new_session(visitor)
    with scripted(visitor, "F26", where="refused"):
        answer = put(visitor, session, content)
    assert (answer.status_code, xml_code(answer)) == (400, "BadDigest")
    assert held(visitor, session) == TOTAL
