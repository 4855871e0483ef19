"""An older list goes live again by being issued again; what was sent before it does not come back."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spotify_pipeline.mirror import MirrorAction, MirrorRefused
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import THREE_CHUNKS, Listed, Machine

ISSUED = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify) -> Machine:
    return Machine(tmp_path / "machine", spotify)


def reissued(listed: Listed, folder: Path) -> Listed:
    """A copy of a list, issued again."""
    file = folder / "again" / listed[0].name
    file.parent.mkdir()
    shutil.copy(listed[0], file)
    return file, replace(listed[1], built_at=ISSUED)


def test_an_older_list_that_is_issued_again_lands_and_the_newer_does_not_come_back(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, tmp_path: Path
) -> None:
    good, bad = build_list(range(20)), build_list(range(30), "2026-11-23")
    machine.mirror(good)
    machine.mirror(bad)
    with pytest.raises(MirrorRefused, match="was built before the one Spotify has"):
        machine.mirror(good)
    again = reissued(good, tmp_path)
    assert machine.mirror(again).action is MirrorAction.REPLACED
    assert list(spotify.content().values()) == [good[0].read_bytes()]
    with pytest.raises(MirrorRefused, match="was built before the one Spotify has"):
        machine.mirror(bad)
    assert machine.mirror(build_list(range(40), "2026-11-30")).action is MirrorAction.REPLACED


def test_an_upload_under_way_when_a_list_was_issued_again_is_refused_afterwards(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, tmp_path: Path
) -> None:
    good, bad = build_list(range(20)), build_list(THREE_CHUNKS, "2026-11-23")
    machine.mirror(good)
    spotify.after("put_upload", Fault.CRASH_AFTER, skip=1)
    with pytest.raises(Crash):
        machine.mirror(bad)
    spotify.faults = no_fault
    outcome = machine.mirror(reissued(good, tmp_path))
    assert "An upload of another list was broken off, and dropped." in str(outcome.recovered)
    with pytest.raises(MirrorRefused, match="was built before the one Spotify has"):
        machine.mirror(bad)
    assert list(spotify.content().values()) == [good[0].read_bytes()]
