"""Audiences that somebody else has too, that are gone, or that only seem to be."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest

from spotify_pipeline.mirror import GuardBlocked, MirrorAction, MirrorRefused, RemovalPolicy, retire
from spotify_pipeline.spotify import UnexpectedResponse
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, Made, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine
from spotify_pipeline_tests.state_edits import damage


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify) -> Machine:
    return Machine(tmp_path / "one", spotify)


@pytest.fixture
def other_machine(tmp_path: Path, spotify: FakeSpotify) -> Machine:
    return Machine(tmp_path / "two", spotify)


@pytest.fixture
def listed(build_list: BuildList) -> Listed:
    return build_list(range(10))


@pytest.fixture
def newer(build_list: BuildList) -> Listed:
    return build_list(range(20), "2026-11-23")


def test_the_audience_of_another_folder_is_not_adopted(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    theirs = machine.mirror(listed).audience.id
    damage(machine.journal, "damaged", AD_ACCOUNT)
    adopting = dataclasses.replace(SPEC, audience="copy", name="Copy", adopted_audience_id=theirs)
    before = len(spotify.asked)
    with pytest.raises(MirrorRefused, match=rf"Audience {theirs}, .* of copy adopts, is the one of lapsed") as refused:
        machine.mirror(listed, adopting)
    assert "if lapsed is no longer mirrored, run: spotify-pipeline retire lapsed --policy leave" in str(refused.value)
    assert len(spotify.asked) == before
    retire(  # what it says to do, where the other folder is no more
        None,
        machine.journal,
        audience="lapsed",
        ad_account_id=AD_ACCOUNT,
        policy=RemovalPolicy.LEAVE,
        reason="The folder was renamed.",
        by="somebody",
    )
    assert machine.mirror(listed, adopting, approved=True).action is MirrorAction.REPLACED


def test_a_folder_may_state_the_id_of_its_own_audience(machine: Machine, listed: Listed, newer: Listed) -> None:
    own = machine.mirror(listed).audience.id
    adopting = dataclasses.replace(SPEC, adopted_audience_id=own)
    assert machine.mirror(newer, adopting).action is MirrorAction.REPLACED


def test_c08_a_second_deployment_says_that_it_takes_over(
    machine: Machine, other_machine: Machine, listed: Listed, newer: Listed, caplog: pytest.LogCaptureFixture
) -> None:
    ours = machine.mirror(listed).audience.id
    with pytest.raises(GuardBlocked, match=rf"Spotify has its audience {ours}; .* another deployment made the"):
        other_machine.mirror(newer)
    outcome = other_machine.mirror(newer, approved=True)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, ours)
    said = f"Audience {ours} bears the mark of lapsed, and the journal of this machine does not name it."
    assert str(outcome.recovered).startswith(said)
    assert {each.levelno for each in caplog.records if said in each.getMessage()} == {logging.WARNING}


def test_two_deployments_that_create_at_once_are_told(
    machine: Machine, other_machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    def meanwhile(number: int, operation: str) -> Fault | None:
        if operation == "put_upload":
            spotify.faults = no_fault
            other_machine.mirror(listed)
        return None

    spotify.faults = meanwhile
    with pytest.raises(MirrorRefused, match=r"2 audiences of ad account .* could be lapsed: ") as refused:
        machine.mirror(listed)
    assert all(each in str(refused.value) for each in spotify.audiences)
    ours = str(machine.entry.audience_id)
    assert f"The list was sent to {ours}." in str(refused.value)
    assert machine.mirror(newer).audience.id == ours


def test_c07_an_audience_that_seems_gone_for_a_moment_is_not_doubled(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    ours = machine.mirror(listed).audience.id
    spotify.audiences[ours].shown_from = spotify.time.now + 6
    outcome = machine.mirror(newer)
    assert (outcome.action, outcome.audience.id) == (MirrorAction.REPLACED, ours)
    assert len(spotify.audiences) == 1


def test_c07_an_audience_that_is_shown_again_ends_what_was_begun_in_its_place(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    ours = machine.mirror(listed).audience.id
    hidden = spotify.audiences.pop(ours)
    spotify.after("create_audience", Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(newer)
    spotify.audiences[ours] = hidden
    outcome = machine.mirror(newer)
    assert str(outcome.recovered).startswith(f"Audience {ours} had seemed gone and is shown again; audience ")
    assert spotify.content() == {ours: newer[0].read_bytes()}


def test_an_audience_that_is_deleted_while_its_list_is_sent_is_not_called_replaced(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    first = machine.mirror(listed).audience.id

    def deleted(number: int, operation: str) -> Fault | None:
        if operation == "put_upload":
            spotify.audiences.clear()
        return None

    spotify.faults = deleted
    with pytest.raises(MirrorRefused, match=rf"Audience {first} of lapsed was deleted at Spotify while its list was"):
        machine.mirror(newer)
    spotify.faults = no_fault
    outcome = machine.mirror(newer)
    assert outcome.action is MirrorAction.RECREATED
    assert spotify.content() == {outcome.audience.id: newer[0].read_bytes()}


def test_c06_a_list_of_audiences_that_is_not_whole_does_not_prove_that_there_is_none(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.uncounted = 1
    with pytest.raises(UnexpectedResponse, match=r"counts 1 audiences and listed 0.* nothing was changed\. Run again"):
        machine.mirror(listed)
    assert {each.operation for each in spotify.asked} == {"list_audiences"}
    spotify.uncounted = 0
    assert machine.mirror(listed).action is MirrorAction.CREATED


def test_a_lookalike_is_not_adopted(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    spotify.audiences["like"] = Made("Like them", None, spotify.time.now, type="LOOKALIKE", subtype=None)
    with pytest.raises(MirrorRefused, match="Audience like is of the kind LOOKALIKE, not a customer list"):
        machine.mirror(listed, dataclasses.replace(SPEC, adopted_audience_id="like", ad_account_id=AD_ACCOUNT))
