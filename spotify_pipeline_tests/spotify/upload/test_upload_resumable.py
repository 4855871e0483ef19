"""Whether an upload that failed left a session that is worth going on with. A sick one would fail every later run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spotify_pipeline.spotify import UploadIncomplete
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload.state_machine import (
    AskStatus,
    Pause,
    ResumableUpload,
    SendRange,
    Start,
    UseSession,
)
from spotify_pipeline_tests.spotify.storage_model import SESSION_URI, resume

SIZE, CHUNK = 100, 40
PAGE = Response(200, {"content-type": "text/html"}, b"<html>Sign in</html>")
BUSY = Response(503, {}, b"")
Answers = list[Response | None]
LOSING: Answers = [each for _ in range(4) for each in (resume(40), resume(80), BUSY, resume(0))]

SICK: dict[str, tuple[Answers, Answers]] = {
    "has every byte and does not finish": ([resume(40), resume(80), resume(100)], [resume(100)] * 99),
    "takes no byte more": ([resume(40)], [resume(40)] * 99),
    "finished, states nothing": ([resume(40), resume(80)], [Response(200, {}, b"")] * 99),
    "unreadable range": ([], [Response(308, {"range": "bytes 0-5"}, b"")] * 99),
    "loses what it had": ([], LOSING),
    "somebody else answers": ([], [PAGE] * 99),
}


def drive(upload: ResumableUpload, given: Iterator[Response | None]) -> None:
    while True:
        step = upload.step
        if isinstance(step, Start):
            upload.on_response(Response(201, {"location": SESSION_URI}, b""))
        elif isinstance(step, SendRange | AskStatus):
            answer = next(given)
            taken = step.end - step.first if isinstance(step, SendRange) else 0
            if answer is None:
                upload.on_no_response("No answer.", taken=taken)
            else:
                upload.on_response(answer, taken=taken)
        else:
            assert isinstance(step, Pause | UseSession)
            upload.on_done()


def ended(answers: Answers, *, resumes: bool = False) -> UploadIncomplete:
    """The error of an upload whose requests to the session are answered so, None for no answer."""
    upload = ResumableUpload(size=SIZE, crc32c="4waSgw==", chunk_bytes=CHUNK, resumes=resumes)
    given: Iterator[Response | None] = iter(answers)
    with pytest.raises(UploadIncomplete) as caught:
        drive(upload, given)
    return caught.value


@pytest.mark.parametrize("resumes", [False, True], ids=["first run", "a later one"])
@pytest.mark.parametrize("kind", SICK)
def test_u12_session_that_is_at_fault_is_not_to_be_resumed(kind: str, resumes: bool):
    before, after = SICK[kind]
    failure = ended([*(() if resumes else before), *after], resumes=resumes)
    assert not failure.resumable
    assert "Check the network" not in failure.next_step


@pytest.mark.parametrize("resumes", [False, True], ids=["first run", "a later one"])
def test_f31_session_is_resumed_after_an_outage_of_the_network(resumes: bool):
    failure = ended([resume(40), *[None] * 99], resumes=resumes)
    assert failure.resumable
    assert "Check the network" in failure.next_step


def test_session_that_is_busy_is_resumed_but_not_where_it_is_all_that_it_says_to_a_second_run():
    assert ended([resume(40), *[BUSY] * 99]).resumable
    assert ended([resume(40), resume(80), *[BUSY] * 99], resumes=True).resumable  # it took bytes of this run
    assert not ended([BUSY] * 99, resumes=True).resumable
    each_question_answered: Answers = [each for _ in range(99) for each in (resume(40), BUSY)]
    assert not ended(each_question_answered, resumes=True).resumable


def test_u09_outage_after_a_silent_success_leaves_a_session_to_ask_again():
    silent = Response(200, {}, b"")
    failure = ended([resume(40), resume(80), silent, *[None] * 99])
    assert "states neither a checksum nor a length" in str(failure)
    assert failure.resumable
