"""A list that Spotify has already is not sent again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spotify_pipeline.customer_list import Layout
from spotify_pipeline.mirror import AudienceSpec, GuardBlocked, MirrorAction, MirrorRefused
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import Crash, FakeSpotify, Fault
from spotify_pipeline_tests.mirror.machine import SPEC, Machine

LOOKS = {"get_audience", "list_audiences"}


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify, build_list: BuildList) -> Machine:
    """A machine that has mirrored ten people."""
    made = Machine(tmp_path, spotify)
    made.mirror(build_list(range(10), "2026-11-16"))
    spotify.asked.clear()
    return made


def test_c17_the_same_list_is_not_sent_again(machine: Machine, spotify: FakeSpotify, build_list: BuildList) -> None:
    outcome = machine.mirror(build_list(range(10), "2026-11-23"))
    assert (outcome.action, outcome.proof, outcome.bytes_sent) == (MirrorAction.UNCHANGED, None, 0)
    assert outcome.previous_snapshot == "2026-11-16"
    assert outcome.recovered is None
    assert {each.operation for each in spotify.asked} == {"get_audience"}


def test_c17_a_text_changed_in_the_yaml_still_reaches_spotify(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    outcome = machine.mirror(build_list(range(10), "2026-11-23"), dataclasses.replace(SPEC, name="Win back"))
    assert (outcome.action, outcome.audience.name) == (MirrorAction.UNCHANGED, "Win back")
    assert {each.operation for each in spotify.asked} == {"get_audience", "edit_audience"}


@pytest.mark.parametrize("status", ["EMPTY", "ARCHIVED"])
def test_c15_an_audience_that_holds_nothing_is_sent_its_list_again(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, status: str
) -> None:
    next(iter(spotify.audiences.values())).status = status
    assert machine.mirror(build_list(range(10), "2026-11-23")).action is MirrorAction.REPLACED


def test_c15_that_an_audience_holds_nothing_counts_though_the_answer_to_an_edit_does_not_say_so(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    (made,) = spotify.audiences.values()
    made.status = "EMPTY"
    spotify.edits_show_status = False
    renamed = dataclasses.replace(SPEC, name="Win back")
    assert machine.mirror(build_list(range(10), "2026-11-23"), renamed).action is MirrorAction.REPLACED


@pytest.mark.parametrize("status", ["PROCESSING", "BOOKABLE", "LIVE", "LEARNING", "A_STATUS_OF_NEXT_YEAR"])
def test_c15_every_other_status_known_or_not_leaves_a_list_in_peace(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, status: str
) -> None:
    next(iter(spotify.audiences.values())).status = status
    outcome = machine.mirror(build_list(range(10), "2026-11-23"))
    assert (outcome.action, outcome.audience.status) == (MirrorAction.UNCHANGED, status)


def test_the_same_people_in_another_layout_are_another_file(machine: Machine, build_list: BuildList) -> None:
    assert machine.mirror(build_list(range(10), "2026-11-23", layout=Layout.LONG)).action is MirrorAction.REPLACED


def test_another_audience_that_the_yaml_adopts_is_sent_the_list(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    other = Machine(machine.folder / "other", spotify)
    theirs = dataclasses.replace(SPEC, audience="theirs", name="Made by hand")
    adopted = other.mirror(build_list(range(20), "2026-11-16", "theirs"), theirs).audience.id
    adopting: AudienceSpec = dataclasses.replace(SPEC, adopted_audience_id=adopted)
    listed = build_list(range(10), "2026-11-23")
    assert machine.mirror(listed, adopting, approved=True).action is MirrorAction.REPLACED
    assert spotify.content()[adopted] == listed[0].read_bytes()


def test_without_a_journal_it_is_not_known_what_spotify_has(machine: Machine, build_list: BuildList) -> None:
    machine.lose_journal()
    listed = build_list(range(10), "2026-11-23")
    with pytest.raises(
        GuardBlocked, match=r"\[history\] .* the journal says that nothing was ever sent for lapsed, and Spotify"
    ):
        machine.mirror(listed)
    assert machine.mirror(listed, approved=True).action is MirrorAction.REPLACED


def test_after_another_list_may_have_arrived_the_accepted_one_is_sent_again(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    spotify.after("put_upload", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(20), "2026-11-23"))
    back = build_list(range(10), "2026-11-30")
    assert machine.mirror(back).action is MirrorAction.REPLACED
    assert list(spotify.content().values()) == [back[0].read_bytes()]


def test_c10_a_list_built_before_the_unchanged_one_does_not_land_after_it(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    machine.mirror(build_list(range(10), "2026-11-30"))
    with pytest.raises(MirrorRefused, match=r"2026-11-23 was built before the one Spotify has \(2026-11-30\)"):
        machine.mirror(build_list(range(20), "2026-11-23"))
    assert {each.operation for each in spotify.asked} <= LOOKS
