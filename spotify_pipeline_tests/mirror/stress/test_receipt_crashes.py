"""Whenever a run ends, every change at Spotify has one receipt in the end: none is lost, none doubled."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spotify_pipeline_tests.mirror.conftest import BuildList
from spotify_pipeline_tests.mirror.disk_steps import steps_on_disk
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine

RENAMED = dataclasses.replace(SPEC, name="Win back")


def machine_before(folder: Path, situation: str, first: Listed) -> Machine:
    machine = Machine(folder, FakeSpotify())
    if situation == "replacement":
        machine.mirror(first)
    return machine


def chain(machine: Machine) -> list[tuple[str, str | None]]:
    assert [each.faults for each in machine.receipts.verify(machine.journal)] == [()]
    return [(str(each.kind), each.snapshot) for each in machine.receipts.read("lapsed", AD_ACCOUNT)]


def crash_at(machine: Machine, listed: Listed, step: int) -> bool:
    """Whether the run was ended before this step; it has so many."""
    try:
        with steps_on_disk(machine.folder, step):
            machine.mirror(listed, RENAMED)
    except Crash:
        return True
    return False


EXPECTED = {
    "new audience": [("created", "2026-11-23")],
    "replacement": [("created", "2026-11-16"), ("renamed", None), ("replaced", "2026-11-23")],
}


@pytest.mark.parametrize("situation", EXPECTED)
def test_c01_a_run_that_ends_before_any_step_on_disk_loses_and_doubles_no_receipt(
    tmp_path: Path, build_list: BuildList, situation: str
) -> None:
    first, listed = build_list(range(10)), build_list(range(20), "2026-11-23")
    crashed, step = True, 0
    while crashed:
        machine = machine_before(tmp_path / f"home-{step}", situation, first)
        crashed = crash_at(machine, listed, step)
        machine.mirror(listed, RENAMED)
        assert chain(machine) == EXPECTED[situation], f"after a crash before step {step}"
        assert machine.entry.receipt_due is None
        machine.client.close()
        step += 1
    assert step > 20, "the steps were counted"


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
        assert lists.count("2026-11-23") == accepted, f"after a crash before step {step}"
        machine.client.close()
        step += 3


def test_a_receipt_whose_journal_was_lost_is_followed_by_the_next_number(tmp_path: Path, build_list: BuildList) -> None:
    machine = machine_before(tmp_path, "replacement", build_list(range(10)))
    machine.journal_file.unlink()
    machine.mirror(build_list(range(20), "2026-11-23"), approved=True)
    first, second = machine.receipts.read("lapsed", AD_ACCOUNT)
    assert (second.number, second.previous) == (2, first.digest)
    assert chain(machine) == [("created", "2026-11-16"), ("replaced", "2026-11-23")]


def test_a_journal_that_was_put_back_to_an_older_state_shows_in_the_chain(
    tmp_path: Path, build_list: BuildList
) -> None:
    machine = machine_before(tmp_path, "replacement", build_list(range(10)))
    backup = machine.journal_file.read_bytes()
    machine.mirror(build_list(range(20), "2026-11-23"))
    machine.journal_file.write_bytes(backup)
    machine.mirror(build_list(range(30), "2026-11-30"), approved=True)
    assert [each.number for each in machine.receipts.read("lapsed", AD_ACCOUNT)] == [1, 2, 3]
    (report,) = machine.receipts.verify(machine.journal)
    assert report.faults == ()
    assert "Receipt 3 was written when this machine knew an older state" in report.sentence


def test_a_receipt_that_was_removed_stays_missed(tmp_path: Path, build_list: BuildList) -> None:
    machine = machine_before(tmp_path, "replacement", build_list(range(10)))
    machine.mirror(build_list(range(20), "2026-11-23"))
    (machine.receipts.folder("lapsed", AD_ACCOUNT) / "000002.json").unlink()
    machine.mirror(build_list(range(30), "2026-11-30"))
    (report,) = machine.receipts.verify(machine.journal)
    assert report.faults == ("Receipt 2 is missing.",)
