"""A creation that Spotify refused, or may have refused: what becomes of the list that was uploaded for it."""

from __future__ import annotations

import pytest

from spotify_pipeline.mirror import MirrorAction, MirrorRefused, Phase
from spotify_pipeline.spotify import (
    Conflict,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    SpotifyUnavailable,
    UploadIncomplete,
)
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import Crash, FakeSpotify, Fault, Made, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine

CREATE = "create_audience"
QUARTER_OF_AN_HOUR = 15 * 60.0


@pytest.fixture
def listed(build_list: BuildList) -> Listed:
    return build_list(range(10))


@pytest.fixture
def corrected(build_list: BuildList) -> Listed:
    """The list without people who must not be in it any more."""
    return build_list(range(5, 10), "2026-11-23")


@pytest.fixture
def refused(machine: Machine, spotify: FakeSpotify, listed: Listed) -> Machine:
    """A machine whose list was uploaded, and whose creation was refused for certain."""
    spotify.refused[CREATE] = 403
    with pytest.raises(PermissionDenied):
        machine.mirror(listed)
    spotify.refused.clear()
    spotify.asked.clear()
    return machine


@pytest.fixture
def in_doubt(machine: Machine, spotify: FakeSpotify, listed: Listed) -> Machine:
    """A machine whose list was uploaded, and that ended when it asked for the audience; Spotify did not get it."""
    spotify.after(CREATE, Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(listed)
    spotify.faults = no_fault
    spotify.asked.clear()
    return machine


def test_c13_a_refused_creation_is_gone_on_with_and_no_byte_is_sent_again(
    refused: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    assert refused.entry.unfinished is not None
    assert refused.entry.unfinished.phase is Phase.FINISHING
    outcome = refused.mirror(listed)
    assert (outcome.action, outcome.bytes_sent) == (MirrorAction.CREATED, 0)
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_c10_a_list_whose_creation_was_refused_does_not_go_live_for_another(
    refused: Machine, spotify: FakeSpotify, corrected: Listed
) -> None:
    spotify.after("put_upload", Fault.ERROR_BEFORE, times=99)
    with pytest.raises(UploadIncomplete):
        refused.mirror(corrected)
    assert spotify.audiences == {}
    spotify.faults = no_fault
    outcome = refused.mirror(corrected)
    assert spotify.content() == {outcome.audience.id: corrected[0].read_bytes()}
    assert [len(lists) for lists in spotify.lists.values() if corrected[0].read_bytes() in lists] == [1]


def test_a_list_made_by_hand_after_a_refusal_is_somebodys(
    refused: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.audiences["by-hand"] = Made(SPEC.name, "Jane's own list", spotify.time.now)
    with pytest.raises(MirrorRefused, match="that this project did not make: by-hand"):
        refused.mirror(listed)
    assert spotify.audiences["by-hand"].description == "Jane's own list"


def test_a_list_made_by_hand_long_after_a_lost_creation_is_somebodys(
    in_doubt: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.time.now += 2 * 86_400
    spotify.audiences["by-hand"] = Made(SPEC.name, "Jane's own list", spotify.time.now)
    with pytest.raises(MirrorRefused, match="that this project did not make: by-hand"):
        in_doubt.mirror(listed)


def test_c10_a_list_whose_creation_never_arrived_is_dropped_for_another(
    in_doubt: Machine, spotify: FakeSpotify, corrected: Listed
) -> None:
    spotify.time.now += QUARTER_OF_AN_HOUR
    outcome = in_doubt.mirror(corrected)
    assert outcome.action is MirrorAction.CREATED
    assert "which Spotify did not create. That upload was dropped." in str(outcome.recovered)
    assert [each.audience_id for each in spotify.asked if each.operation == CREATE] == [outcome.audience.id]
    assert spotify.content() == {outcome.audience.id: corrected[0].read_bytes()}
    assert len(spotify.upload_ids) == 2


def test_c02_a_creation_that_may_still_land_is_settled_before_another_list(
    in_doubt: Machine, spotify: FakeSpotify, corrected: Listed
) -> None:
    spotify.time.now += QUARTER_OF_AN_HOUR - 1
    outcome = in_doubt.mirror(corrected)
    assert (outcome.action, len(spotify.upload_ids)) == (MirrorAction.REPLACED, 1)
    assert spotify.content() == {outcome.audience.id: corrected[0].read_bytes()}


def test_c02_an_audience_that_shows_only_on_the_second_look_is_not_doubled_by_another_list(
    in_doubt: Machine, spotify: FakeSpotify, corrected: Listed
) -> None:
    assert in_doubt.entry.in_creation is not None
    asked_for = str(in_doubt.entry.in_creation.audience_id)
    spotify.time.now += QUARTER_OF_AN_HOUR
    made = Made(SPEC.name, SPEC.full_description, spotify.time.now, shown_from=spotify.time.now + 6)
    spotify.audiences[asked_for] = made
    outcome = in_doubt.mirror(corrected)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, asked_for)
    assert spotify.content() == {asked_for: corrected[0].read_bytes()}


@pytest.mark.parametrize("status", [400, 404, 409])
def test_c02_a_refusal_after_a_lost_answer_does_not_prove_that_there_is_no_audience(
    machine: Machine, spotify: FakeSpotify, listed: Listed, status: int
) -> None:
    def lost_then_refused(number: int, operation: str) -> Fault | None:
        if operation == CREATE and spotify.count(CREATE) == 0:
            return Fault.CUT_AFTER
        spotify.refused = {CREATE: status} if operation == CREATE else {}
        return None

    spotify.faults = lost_then_refused
    spotify.new_audiences_show_after = 60.0
    with pytest.raises(SpotifyUnavailable, match=r"not known whether the audience was created\. Run again"):
        machine.mirror(listed)
    spotify.refused.clear()
    spotify.faults = no_fault
    spotify.time.now += 60
    outcome = machine.mirror(listed)
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
    assert spotify.count("new_upload_url") == 1


@pytest.mark.parametrize("status", [400, 404, 409])
def test_c02_nor_does_it_in_a_run_right_after(
    in_doubt: Machine, spotify: FakeSpotify, listed: Listed, status: int
) -> None:
    spotify.refused[CREATE] = status
    with pytest.raises((InvalidRequest, SpotifyUnavailable, Conflict), match="Run again: the run looks for it"):
        in_doubt.mirror(listed)
    assert in_doubt.entry.in_creation is not None
    assert spotify.count("new_upload_url") == 0


def test_a_name_that_is_taken_says_what_to_do(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    spotify.refused[CREATE] = 409
    with pytest.raises(Conflict, match=r'something else is taken: perhaps the name "Lapsed subscribers"'):
        machine.mirror(listed)
    spotify.refused.clear()
    assert machine.mirror(listed).bytes_sent == 0


def test_an_upload_that_spotify_never_knows_is_repeated_once_a_run(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.refused[CREATE] = 404
    for uploads in (2, 3):
        with pytest.raises(NotFound, match=r"not the first upload that Spotify does not know\. Check that the user"):
            machine.mirror(listed)
        assert spotify.count("new_upload_url") == uploads
    spotify.refused.clear()
    outcome = machine.mirror(listed)
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
