"""What becomes of the bytes of uploads that nobody finishes, and of those that are cut off from their audience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from spotify_pipeline.sandbox import ListFormat, SandboxState
from spotify_pipeline.sandbox.lists.audience_status import judge_list
from spotify_pipeline.sandbox.storage.responses import StoreRefusal
from spotify_pipeline.sandbox.storage.resumable import UploadSessions
from spotify_pipeline.sandbox.store.records import Judgement, Upload
from spotify_pipeline_tests.sandbox.uploads import QUANTUM, how_far, new_session, put_part
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, Visitor, digest, email_list, xml_code

WEEK = 7 * 24 * 3600
HALF = bytes(2 * QUANTUM)


def kept(visitor: Visitor) -> int:
    """How many files the sandbox keeps for uploads under way."""
    return len(list(visitor.server.state.sessions_directory.iterdir()))


def assert_gone(answer: httpx.Response) -> None:
    assert (answer.status_code, xml_code(answer)) == (404, "NoSuchUpload")


def test_deleting_an_audience_deletes_what_was_being_uploaded_for_it(visitor: Visitor) -> None:
    audience_id = visitor.audience_of(email_list(10))
    session = visitor.session(visitor.ticket(audience_id)["upload_url"])
    put_part(visitor, session, HALF, 0, QUANTUM, len(HALF))
    other = new_session(visitor)
    put_part(visitor, other, HALF, 0, QUANTUM, len(HALF))
    before = kept(visitor)

    assert visitor.ads("DELETE", f"{AUDIENCES}/{audience_id}").status_code == 200

    assert kept(visitor) == before - 1
    assert_gone(how_far(visitor, session))
    assert_gone(put_part(visitor, session, HALF, QUANTUM, 2 * QUANTUM, len(HALF)))
    assert how_far(visitor, other).headers["range"] == f"bytes=0-{QUANTUM - 1}"


def test_a_session_older_than_a_week_loses_its_bytes_when_it_is_asked_for(visitor: Visitor) -> None:
    session = new_session(visitor)
    put_part(visitor, session, HALF, 0, QUANTUM, len(HALF))
    visitor.advance(WEEK)
    assert_gone(how_far(visitor, session))
    assert kept(visitor) == 0
    assert_gone(how_far(visitor, session))


def test_sessions_that_nobody_asks_for_again_lose_their_bytes_when_another_starts(visitor: Visitor) -> None:
    put_part(visitor, new_session(visitor), HALF, 0, QUANTUM, len(HALF))
    visitor.advance(WEEK - 10)
    young = new_session(visitor)
    put_part(visitor, young, HALF, 0, QUANTUM, len(HALF))
    assert kept(visitor) == 2
    visitor.advance(20)
    new_session(visitor)
    assert kept(visitor) == 2
    assert how_far(visitor, young).headers["range"] == f"bytes=0-{QUANTUM - 1}"


@pytest.mark.parametrize("content", [email_list(5), bytes(QUANTUM)])
def test_an_upload_whose_audience_is_deleted_under_way_is_refused_and_leaves_nothing(
    tmp_path: Path, content: bytes
) -> None:
    async def scenario(state: SandboxState) -> None:
        sessions, secret = started(state)
        session = await sessions.find(secret, "object")

        async def body() -> AsyncIterator[bytes]:
            yield content
            state.uploads.delete("object")

        assert await sessions.take(session, 0, None, body()) == len(content)
        with pytest.raises(StoreRefusal, match="not found"):
            await sessions.finish(session)
        with pytest.raises(StoreRefusal, match="not found"):
            sessions.stored(session)
        assert list(state.sessions_directory.iterdir()) == []

    with closing(SandboxState.open(directory=tmp_path)) as state:
        asyncio.run(scenario(state))


def test_bytes_that_go_while_they_arrive_are_a_refusal_and_no_fault(tmp_path: Path) -> None:
    """A reset, or the deletion of the audience, takes the file from under a request that is still writing to it."""

    async def scenario(state: SandboxState) -> None:
        sessions, secret = started(state)
        session = await sessions.find(secret, "object")

        async def body() -> AsyncIterator[bytes]:
            yield b"half of it"
            state.reset()

        await sessions.take(session, 0, None, body())
        with pytest.raises(StoreRefusal, match="not found"):
            await sessions.finish(session)

    with closing(SandboxState.open(directory=tmp_path)) as state:
        asyncio.run(scenario(state))


@pytest.mark.parametrize(
    ("at_arrival", "later", "refused"),
    [(ListFormat.LENIENT, ListFormat.STRICT, False), (ListFormat.STRICT, ListFormat.LENIENT, True)],
)
def test_a_list_is_read_in_the_format_that_held_when_it_arrived(
    tmp_path: Path, at_arrival: ListFormat, later: ListFormat, refused: bool
) -> None:
    rows = "".join(f"EMAIL_ID_SHA256,{digest(str(number))}\n" for number in range(1_000))

    async def scenario(state: SandboxState) -> Judgement | None:
        async def body() -> AsyncIterator[bytes]:
            yield f"type,value\n{rows}".encode()

        sessions, secret = started(state)
        session = await sessions.find(secret, "object")
        state.list_format = at_arrival
        await sessions.take(session, 0, None, body())
        received = await sessions.finish(session)
        state.list_format = later
        judge_list(state, received.id)
        judged = state.received_lists.get(received.id)
        return judged.judgement if judged else None

    with closing(SandboxState.open(directory=tmp_path)) as state:
        judgement = asyncio.run(scenario(state))
    assert judgement is not None
    assert (judgement.list_format, judgement.refusal is not None) == (at_arrival, refused)


def started(state: SandboxState) -> tuple[UploadSessions, str]:
    """An upload for which a session has been opened, and the session's secret."""
    upload = Upload(id="object", ad_account_id="account", audience_id="audience", replacement=False)
    state.uploads.put(upload)
    sessions = UploadSessions(state)
    return sessions, sessions.start(upload)
