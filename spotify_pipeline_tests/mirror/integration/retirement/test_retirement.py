"""An audience that no YAML defines is seen, and goes or stays by a person's word."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spotify_pipeline.customer_list import split_list
from spotify_pipeline.mirror import (
    Lookalike,
    MirrorAction,
    MirrorRefused,
    RemovalPolicy,
    Retired,
    mirror_parts,
    orphans,
    parts_known,
    retire,
    sync_event_based,
)
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Machine
from spotify_pipeline_tests.state_edits import damage, lose


@pytest.fixture
def machine(tmp_path: Path, spotify: FakeSpotify) -> Machine:
    return Machine(tmp_path / "machine", spotify)


def retire_it(machine: Machine, policy: RemovalPolicy, audience: str = "lapsed") -> list[Retired]:
    time = machine.spotify.time
    return retire(
        machine.client,
        machine.journal,
        audience=audience,
        ad_account_id=AD_ACCOUNT,
        policy=policy,
        reason="The campaign is over.",
        by="somebody",
        clock=time,
        sleep=time.sleep,
        wait=0,
    )


def in_parts_with_a_lookalike(machine: Machine, build_list: BuildList) -> None:
    listed, time = build_list(range(60)), machine.spotify.time
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
    mirror_parts(machine.mirroring, SPEC, split_list(*listed, 2, listed[0].parent / "parts"), guard=guard)
    seed = str(machine.entry.audience_id)
    lookalike = SPEC.lookalike("Like them", None)
    definition = Lookalike(seed_audience_id=seed)
    sync_event_based(machine.client, machine.journal, lookalike, definition, clock=time, sleep=time.sleep)


def kinds(machine: Machine, key: str = "lapsed") -> list[str]:
    assert all(each.whole for each in machine.receipts.verify())
    return [str(each.kind) for each in machine.receipts.read(key, AD_ACCOUNT)]


def test_p16_an_audience_that_no_yaml_defines_is_an_orphan(machine: Machine, build_list: BuildList) -> None:
    in_parts_with_a_lookalike(machine, build_list)
    assert orphans(machine.journal, {"lapsed"}) == []
    (orphan,) = orphans(machine.journal, {"churned"})
    assert (orphan.audience, orphan.ad_account_id, orphan.snapshot) == ("lapsed", AD_ACCOUNT, "2026-11-16")
    assert orphan.keys == ("lapsed", "lapsed.2", "lapsed.lookalike")
    assert len(orphan.audience_ids) == 3


def test_p16_a_journal_that_cannot_be_read_is_an_orphan_too(machine: Machine) -> None:
    damage(machine.journal, "lapsed", AD_ACCOUNT)
    (orphan,) = orphans(machine.journal, set())
    assert "is damaged" in str(orphan.problem)


@pytest.mark.parametrize("policy", RemovalPolicy)
def test_p16_what_was_retired_is_no_orphan_and_has_a_receipt(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, policy: RemovalPolicy
) -> None:
    in_parts_with_a_lookalike(machine, build_list)
    before = set(spotify.audiences)
    retired = retire_it(machine, policy)
    assert [each.key for each in retired] == ["lapsed.lookalike", "lapsed.2", "lapsed"]
    assert {each.audience_id for each in retired} == before
    assert set(spotify.audiences) == (set() if policy is RemovalPolicy.DELETE else before)
    assert orphans(machine.journal, set()) == []
    said = machine.receipts.read("lapsed", AD_ACCOUNT)[-1]
    assert str(said.kind) == ("deleted" if policy is RemovalPolicy.DELETE else "left")
    assert (said.approved_by, said.to_json()["approval"]["why"]) == ("somebody", "The campaign is over.")
    assert said.to_json()["last_list"]["snapshot"] == "2026-11-16"
    asked = len(spotify.asked)
    with pytest.raises(MirrorRefused, match="There is no audience lapsed in ad account"):
        retire_it(machine, policy)
    assert len(spotify.asked) == asked
    assert [len(kinds(machine, each.key)) for each in retired] == [2, 2, 2]


@pytest.mark.parametrize("left_before", [False, True])
def test_p16_a_part_whose_journal_was_lost_is_deleted_with_the_others(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, left_before: bool
) -> None:
    in_parts_with_a_lookalike(machine, build_list)
    theirs = machine.journal.read("lapsed.2", AD_ACCOUNT).audience_id
    lose(machine.journal, "lapsed.2", AD_ACCOUNT)
    if left_before:
        left = retire_it(machine, RemovalPolicy.LEAVE)
        assert [(each.key, each.audience_id) for each in left][1] == ("lapsed.2", theirs)
    retired = retire_it(machine, RemovalPolicy.DELETE)
    assert [(each.key, each.audience_id) for each in retired][1] == ("lapsed.2", theirs)
    assert spotify.audiences == {}
    with pytest.raises(MirrorRefused, match="to retire"):
        retire_it(machine, RemovalPolicy.DELETE)


def test_p16_of_two_that_may_be_the_audience_none_is_deleted_unseen(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    had = machine.mirror(build_list(range(10))).audience.id
    aside = spotify.audiences.pop(had)
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(20), "2026-11-23"))
    spotify.faults = no_fault
    spotify.audiences[had] = aside
    with pytest.raises(MirrorRefused, match=rf"2 audiences.*{had}.*Nothing was deleted\. Delete all but one"):
        retire_it(machine, RemovalPolicy.DELETE)
    assert len(spotify.audiences) == 2
    del spotify.audiences[had]  # what it says to do
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}


def test_p16_an_audience_that_an_erasure_waits_for_is_reported_even_if_it_was_left(
    machine: Machine, build_list: BuildList
) -> None:
    made = machine.mirror(build_list(range(10))).audience.id
    (orphan,) = orphans(machine.journal, set(), waiting={"lapsed"})
    assert (orphan.audience_ids, orphan.waits_only) == ((made,), False)
    retire_it(machine, RemovalPolicy.LEAVE)
    assert orphans(machine.journal, set(), waiting={"another"})[0].audience == "another"
    (orphan,) = orphans(machine.journal, set(), waiting={"lapsed"})
    assert (orphan.audience, orphan.keys, orphan.audience_ids) == ("lapsed", ("lapsed",), (made,))
    assert orphan.waits_only
    assert orphans(machine.journal, {"lapsed"}, waiting={"lapsed"}) == []


def test_what_was_left_may_still_be_deleted(machine: Machine, spotify: FakeSpotify, build_list: BuildList) -> None:
    machine.mirror(build_list(range(10)))
    retire_it(machine, RemovalPolicy.LEAVE)
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}
    assert kinds(machine) == ["created", "left", "deleted"]


def test_an_audience_in_use_is_not_deleted_nor_is_any_part_of_it(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    in_parts_with_a_lookalike(machine, build_list)
    before = set(spotify.audiences)
    spotify.audiences[str(machine.entry.audience_id)].status = "LIVE"
    with pytest.raises(MirrorRefused, match=r"is used by a campaign.*Nothing was deleted\. Take it out of its ad sets"):
        retire_it(machine, RemovalPolicy.DELETE)
    assert set(spotify.audiences) == before
    assert spotify.count("delete_audience") == 0


def test_an_audience_that_came_into_use_meanwhile_stays(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    made = machine.mirror(build_list(range(10))).audience.id

    def goes_live(number: int, operation: str) -> Fault | None:
        if operation == "delete_audience":
            spotify.audiences[made].status = "LIVE"
        return None

    spotify.faults = goes_live
    with pytest.raises(MirrorRefused, match=r"so Spotify does not delete it\. It was not deleted"):
        retire_it(machine, RemovalPolicy.DELETE)
    assert kinds(machine) == ["created"]
    assert machine.entry.retiring is None


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_AFTER])
def test_c02_a_deletion_whose_answer_was_lost_is_looked_for(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, fault: Fault
) -> None:
    machine.mirror(build_list(range(10)))
    spotify.after("delete_audience", fault)
    retire_it(machine, RemovalPolicy.DELETE)
    assert kinds(machine) == ["created", "deleted"]
    assert "the answer was lost" in machine.receipts.read("lapsed", AD_ACCOUNT)[-1].to_json()["how"]


def test_a_deletion_that_was_not_made_can_be_asked_for_again(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    machine.mirror(build_list(range(10)))
    spotify.after("delete_audience", Fault.CUT_BEFORE)
    with pytest.raises(SpotifyError):
        retire_it(machine, RemovalPolicy.DELETE)
    assert machine.entry.retired_at is None
    spotify.faults = no_fault
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}


def test_an_audience_that_is_gone_already_is_noted(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    machine.mirror(build_list(range(10)))
    spotify.audiences.clear()
    retire_it(machine, RemovalPolicy.DELETE)
    assert machine.receipts.read("lapsed", AD_ACCOUNT)[-1].to_json()["how"] == "It was gone at Spotify already."


def test_c03_an_audience_that_may_yet_be_created_is_waited_for_and_then_deleted(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    spotify.new_audiences_show_after = 600
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(build_list(range(10)))
    spotify.faults = no_fault
    assert [each.audience for each in orphans(machine.journal, set())] == ["lapsed"]
    with pytest.raises(MirrorRefused, match=r"may yet be carried out\. Nothing was deleted\. Try again later"):
        retire_it(machine, RemovalPolicy.DELETE)
    spotify.time.now += 900
    retire_it(machine, RemovalPolicy.DELETE)
    assert spotify.audiences == {}


@pytest.mark.parametrize("policy", RemovalPolicy)
def test_mirroring_it_again_takes_the_leave_back(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList, policy: RemovalPolicy
) -> None:
    machine.mirror(build_list(range(10)))
    retire_it(machine, policy)
    with pytest.raises(MirrorRefused, match="was built before the one Spotify has"):
        machine.mirror(build_list(range(12), "2026-11-09"))
    outcome = machine.mirror(build_list(range(20), "2026-11-23"))
    assert outcome.action is (MirrorAction.CREATED if policy is RemovalPolicy.DELETE else MirrorAction.REPLACED)
    assert (machine.entry.retired_at, machine.entry.retired_policy) == (None, None)
    assert [each.audience for each in orphans(machine.journal, set())] == ["lapsed"]
    assert len(kinds(machine)) == 3


def test_an_unchanged_list_takes_it_back_too(machine: Machine, build_list: BuildList) -> None:
    listed = build_list(range(10))
    machine.mirror(listed)
    retire_it(machine, RemovalPolicy.LEAVE)
    assert machine.mirror(listed).action is MirrorAction.UNCHANGED
    assert machine.entry.retired_at is None


def test_another_folder_may_adopt_what_was_left(machine: Machine, build_list: BuildList) -> None:
    theirs = machine.mirror(build_list(range(10))).audience.id
    retire_it(machine, RemovalPolicy.LEAVE)
    adopting = dataclasses.replace(SPEC, audience="copy", name="Copy", adopted_audience_id=theirs)
    assert (
        machine.mirror(build_list(range(20), audience="copy"), adopting, approved=True).action is MirrorAction.REPLACED
    )


def test_p21_a_part_that_is_not_needed_any_more_goes_alone_and_the_list_is_whole_again(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    in_parts_with_a_lookalike(machine, build_list)
    first, second = (machine.journal.read(key, AD_ACCOUNT).audience_id for key in ("lapsed", "lapsed.2"))
    retired = retire_it(machine, RemovalPolicy.DELETE, "lapsed.2")
    assert [(each.key, each.audience_id) for each in retired] == [("lapsed.2", second)]
    assert second not in spotify.audiences
    assert first in spotify.audiences
    assert (kinds(machine), kinds(machine, "lapsed.2")) == (["created"], ["created", "deleted"])
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 1
    assert {key for _, key in machine.journal.known()} == {"lapsed", "lapsed.2", "lapsed.lookalike"}
    with pytest.raises(MirrorRefused, match="to retire"):
        retire_it(machine, RemovalPolicy.DELETE, "lapsed.2")


@pytest.mark.parametrize("key", ["lapsed.2.2", "lapsed.x", "lapsed.1", "lapsed.3"])
def test_p21_no_receipt_says_deleted_of_what_is_no_part(machine: Machine, build_list: BuildList, key: str) -> None:
    in_parts_with_a_lookalike(machine, build_list)
    with pytest.raises(MirrorRefused, match=r"is not an audience or a part of one|to retire"):
        retire_it(machine, RemovalPolicy.DELETE, key)
    assert machine.receipts.read(key, AD_ACCOUNT) == []
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 2
