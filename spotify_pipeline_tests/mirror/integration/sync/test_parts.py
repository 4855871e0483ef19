"""A list in parts: one decision, an audience for each part, and never fewer of them than before."""

from __future__ import annotations

import dataclasses

import pytest

from spotify_pipeline.customer_list import split_list
from spotify_pipeline.mirror import (
    AudienceSpec,
    Decision,
    GuardBlocked,
    History,
    JournalEntry,
    MirrorAction,
    MirrorOutcome,
    MirrorRefused,
    mirror_parts,
    parts_known,
)
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.state_edits import damage, keep, lose


def split(listed: Listed, parts: int) -> list[Listed]:
    return [(on_disk(file), part) for file, part in split_list(*listed, parts, listed[0].parent / f"parts-{parts}")]


def send(machine: Machine, listed: Listed, parts: int, guard: Allow | None = None) -> list[MirrorOutcome]:
    guard = guard or Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
    return mirror_parts(machine.mirroring, SPEC, split(listed, parts), guard=guard)


class KnownBefore(Allow):
    """Compares the whole with the list before it, which it holds for the same."""

    def judge(self, entry: JournalEntry) -> Decision:
        return dataclasses.replace(super().judge(entry), history=History.KNOWN)


def names(spotify: FakeSpotify) -> dict[str, str]:
    return {audience_id: made.name for audience_id, made in spotify.audiences.items()}


def people(content: dict[str, bytes | None]) -> list[bytes]:
    return sorted(row for each in content.values() for row in (each or b"").splitlines()[1:])


def test_each_part_has_an_audience_and_together_they_hold_everybody_once(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    listed = build_list(range(60))
    outcomes = send(machine, listed, 3)
    assert [each.audience.name for each in outcomes] == [f"Lapsed subscribers ({n}/3)" for n in (1, 2, 3)]
    assert [each.action for each in outcomes] == [MirrorAction.CREATED] * 3
    assert people(spotify.content()) == sorted(listed[0].read_bytes().splitlines()[1:])
    assert machine.journal.known() == [(AD_ACCOUNT, key) for key in ("lapsed", "lapsed.2", "lapsed.3")]
    entry = machine.journal.read("lapsed.2", AD_ACCOUNT)
    assert entry.whole_sha256 == listed[1].sha256 == machine.entry.whole_sha256
    (receipt,) = machine.receipts.read("lapsed.2", AD_ACCOUNT)
    assert receipt.to_json()["part"]["number"] == 2
    assert receipt.to_json()["decision"]["file_sha256"] == listed[1].sha256
    assert all(each.whole for each in machine.receipts.verify())


def test_the_guard_judges_the_whole_once_from_the_first_parts_entry(machine: Machine, build_list: BuildList) -> None:
    first = build_list(range(60))
    send(machine, first, 2)
    listed = build_list(range(70), "2026-11-23")
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=60)  # neither part has so many rows
    outcomes = send(machine, listed, 2, guard)
    assert [each.whole_sha256 for each in guard.judged] == [first[1].sha256]
    assert outcomes[0].decision is outcomes[1].decision


def test_w01_a_whole_that_is_blocked_sends_no_part(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    listed = build_list(range(60))
    with pytest.raises(GuardBlocked):
        send(machine, listed, 2, Allow(listed[1], AD_ACCOUNT, min_rows=61))
    assert spotify.asked == []


def test_w10_an_approval_is_used_once_for_all_parts(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    listed = build_list(range(60))
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=61, approved=True)
    outcomes = send(machine, listed, 2, guard)
    assert len(guard.spent) == 1
    assert [each.receipts[0].approved_by for each in outcomes] == ["somebody", "somebody"]


def test_an_audience_that_outgrows_a_file_is_renamed_and_not_made_again(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    alone = machine.mirror(build_list(range(40))).audience.id
    first, second = send(machine, build_list(range(60), "2026-11-23"), 2)
    assert (first.action, first.audience.id, second.action) == (MirrorAction.REPLACED, alone, MirrorAction.CREATED)
    assert sorted(names(spotify).values()) == ["Lapsed subscribers (1/2)", "Lapsed subscribers (2/2)"]
    assert [str(each.kind) for each in first.receipts] == ["renamed", "replaced"]


def test_after_a_crash_between_parts_the_rest_is_sent(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    listed = build_list(range(60))
    spotify.after("create_audience", Fault.CRASH_AFTER, skip=1)
    with pytest.raises(Crash):
        send(machine, listed, 3)
    spotify.faults = no_fault
    outcomes = send(machine, listed, 3)
    assert [each.action for each in outcomes] == [MirrorAction.UNCHANGED, MirrorAction.CREATED, MirrorAction.CREATED]
    assert people(spotify.content()) == sorted(listed[0].read_bytes().splitlines()[1:])
    assert [len(machine.receipts.read(key, AD_ACCOUNT)) for _, key in machine.journal.known()] == [1, 1, 1]


def test_how_many_parts_there_are_is_known(machine: Machine, build_list: BuildList) -> None:
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 1
    machine.mirror(build_list(range(40)))
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 1
    send(machine, build_list(range(60), "2026-11-23"), 3)
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 3
    assert parts_known(machine.journal, "lapse", AD_ACCOUNT) == 1
    assert parts_known(machine.journal, "lapsed", "another") == 1
    damage(machine.journal, "lapsed.4", AD_ACCOUNT)
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 4


def test_a_part_that_nobody_mirrors_any_more_does_not_count(machine: Machine, build_list: BuildList) -> None:
    send(machine, build_list(range(60)), 2)
    for key in ("lapsed", "lapsed.2"):
        entry = machine.journal.read(key, AD_ACCOUNT)
        retired = dataclasses.replace(entry, retired_at="2026-11-20T00:00:00+00:00", retired_policy="leave")
        keep(machine.journal, key, retired)
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 1


def test_a_part_whose_journal_was_lost_is_not_forgotten(machine: Machine, build_list: BuildList) -> None:
    send(machine, build_list(range(60)), 3)
    for key in ("lapsed.2", "lapsed.3"):
        lose(machine.journal, key, AD_ACCOUNT)
    assert parts_known(machine.journal, "lapsed", AD_ACCOUNT) == 3


def test_a_part_whose_journal_was_lost_is_found_and_replaced_by_the_decision_about_the_whole(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    before = send(machine, build_list(range(60)), 2)
    lose(machine.journal, "lapsed.2", AD_ACCOUNT)
    listed = build_list(range(70), "2026-11-23")
    after = send(machine, listed, 2, KnownBefore(listed[1], AD_ACCOUNT, min_rows=ENOUGH))
    assert [each.audience.id for each in after] == [each.audience.id for each in before]
    assert people(spotify.content()) == sorted(listed[0].read_bytes().splitlines()[1:])
    assert all(each.whole for each in machine.receipts.verify())


def test_parts_that_are_not_one_whole_are_refused(
    machine: Machine, spotify: FakeSpotify, build_list: BuildList
) -> None:
    one, other = split(build_list(range(60)), 3), split(build_list(range(70), "2026-11-23"), 3)
    guard = Allow(build_list(range(60))[1], AD_ACCOUNT, min_rows=ENOUGH)
    for parts in ([one[0], one[1]], [one[1], one[0], one[2]], [one[0], other[1], one[2]], [one[0]]):
        with pytest.raises(MirrorRefused, match=r"are not all parts of one list, in order\. Nothing was sent"):
            mirror_parts(machine.mirroring, SPEC, parts, guard=guard)
    assert spotify.asked == []


def test_one_part_is_the_audience_itself(machine: Machine, spotify: FakeSpotify, build_list: BuildList) -> None:
    listed = build_list(range(60))
    guard = Allow(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
    (outcome,) = mirror_parts(machine.mirroring, SPEC, [listed], guard=guard)
    assert outcome.audience.name == SPEC.name


@pytest.mark.parametrize("length", [2, 73, 74, 75, 80])
def test_a_parts_name_fits_and_says_which_it_is(length: int) -> None:
    spec: AudienceSpec = dataclasses.replace(SPEC, name="x" * length, adopted_audience_id="theirs")
    parts = [spec.part(number, 2) for number in (1, 2)]
    assert all(len(each.name) <= 80 for each in parts)
    assert [each.name[-6:] for each in parts] == [" (1/2)", " (2/2)"]
    assert [each.audience for each in parts] == ["lapsed", "lapsed.2"]
    assert [each.adopted_audience_id for each in parts] == ["theirs", None]
    assert parts[0].key == spec.key != parts[1].key
