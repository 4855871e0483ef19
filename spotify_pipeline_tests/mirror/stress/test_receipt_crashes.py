"""Whenever a run ends, every change at Spotify has one receipt in the end: none is lost, none doubled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spotify_pipeline.state import tables
from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine
from spotify_pipeline_tests.mirror.watched_state import WatchedState, ending_at
from spotify_pipeline_tests.state_edits import tampering

RENAMED = dataclasses.replace(SPEC, name="Win back")


def machine_before(folder: Path, situation: str, first: Listed) -> Machine:
    machine = Machine(folder, FakeSpotify(), state=WatchedState.in_home(folder))
    if situation == "replacement":
        machine.mirror(first)
    return machine


def chain(machine: Machine) -> list[tuple[str, str | None]]:
    assert [each.faults for each in machine.receipts.verify()] == [()]
    return [(str(each.kind), each.snapshot) for each in machine.receipts.read("lapsed", AD_ACCOUNT)]


def crash_at(machine: Machine, listed: Listed, step: int) -> bool:
    """Whether the run was ended at this step; it has so many."""
    try:
        with ending_at(machine.state, step):
            machine.mirror(listed, RENAMED)
    except Crash:
        return True
    return False


EXPECTED = {
    "new audience": [("created", "2026-11-23")],
    "replacement": [("created", "2026-11-16"), ("renamed", None), ("replaced", "2026-11-23")],
}


@pytest.mark.parametrize("situation", EXPECTED)
def test_c01_a_run_that_ends_before_or_after_any_commit_loses_and_doubles_no_receipt(
    tmp_path: Path, build_list: BuildList, situation: str
) -> None:
    first, listed = build_list(range(10)), build_list(range(20), "2026-11-23")
    crashed, step = True, 0
    while crashed:
        machine = machine_before(tmp_path / f"home-{step}", situation, first)
        crashed = crash_at(machine, listed, step)
        machine.mirror(listed, RENAMED)
        assert chain(machine) == EXPECTED[situation], f"after a crash at step {step}"
        machine.client.close()
        step += 1
    assert step > 12, "the steps were counted"


def test_c01_with_another_list_after_the_crash_each_list_that_was_accepted_has_its_own(
    tmp_path: Path, build_list: BuildList
) -> None:
    first, listed = build_list(range(10)), build_list(range(20), "2026-11-23")
    last = build_list(range(30), "2026-11-30")
    crashed, step = True, 0
    while crashed:
        machine = machine_before(tmp_path / f"home-{step}", "replacement", first)
        crashed = crash_at(machine, listed, step)
        accepted = machine.entry.file_sha256 == listed[1].sha256
        machine.mirror(last, RENAMED)
        lists = [snapshot for kind, snapshot in chain(machine) if kind != "renamed"]
        assert lists[-1] == "2026-11-30"
        assert lists.count("2026-11-23") == accepted, f"after a crash at step {step}"
        machine.client.close()
        step += 3


def test_a_receipt_whose_journal_was_lost_is_followed_by_the_next_number(tmp_path: Path, build_list: BuildList) -> None:
    machine = machine_before(tmp_path, "replacement", build_list(range(10)))
    machine.lose_journal()
    machine.mirror(build_list(range(20), "2026-11-23"), approved=True)
    first, second = machine.receipts.read("lapsed", AD_ACCOUNT)
    assert (second.number, second.previous) == (2, first.digest)
    assert chain(machine) == [("created", "2026-11-16"), ("replaced", "2026-11-23")]


def test_a_journal_that_was_put_back_to_an_older_state_shows_in_the_receipt(
    tmp_path: Path, build_list: BuildList
) -> None:
    machine = machine_before(tmp_path, "replacement", build_list(range(10)))
    backup = machine.entry
    machine.mirror(build_list(range(20), "2026-11-23"))
    machine.keep(backup)
    machine.mirror(build_list(range(30), "2026-11-30"), approved=True)
    assert [each.number for each in machine.receipts.read("lapsed", AD_ACCOUNT)] == [1, 2, 3]
    (report,) = machine.receipts.verify()
    assert report.faults == ()
    findings = machine.receipts.read("lapsed", AD_ACCOUNT)[-1].to_json()["decision"]["findings"]
    (approved,) = [each for each in findings if each["outcome"] == "overridden"]
    assert "there is receipt 2" in str(approved), "the receipt says what a person approved"


def test_a_receipt_that_was_removed_stays_missed(tmp_path: Path, build_list: BuildList) -> None:
    machine = machine_before(tmp_path, "replacement", build_list(range(10)))
    machine.mirror(build_list(range(20), "2026-11-23"))
    with tampering(machine.state) as transaction:
        transaction.execute(tables.receipt.delete().where(tables.receipt.c.number == 2))
    machine.mirror(build_list(range(30), "2026-11-30"))
    (report,) = machine.receipts.verify()
    assert report.faults == ("Receipt 2 is missing.",)
