"""The state machine against a model of the storage that may misbehave at every request."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spotify_pipeline.spotify import SpotifyError, SpotifyUnavailable, UploadDataLoss, UploadIncomplete, UploadRefused
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload.state_machine import (
    AskStatus,
    Finished,
    Pause,
    RenewUrl,
    ResumableUpload,
    SendRange,
    Start,
    UseSession,
)
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.spotify.storage_model import FAULTS, SURVIVABLE, Fault, Heard, StorageModel
from spotify_pipeline_tests.spotify.uploads import crc32c, md5

TYPED = (UploadRefused, UploadIncomplete, UploadDataLoss, SpotifyUnavailable)
QUANTUM = 4  # stands for 256 KiB
_CONTENT = bytes(range(1, 200))
_MOST_STEPS = 2_000


class Journey:
    """One upload of the machine's to the model, checked at each step."""

    def __init__(self, size: int, chunk: int | None, *, resumes_at: int | None = None) -> None:
        self.content = _CONTENT[:size]
        self.model = StorageModel(size)
        self.chunk = chunk
        resumes = resumes_at is not None
        self.machine = ResumableUpload(
            size=size, crc32c=crc32c(self.content), chunk_bytes=chunk, md5=md5(self.content), resumes=resumes
        )
        if resumes_at is not None:
            self.model.start()
            self.model.stored = self.content[:resumes_at]
            self.model.high = size
        self.error: SpotifyError | None = None
        self.renewals: list[str] = []
        self.steps = 0

    @property
    def over(self) -> bool:
        return self.error is not None or isinstance(self.machine.step, Finished)

    def advance(self, fault: Fault | None = None) -> None:
        """Carry out steps up to and including one request of the session, or the start."""
        step = self.machine.step
        self.steps += 1
        assert self.steps < _MOST_STEPS
        try:
            if isinstance(step, SendRange | AskStatus):
                self.exchange(step, fault)
            elif isinstance(step, Start):
                self.machine.on_response(self.model.start())
            else:
                if isinstance(step, RenewUrl):
                    self.renewals.append(step.reason)
                assert isinstance(step, RenewUrl | Pause | UseSession)
                self.machine.on_done()
        except TYPED as error:
            self.error = error
        if isinstance(self.machine.step, Finished) and self.error is None:
            assert self.model.finished
            assert self.model.stored == self.content

    def exchange(self, step: SendRange | AskStatus, fault: Fault | None) -> None:
        body = b""
        if isinstance(step, SendRange):
            self.check_range(step)
            body = self.content[step.first : step.end]
        heard = Heard(self.model.answer(step, body), len(body)) if fault is None else fault(self.model, step, body)
        if heard.answer is None:
            self.machine.on_no_response("No answer.", taken=heard.taken)
        else:
            self.note(step, heard.answer)
            self.machine.on_response(heard.answer, taken=heard.taken)

    def note(self, step: SendRange | AskStatus, answer: Response) -> None:
        said = answer.headers.get("range", "")
        if said.startswith("bytes=0-"):
            self.model.said = int(said.removeprefix("bytes=0-")) + 1
        elif isinstance(step, AskStatus) and answer.status == 308 and not said:
            self.model.said = 0

    def check_range(self, step: SendRange) -> None:
        size = len(self.content)
        assert 0 <= step.first < step.end <= size
        assert step.first == self.model.said  # where the storage said to go on, and nowhere else
        assert step.final == (step.end == size)
        if self.chunk is None:
            assert step.final
        elif not step.final:
            assert step.end - step.first == self.chunk


class UploadToAnUnreliableStorage(RuleBasedStateMachine):
    @initialize(
        size=st.integers(1, 60), chunk=st.none() | st.integers(1, 4).map(lambda n: n * QUANTUM), resumes=st.booleans()
    )
    def begin(self, size: int, chunk: int | None, resumes: bool) -> None:
        self.journey = Journey(size, chunk, resumes_at=size // 2 if resumes else None)

    @property
    def goes_on(self) -> bool:
        return not self.journey.over

    @rule()
    def behave(self) -> None:
        if self.goes_on:
            self.journey.advance()

    @precondition(lambda self: self.goes_on)
    @rule(name=st.sampled_from(sorted(FAULTS)))
    def misbehave(self, name: str) -> None:
        self.journey.advance(FAULTS[name])

    @invariant()
    def acknowledged_is_within_the_file(self) -> None:
        if hasattr(self, "journey"):
            assert 0 <= self.journey.machine.acknowledged <= len(self.journey.content)

    def teardown(self) -> None:
        if hasattr(self, "journey"):
            while not self.journey.over:  # bounded by the journey itself
                self.journey.advance()


UploadToAnUnreliableStorage.TestCase.settings = settings(
    max_examples=examples(20, 400), stateful_step_count=examples(30, 40), deadline=None
)
TestUploadToAnUnreliableStorage = UploadToAnUnreliableStorage.TestCase


@pytest.mark.parametrize("chunk", [None, QUANTUM, 5 * QUANTUM])
@pytest.mark.parametrize("name", FAULTS)
def test_storage_that_never_stops_misbehaving_ends_the_upload(name: str, chunk: int | None):
    journey = Journey(19, chunk)
    while not journey.over:
        journey.advance(FAULTS[name])
    assert journey.steps < 200


@given(
    size=st.integers(1, 60),
    chunk=st.none() | st.integers(1, 4).map(lambda n: n * QUANTUM),
    name=st.sampled_from(sorted(SURVIVABLE)),
    at=st.integers(0, 20),
    resumes=st.booleans(),
)
@settings(max_examples=examples(60, 400), deadline=None)
def test_any_single_fault_that_can_be_survived_is_survived(
    size: int, chunk: int | None, name: str, at: int, resumes: bool
):
    journey = Journey(size, chunk, resumes_at=size // 3 if resumes else None)
    exchanges = 0
    while not journey.over:
        asked = isinstance(journey.machine.step, SendRange | AskStatus)
        journey.advance(SURVIVABLE[name] if asked and exchanges == at else None)
        exchanges += asked
    assert journey.error is None
    assert len(journey.renewals) <= 1
