"""Faults, as a test scripts them and sees that they happened."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from spotify_pipeline.sandbox import named_fault
from spotify_pipeline_tests.sandbox.uploads import QUANTUM, how_far, put_part
from spotify_pipeline_tests.sandbox.visitor import Visitor

TOTAL = 4 * QUANTUM


@contextmanager
def scripted(visitor: Visitor, name: str, **options: object) -> Iterator[int]:
    """A named fault that must have happened, as often as it was to, by the end of the block."""
    faults = visitor.server.state.faults
    number = faults.script(named_fault(name, **options))
    yield number
    assert [report.number for report in faults.unconsumed()] == []
    assert {one["fault"] for one in visitor.server.state.requests.after(0) if one["fault_number"] == number} == {name}


def some_list() -> bytes:
    return os.urandom(TOTAL)


def chunk(visitor: Visitor, session: str, content: bytes, number: int) -> httpx.Response:
    """One of the two chunks, half a MiB each, of ``some_list()``."""
    first = number * TOTAL // 2
    return put_part(visitor, session, content, first, first + TOTAL // 2, TOTAL)


def resume(visitor: Visitor, session: str, content: bytes, first: int) -> httpx.Response:
    """The rest of a list in one PUT."""
    return put_part(visitor, session, content, first, len(content), len(content))


def held(visitor: Visitor, session: str) -> int:
    """How many bytes an unfinished session holds."""
    answer = how_far(visitor, session)
    assert answer.status_code == 308
    return int(answer.headers.get("range", "bytes=0--1").partition("-")[2]) + 1


def ranges(answer: httpx.Response) -> list[str]:
    return answer.headers.get_list("range")
