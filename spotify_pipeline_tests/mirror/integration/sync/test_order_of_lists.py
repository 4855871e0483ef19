"""Which of two lists is the newer one, where contents are equal, clocks are wrong, or lines cannot be written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import MirrorAction, MirrorRefused
from spotify_pipeline.state import StateError
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import THREE_CHUNKS, Machine
from spotify_pipeline_tests.mirror.watched_state import WatchedState
from spotify_pipeline_tests.state_edits import damage, overtake, stored


@pytest.mark.parametrize(("operation", "skip"), [("put_upload", 2), ("create_audience", 0)])
def test_c10_a_list_of_equal_bytes_that_goes_on_counts_as_the_newer_one(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, operation: str, skip: int
) -> None:
    spotify.after("put_upload", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(build_list(THREE_CHUNKS, "2026-11-16"))
    spotify.after(operation, Fault.CRASH_AFTER, skip=skip)
    with pytest.raises(Crash):
        machine.mirror(build_list(THREE_CHUNKS, "2026-11-23"))
    spotify.faults = no_fault
    with pytest.raises(MirrorRefused, match="2026-11-18 was built before"):
        machine.mirror(build_list(range(20), "2026-11-18"))


def test_c10_equal_bytes_whose_creation_is_settled_count_as_the_newer_ones(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    spotify.after("create_audience", Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(10), "2026-11-16"))
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(10), "2026-11-23"))
    spotify.faults = no_fault
    with pytest.raises(MirrorRefused, match="2026-11-18 was built before"):
        machine.mirror(build_list(range(20), "2026-11-18"))


def day(machine: Machine, days: int) -> str:
    return f"{datetime.fromtimestamp(machine.spotify.time.now, UTC) + timedelta(days=days):%Y-%m-%d}"


def test_c10_a_list_from_the_future_is_not_sent(machine: Machine, spotify: FakeSpotify, build_list: BuildList) -> None:
    with pytest.raises(MirrorRefused, match=r"was built at .*, and this machine's clock says .* Set the clock right"):
        machine.mirror(build_list(range(10), day(machine, 2)))
    assert spotify.asked == []
    assert machine.mirror(build_list(range(10), day(machine, 0))).action is MirrorAction.CREATED


@pytest.mark.parametrize("accepted", [True, False])
def test_c10_a_clock_that_was_far_ahead_once_does_not_lock_the_audience_out(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, accepted: bool
) -> None:
    right = spotify.time.now
    spotify.time.now += 365 * 86_400
    ahead = build_list(THREE_CHUNKS, day(machine, 0))
    spotify.after("put_upload", Fault.CRASH_AFTER, skip=0 if not accepted else 99)
    if accepted:
        machine.mirror(ahead)
    else:
        with pytest.raises(Crash):
            machine.mirror(ahead)
    spotify.time.now = right
    for made in spotify.audiences.values():
        made.shown_from = 0
    listed = build_list(range(10), "2026-11-23")
    with pytest.raises(MirrorRefused, match="one of the two is wrong") as refused:
        machine.mirror(listed)
    assert f"as built_at into the row of lapsed in the table audience of {machine.state.place}" in str(refused.value)
    text = str(stored(machine.journal, "lapsed", AD_ACCOUNT))
    right_time = text.replace(ahead[1].built_at.isoformat(), "2026-11-16T05:00:00+00:00")
    damage(machine.journal, "lapsed", AD_ACCOUNT, right_time)
    outcome = machine.mirror(listed)
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_c19_a_list_that_arrived_and_could_not_be_noted_says_both(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    machine.mirror(build_list(range(10)))
    newer = build_list(range(20), "2026-11-23")

    def overtaken(number: int, operation: str) -> Fault | None:
        if operation == "put_upload":
            overtake(machine.state)
        return None

    spotify.faults = overtaken
    with pytest.raises(MirrorRefused, match=r"The list of lapsed has arrived at Spotify, and the line .* not be writ"):
        machine.mirror(newer)
    assert list(spotify.content().values()) == [newer[0].read_bytes()]
    spotify.faults = no_fault
    assert machine.mirror(newer).action is MirrorAction.REPLACED


def test_c19_where_the_state_cannot_be_written_then_too(
    tmp_path: Path, spotify: FakeSpotify, build_list: BuildList
) -> None:
    state = WatchedState.in_home(tmp_path)
    machine = Machine(tmp_path, spotify, state=state)
    machine.mirror(build_list(range(10)))

    def cannot_be_written(name: str) -> None:
        raise StateError("The state cannot be written.")

    def last_bytes(number: int, operation: str) -> Fault | None:
        if operation == "put_upload":
            begun = machine.entry.unfinished
            assert begun is not None
            assert begun.phase == "last bytes of the list sent"
            state.watch = cannot_be_written
        return None

    spotify.faults = last_bytes
    newer = build_list(range(20), "2026-11-23")
    with pytest.raises(HomeError, match=r"has arrived at Spotify, .* could not be written\. .* cannot be written"):
        machine.mirror(newer)
    del state.watch
    spotify.faults = no_fault
    machine.mirror(newer)
    assert [each.snapshot for each in machine.receipts.read("lapsed", AD_ACCOUNT)] == ["2026-11-16", "2026-11-23"]
