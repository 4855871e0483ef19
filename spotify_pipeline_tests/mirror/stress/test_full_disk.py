"""No write to Spotify without a line in the journal that survives a crash."""

from __future__ import annotations

import dataclasses
import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, THREE_CHUNKS, Machine

REQUESTS = 8
"""Of a sync that have a line after them: a look, the upload URL, the session, three chunks, and the audience's creation
after a look whether its id is free or, of a replacement, the change of its name and a look at that."""
LOOKS = {"get_audience", "list_audiences"}
NOTHING_FITS = 16
"""Bytes to which a file may grow."""


class Disk:
    """The disk of this process, which can be filled: writes then fail as on one that is full."""

    def __init__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, room: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, self._before[1]))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def disk() -> Generator[Disk]:
    made = Disk()
    try:
        yield made
    finally:
        made.free()


def machine_with(tmp_path: Path, situation: str, build_list: BuildList) -> Machine:
    machine = Machine(tmp_path, FakeSpotify())
    if situation == "replacement":
        machine.mirror(build_list(range(10), "2026-11-09"), dataclasses.replace(SPEC, name="To be renamed"))
        machine.spotify.asked.clear()
    return machine


@pytest.mark.parametrize("situation", ["new audience", "replacement"])
def test_c19_from_the_moment_the_disk_is_full_nothing_is_written_to_spotify(
    tmp_path: Path, build_list: BuildList, situation: str
) -> None:
    listed = build_list(THREE_CHUNKS, "2026-11-16")
    for full_after in range(REQUESTS):
        machine = machine_with(tmp_path / str(full_after), situation, build_list)
        spotify = machine.spotify
        with disk() as its_disk:

            def fill(number: int, operation: str, at: int = full_after, its_disk: Disk = its_disk) -> Fault | None:
                del operation
                if number == at:
                    its_disk.fill(NOTHING_FITS)
                return None

            spotify.faults = fill
            with pytest.raises(HomeError, match=r"cannot be (made|written|used)"):
                machine.mirror(listed)
        then = spotify.asked[full_after + 1 :]
        sent = sum(each.list_bytes for each in spotify.asked)
        assert {each.operation for each in then} <= LOOKS | {"put_upload"}
        if "put_upload" in {each.operation for each in then}:
            assert sent < listed[1].bytes, "the last bytes were sent without a line"
        spotify.faults = no_fault
        outcome = machine.mirror(listed)
        assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
        assert outcome.audience.name == SPEC.name


def test_c19_on_a_disk_that_is_full_from_the_start_spotify_is_not_asked(tmp_path: Path, build_list: BuildList) -> None:
    machine = machine_with(tmp_path, "new audience", build_list)
    listed = build_list(range(10))
    with disk() as its_disk:
        its_disk.fill(NOTHING_FITS)
        with pytest.raises(HomeError, match=r"The state .* cannot be (opened|written|used)"):
            machine.mirror(listed)
    assert machine.spotify.asked == []
