"""An upload session that is itself at fault costs one run, and not every run until it is too old."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from spotify_pipeline.spotify import UploadIncomplete
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import FakeSpotify
from spotify_pipeline_tests.mirror.machine import THREE_CHUNKS, Listed, Machine


class FirstSessionIsSick(FakeSpotify):
    """The first session never says that it is finished: it has every byte, or it says nothing of what it has."""

    def __init__(self, instead: httpx.Response) -> None:
        super().__init__()
        self._instead = instead
        self._sick: str | None = None

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = super()._answer(request)
        if request.method != "PUT" or answer.status_code != 200:
            return answer
        self._sick = self._sick or str(request.url)
        return self._instead if str(request.url) == self._sick else answer


@pytest.mark.parametrize("kind", ["never finished", "states nothing"])
def test_u12_the_run_after_a_sick_session_sends_the_list_whole(
    tmp_path: Path, build_list: BuildList, kind: str
) -> None:
    listed: Listed = build_list(THREE_CHUNKS, "2026-11-23")
    whole = httpx.Response(308, headers={"Range": f"bytes=0-{listed[1].bytes - 1}"})
    spotify = FirstSessionIsSick(whole if kind == "never finished" else httpx.Response(200))
    machine = Machine(tmp_path, spotify)
    with pytest.raises(UploadIncomplete):
        machine.mirror(listed)
    assert machine.session is None
    outcome = machine.mirror(listed)
    assert outcome.recovered == "An upload was broken off and its session is not known any more; it was begun again."
    assert outcome.bytes_sent == listed[1].bytes
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
