"""A run that was overtaken stops before it changes anything at Spotify."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from spotify_pipeline.mirror import MirrorAction, MirrorRefused
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import QUANTUM, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import THREE_CHUNKS, Listed, Machine
from spotify_pipeline_tests.state_edits import keep, overtake


@pytest.fixture
def older(build_list: BuildList) -> Listed:
    return build_list(THREE_CHUNKS, "2026-11-16")


@pytest.fixture
def newer(build_list: BuildList) -> Listed:
    return build_list(range(20), "2026-11-23")


def meanwhile(spotify: FakeSpotify, operation: str, happens: Callable[[], object]) -> None:
    """Let something happen while the next request of ``operation`` is under way."""

    def once(number: int, asked: str) -> Fault | None:
        del number
        if asked == operation:
            spotify.faults = no_fault
            happens()
        return None

    spotify.faults = once


@pytest.mark.parametrize("operation", ["new_upload_url", "start_upload", "put_upload"])
def test_c10_a_run_that_was_overtaken_stops_before_it_finishes(
    machine: Machine, spotify: FakeSpotify, older: Listed, newer: Listed, operation: str
) -> None:
    def overtaken() -> None:
        machine.lose_lock()
        other = Machine(machine.folder, spotify)
        assert other.mirror(newer).action is MirrorAction.CREATED

    meanwhile(spotify, operation, overtaken)
    with pytest.raises(MirrorRefused, match=r"Another run has taken lapsed over|built before .* \(2026-11-23\)"):
        machine.mirror(older)
    assert list(spotify.content().values()) == [newer[0].read_bytes()]
    assert machine.entry.snapshot == "2026-11-23"
    assert machine.entry.unfinished is None
    assert [len(lists) for lists in spotify.lists.values()] == [1]


def test_c10_a_replacement_that_was_overtaken_leaves_the_newer_list(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, older: Listed, newer: Listed
) -> None:
    machine.mirror(build_list(range(10), "2026-11-09"))

    def overtaken() -> None:
        machine.lose_lock()
        assert Machine(machine.folder, spotify).mirror(newer).action is MirrorAction.REPLACED

    meanwhile(spotify, "put_upload", overtaken)
    with pytest.raises(MirrorRefused):
        machine.mirror(older)
    assert list(spotify.content().values()) == [newer[0].read_bytes()]
    assert machine.entry.snapshot == "2026-11-23"


@pytest.mark.parametrize("chunk_bytes", [QUANTUM, None])
def test_c10_last_bytes_that_arrive_after_a_newer_list_do_not_replace_it(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, older: Listed, newer: Listed, chunk_bytes: int | None
) -> None:
    """As of a run that was stopped when nothing was left to be done but to send them."""
    machine.mirror(build_list(range(10), "2026-11-09"))
    finished = 3 if chunk_bytes else 1

    def stopped_and_overtaken(number: int, asked: str) -> Fault | None:
        del number
        if asked == "put_upload" and spotify.count("put_upload") == finished:
            spotify.faults = no_fault
            machine.lose_lock()
            assert Machine(machine.folder, spotify).mirror(newer).action is MirrorAction.REPLACED
        return None

    spotify.faults = stopped_and_overtaken
    with pytest.raises(MirrorRefused, match="Another run has taken lapsed over"):
        Machine(machine.folder, spotify, chunk_bytes=chunk_bytes).mirror(older)
    assert list(spotify.content().values()) == [newer[0].read_bytes()]
    assert spotify.count("cancel_upload") == 1


def test_c10_a_run_that_was_overtaken_sends_no_further_chunk(
    machine: Machine, spotify: FakeSpotify, older: Listed
) -> None:
    meanwhile(spotify, "put_upload", lambda: overtake(machine.state))
    with pytest.raises(MirrorRefused, match="Another run has taken lapsed over"):
        machine.mirror(older)
    assert spotify.count("put_upload") == 1


def test_c10_a_run_that_was_overtaken_before_it_looked_at_spotify_says_so(
    machine: Machine, spotify: FakeSpotify, older: Listed, newer: Listed
) -> None:
    def overtaken() -> None:
        machine.lose_lock()
        assert Machine(machine.folder, spotify).mirror(newer).action is MirrorAction.CREATED

    meanwhile(spotify, "list_audiences", overtaken)
    with pytest.raises(MirrorRefused, match="Another run has taken lapsed over"):
        machine.mirror(older)


def test_c10_a_newer_list_in_the_journal_stops_a_run_that_holds_the_lease(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, older: Listed
) -> None:
    accepted = build_list(range(10), "2026-11-09")
    machine.mirror(accepted)
    entry = dataclasses.replace(machine.entry, snapshot="2026-11-23", built_at="2026-11-23T05:00:00+00:00")
    meanwhile(spotify, "put_upload", lambda: keep(machine.journal, "lapsed", entry))
    with pytest.raises(MirrorRefused, match=r"2026-11-16 was built before the one Spotify has \(2026-11-23\)"):
        machine.mirror(older)
    assert list(spotify.content().values()) == [accepted[0].read_bytes()]


def test_c10_a_run_whose_lease_was_taken_stops_and_the_next_one_goes_on_with_its_upload(
    machine: Machine, spotify: FakeSpotify, older: Listed
) -> None:
    meanwhile(spotify, "put_upload", lambda: overtake(machine.state))
    with pytest.raises(MirrorRefused, match="Another run has taken lapsed over"):
        machine.mirror(older)
    assert spotify.audiences == {}
    outcome = machine.mirror(older)
    assert outcome.recovered == "An upload that was broken off was continued at byte 262,144."
    assert spotify.content() == {outcome.audience.id: older[0].read_bytes()}
