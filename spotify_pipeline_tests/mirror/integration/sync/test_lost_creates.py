"""Creating an audience when Spotify's answer does not come: it is looked for, and never doubled."""

from __future__ import annotations

import dataclasses

import pytest

from spotify_pipeline.mirror import GuardBlocked, MirrorAction, MirrorRefused
from spotify_pipeline.spotify import InvalidRequest, SpotifyUnavailable, UnexpectedResponse
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import Asked, Crash, FakeSpotify, Fault, Made
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine

CREATE = "create_audience"


@pytest.fixture
def listed(build_list: BuildList) -> Listed:
    return build_list(range(10))


def creates(spotify: FakeSpotify) -> list[Asked]:
    return [each for each in spotify.asked if each.operation == CREATE]


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_AFTER, Fault.GARBLED])
def test_c02_c03_c04_a_create_that_was_carried_out_is_found_and_not_repeated(
    machine: Machine, spotify: FakeSpotify, listed: Listed, fault: Fault
) -> None:
    spotify.after(CREATE, fault)
    outcome = machine.mirror(listed)
    assert outcome.action is MirrorAction.CREATED
    assert (
        outcome.recovered
        == f"The answer to the creation of audience {outcome.audience.id} was lost; it was found at Spotify."
    )
    assert len(creates(spotify)) == 1
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
    assert machine.entry.audience_id == outcome.audience.id
    assert machine.entry.unfinished is None


def test_c02_an_audience_that_shows_late_is_waited_for(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    spotify.after(CREATE, Fault.CUT_AFTER)
    spotify.new_audiences_show_after = 6.0
    assert machine.mirror(listed).action is MirrorAction.CREATED
    assert spotify.time.slept == [2.0, 5.0]
    assert len(creates(spotify)) == 1


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.ERROR_BEFORE])
def test_c03_a_create_that_was_not_carried_out_is_asked_for_again_with_the_same_id(
    machine: Machine, spotify: FakeSpotify, listed: Listed, fault: Fault
) -> None:
    spotify.after(CREATE, fault)
    outcome = machine.mirror(listed)
    assert creates(spotify) == [Asked(CREATE, outcome.audience.id)] * 2
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
    assert sum(spotify.time.slept) == 17.0
    assert outcome.recovered is not None
    assert "lost on its way, and asked for once more" in outcome.recovered


def test_c02_an_id_that_is_taken_is_taken_by_our_audience(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    def lost_and_shown_only_when_asked_for_again(number: int, operation: str) -> Fault | None:
        del number
        if operation == CREATE and not creates(spotify):
            return Fault.CUT_AFTER
        if operation == CREATE:
            (made,) = spotify.audiences.values()
            made.shown_from = 0
        return None

    spotify.new_audiences_show_after = 3600
    spotify.faults = lost_and_shown_only_when_asked_for_again
    outcome = machine.mirror(listed)
    assert outcome.action is MirrorAction.CREATED
    assert len(creates(spotify)) == 2
    assert list(spotify.audiences) == [outcome.audience.id]


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.ERROR_BEFORE])
def test_c03_a_create_that_never_arrives_is_left_to_the_next_run_which_uploads_nothing_again(
    machine: Machine, spotify: FakeSpotify, listed: Listed, fault: Fault
) -> None:
    spotify.after(CREATE, fault, times=2)
    with pytest.raises(
        SpotifyUnavailable, match=r"not known whether the audience was created\. Run again: the run looks"
    ):
        machine.mirror(listed)
    assert len(creates(spotify)) == 2
    assert machine.entry.in_creation is not None
    outcome = machine.mirror(listed)
    assert (outcome.action, outcome.proof, outcome.bytes_sent) == (MirrorAction.CREATED, None, 0)
    assert len({each.audience_id for each in creates(spotify)}) == 1
    assert spotify.count("new_upload_url") == 1
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}
    assert machine.entry.snapshot == "2026-11-16"


def test_c04_two_answers_that_cannot_be_read_are_one_audience(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.after(CREATE, Fault.GARBLED, times=2)
    spotify.new_audiences_show_after = 60.0
    with pytest.raises(UnexpectedResponse, match="Run again: the run looks for it"):
        machine.mirror(listed)
    spotify.time.now += 60
    assert machine.mirror(listed).action is MirrorAction.CREATED
    assert len(spotify.audiences) == 1


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_c01_a_run_that_ends_at_the_create_call_is_gone_on_with(
    machine: Machine, spotify: FakeSpotify, listed: Listed, fault: Fault
) -> None:
    spotify.after(CREATE, fault)
    with pytest.raises(Crash):
        machine.mirror(listed)
    outcome = machine.mirror(listed)
    assert outcome.action is MirrorAction.CREATED
    assert outcome.recovered is not None
    assert f"Audience {outcome.audience.id}, whose creation was begun by a run before" in outcome.recovered
    assert len(creates(spotify)) == (2 if fault is Fault.CRASH_BEFORE else 1)
    assert spotify.count("new_upload_url") == 1
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_c01_a_newer_list_settles_the_older_create_first_and_then_replaces(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, fault: Fault
) -> None:
    spotify.after(CREATE, fault)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(10)))
    newer = build_list(range(20), "2026-11-23")
    outcome = machine.mirror(newer)
    assert (outcome.action, outcome.previous_snapshot) == (MirrorAction.REPLACED, None)
    assert spotify.content() == {outcome.audience.id: newer[0].read_bytes()}
    assert spotify.count("new_upload_url") == 1


def test_an_upload_that_spotify_forgot_is_made_again(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    spotify.after(CREATE, Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(listed)
    spotify.upload_ids.clear()
    spotify.upload_ids.add("of-somebody-else")
    spotify.time.now += 3600
    outcome = machine.mirror(listed)
    assert outcome.action is MirrorAction.CREATED
    assert outcome.recovered == "The upload of an audience that was not created is forgotten at Spotify."
    assert outcome.bytes_sent == listed[1].bytes
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_an_upload_that_is_forgotten_at_once_is_made_again_in_the_same_run(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    def forget_first_upload(number: int, operation: str) -> Fault | None:
        if operation == CREATE and spotify.count(CREATE) == 0:
            spotify.upload_ids.clear()
            spotify.upload_ids.add("of-somebody-else")
        return None

    spotify.faults = forget_first_upload
    outcome = machine.mirror(listed)
    assert outcome.action is MirrorAction.CREATED
    assert outcome.bytes_sent == 2 * listed[1].bytes
    assert spotify.content() == {outcome.audience.id: listed[0].read_bytes()}


def test_a_refused_create_is_not_repeated(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    too_long = dataclasses.replace(SPEC, name="x" * 81)
    with pytest.raises(InvalidRequest):
        machine.mirror(listed, too_long)
    assert machine.mirror(listed).action is MirrorAction.CREATED
    assert spotify.count("new_upload_url") == 1
    assert len(spotify.audiences) == 1


def test_c05_two_audiences_that_could_be_the_one_are_listed_and_left_alone(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.after(CREATE, Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(listed)
    for audience_id in ("one", "two"):
        spotify.audiences[audience_id] = Made("Whatever", SPEC.full_description, spotify.time.now)
    before = len(spotify.asked)
    with pytest.raises(MirrorRefused, match=r"2 audiences of ad account .* could be lapsed: one, two"):
        machine.mirror(listed)
    assert {each.operation for each in spotify.asked[before:]} == {"get_audience", "list_audiences"}


def test_c05_two_ids_of_the_journal_that_both_exist_are_listed_and_left_alone(
    machine: Machine, spotify: FakeSpotify, listed: Listed, build_list: BuildList
) -> None:
    first = machine.mirror(listed).audience
    hidden = spotify.audiences.pop(first.id)  # as if it had been deleted
    spotify.after(CREATE, Fault.CRASH_AFTER)
    newer = build_list(range(20), "2026-11-23")
    with pytest.raises(Crash):
        machine.mirror(newer)
    spotify.audiences[first.id] = hidden
    with pytest.raises(MirrorRefused, match=f"2 audiences .*{first.id}"):
        machine.mirror(newer)


def test_an_audience_that_got_another_id_is_sent_the_list_itself(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.after(CREATE, Fault.CUT_AFTER)
    spotify.next_audience_id = "another"
    outcome = machine.mirror(listed)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, "another")
    assert spotify.content() == {"another": listed[0].read_bytes()}


def test_c07_an_audience_that_is_gone_is_created_again_and_the_log_says_so(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, caplog: pytest.LogCaptureFixture
) -> None:
    first = machine.mirror(build_list(range(10))).audience
    del spotify.audiences[first.id]
    outcome = machine.mirror(build_list(range(20), "2026-11-23"))
    assert outcome.action is MirrorAction.RECREATED
    assert list(spotify.audiences) == [outcome.audience.id] != [first.id]
    assert f"lapsed: audience {first.id}, which the journal names, is gone from Spotify" in caplog.text


def test_c07_an_audience_that_is_gone_but_bears_our_key_elsewhere_is_not_doubled(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    first = machine.mirror(build_list(range(10))).audience
    spotify.audiences["moved"] = spotify.audiences.pop(first.id)
    newer = build_list(range(20), "2026-11-23")
    with pytest.raises(GuardBlocked, match=f"audience {first.id}, which the journal names, is not at Spotify, and "):
        machine.mirror(newer)
    outcome = machine.mirror(newer, approved=True)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, "moved")


@pytest.mark.parametrize("same", [True, False])
def test_an_audience_that_the_yaml_adopts_meanwhile_is_the_one(
    machine: Machine, spotify: FakeSpotify, listed: Listed, same: bool
) -> None:
    spotify.after(CREATE, Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(listed)
    (asked_for,) = spotify.audiences
    spotify.audiences["by-hand"] = Made("Made by hand", None, spotify.time.now)
    adopted = asked_for if same else "by-hand"
    outcome = machine.mirror(listed, dataclasses.replace(SPEC, adopted_audience_id=adopted), approved=not same)
    assert (outcome.action, outcome.audience.id) == (
        MirrorAction.CREATED if same else MirrorAction.REPLACED,
        adopted,
    )
    assert spotify.content()[adopted] == listed[0].read_bytes()
    left_over = f"A run before asked for audience {asked_for}; the YAML adopts by-hand now."
    assert str(outcome.recovered).startswith(left_over) is not same
