"""No audience is taken for another: of another kind, of the same folder before, or asked for in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spotify_pipeline.mirror import EventBasedAction, MirrorRefused, RemovalPolicy, retire
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.integration.event_based.test_event_based import (
    BOUGHT,
    HEARD,
    SPEC,
    forget_journal,
    kept,
    receipts,
    retire_it,
)
from spotify_pipeline_tests.mirror.machine import Machine


@pytest.mark.parametrize("kind_is_shown", [True, False])
@pytest.mark.parametrize("left", [False, True])
def test_a_folder_that_was_a_mirrored_audience_makes_no_other_kind(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, left: bool, kind_is_shown: bool
) -> None:
    spec = replace(SPEC, audience="lapsed")
    mirrored = machine.mirror(build_list(range(10)), spec).audience.id
    if left:
        time = spotify.time
        word: dict[str, Any] = {"policy": RemovalPolicy.LEAVE, "reason": "It is over", "by": "Kim"}
        place: dict[str, Any] = {"audience": "lapsed", "ad_account_id": AD_ACCOUNT}
        retire(None, machine.journal, **place, **word, clock=time, sleep=time.sleep, wait=0)
    if not kind_is_shown:
        spotify.audiences[mirrored].subtype = None
    kind = "CUSTOMER_LIST" if kind_is_shown else "CUSTOM"
    with pytest.raises(MirrorRefused, match=rf"lapsed is {kind} audience {mirrored}, .*folder of another name"):
        kept(machine, BOUGHT, spec)
    assert [*spotify.audiences] == [mirrored]
    assert machine.entry.file_sha256 is not None


def test_a_folder_that_spotify_filled_is_not_mirrored_to(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    made = kept(machine, BOUGHT, replace(SPEC, audience="lapsed")).audience.id
    with pytest.raises(MirrorRefused, match=rf"Audience {made} is of the kind WEB_EVENT, not a customer list"):
        machine.mirror(build_list(range(10)))
    assert spotify.lists == {}


def test_another_kind_is_refused_where_spotify_shows_neither_kind_nor_settings(
    machine: Machine, spotify: FakeSpotify
) -> None:
    made = kept(machine, BOUGHT).audience.id
    spotify.shows_settings, spotify.audiences[made].subtype = False, None
    heard = replace(HEARD, lookback_days=BOUGHT.lookback_days)
    for journal_is_lost in (False, True):
        if journal_is_lost:
            forget_journal(machine)
        with pytest.raises(
            MirrorRefused, match=rf"The journal and receipts say that bought is .*{made}.*, and not .*ad engagement"
        ):
            kept(machine, heard)
    assert kept(machine, BOUGHT).audience.id == made


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_one_that_seemed_gone_is_not_taken_for_the_one_asked_for_in_its_place(
    machine: Machine, spotify: FakeSpotify, fault: Fault
) -> None:
    made = kept(machine, BOUGHT).audience.id
    spotify.audiences[made].shown_from = spotify.time.now + 60
    spotify.after("create_audience", fault)
    with pytest.raises(Crash):
        kept(machine, BOUGHT)
    spotify.faults = no_fault
    spotify.time.now += 60
    if fault is Fault.CRASH_AFTER:
        with pytest.raises(MirrorRefused, match=rf"2 audiences .*{made}, filled-2\. .*Delete all but one in Ads"):
            kept(machine, BOUGHT)
        del spotify.audiences["filled-2"]
    for minutes in (0, 15):
        spotify.time.now += minutes * 60
        outcome = kept(machine, BOUGHT)
        assert (outcome.action, outcome.audience.id) == (EventBasedAction.UNCHANGED, made)
        assert "had seemed gone and is shown again" in str(outcome.recovered)
    assert kept(machine, BOUGHT).recovered is None
    assert receipts(machine) == ["web event audience created"]


def test_a_folder_whose_creation_by_spotify_is_open_is_not_mirrored_to(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    spotify.after("create_audience", Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        kept(machine, BOUGHT, replace(SPEC, audience="lapsed"))
    spotify.faults = no_fault
    asked = len(spotify.asked)
    for _ in range(2):
        with pytest.raises(MirrorRefused, match=r"folder of another name.* retire lapsed --policy leave, or --policy"):
            machine.mirror(build_list(range(10)))
        spotify.time.now += 15 * 60
    assert [each.operation for each in spotify.asked[asked:]] == []


def test_a_list_that_is_being_sent_in_the_place_of_one_that_spotify_filled_counts_as_a_list(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    made = kept(machine, BOUGHT, replace(SPEC, audience="lapsed")).audience.id
    del spotify.audiences[made]
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(10)))
    assert not machine.entry.is_filled_by_spotify  # so whoever asks to be forgotten waits for it


def test_one_that_seemed_gone_and_one_in_its_place_are_not_left_behind_by_a_leave_taking(
    machine: Machine, spotify: FakeSpotify
) -> None:
    made = kept(machine, BOUGHT).audience.id
    spotify.audiences[made].shown_from = spotify.time.now + 60
    spotify.new_audiences_show_after = 120
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        kept(machine, BOUGHT)
    spotify.faults = no_fault
    spotify.time.now += 60
    with pytest.raises(
        MirrorRefused, match=r"less than 15 minutes ago and may yet be carried out\. Nothing was deleted"
    ):
        retire_it(machine, RemovalPolicy.DELETE)
    spotify.time.now += 15 * 60
    with pytest.raises(MirrorRefused, match=rf"2 audiences .*{made}, filled-2\. .*Delete all but one in Ads Manager"):
        retire_it(machine, RemovalPolicy.DELETE)
    del spotify.audiences[made]
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}
