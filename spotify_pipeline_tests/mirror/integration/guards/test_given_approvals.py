"""What an approval lets pass: a list that shrank too much, over real files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spotify_pipeline.mirror.guards import (
    ApprovalRefused,
    ApprovalSource,
    Outcome,
    block_message,
    guard_limits,
)
from spotify_pipeline.mirror.journal.entry import JournalEntry
from spotify_pipeline_tests.mirror.guards.facts import ACCOUNT, NOW, approval
from spotify_pipeline_tests.mirror.guards.machine import Machine, StoredList, blocked_by, under_way, word_for
from spotify_pipeline_tests.mirror.guards.names import GuardName


@pytest.fixture
def stored(machine: Machine) -> StoredList:
    machine.sent(machine.build(range(100), "2026-11-09"))
    return machine.build(range(50), "2026-11-16")


@pytest.fixture
def entry(machine: Machine, stored: StoredList) -> JournalEntry:
    return machine.journal.read("lapsed", ACCOUNT)


def used(machine: Machine) -> list[bool]:
    return [each.used_at is not None for each in machine.approvals.history("lapsed", ACCOUNT)]


def test_w10_an_approval_lets_its_list_pass_once(machine: Machine, stored: StoredList):
    machine.approvals.give(word_for(stored))
    guard = machine.guard(stored)
    decision = guard.judge(machine.journal.read("lapsed", ACCOUNT))
    assert decision.overridden
    assert used(machine) == [False]
    guard.use_approval(decision)
    guard.use_approval(decision)
    assert used(machine) == [True]
    again = machine.judge(stored)
    assert blocked_by(again) == {GuardName.SHRINK}
    assert "was used for this list already" in block_message(again)


def test_w10_an_approval_that_is_not_needed_is_not_used(machine: Machine, stored: StoredList):
    machine.limits = guard_limits(min_rows=10, max_shrink=0.6)
    machine.approvals.give(word_for(stored))
    guard = machine.guard(stored)
    decision = guard.judge(machine.journal.read("lapsed", ACCOUNT))
    assert decision.allowed
    assert decision.approval is not None
    guard.use_approval(decision)
    assert used(machine) == [False]


def test_w10_an_approval_of_another_list_is_refused_and_named(machine: Machine, stored: StoredList):
    machine.approvals.give(approval(file_sha256="cd" * 32))
    decision = machine.judge(stored)
    assert not decision.allowed
    assert "is for the list with digest cdcdcdcdcdcd, and this is another one" in block_message(decision)


def test_w10_it_may_expire_between_the_decision_and_the_first_write(machine: Machine, stored: StoredList):
    machine.approvals.give(word_for(stored))
    guard = machine.guard(stored)
    decision = guard.judge(machine.journal.read("lapsed", ACCOUNT))
    machine.now = NOW + timedelta(hours=24)
    with pytest.raises(ApprovalRefused, match="does not hold any more"):
        guard.use_approval(decision)


def test_w10_two_runs_cannot_both_use_it(machine: Machine, stored: StoredList, entry: JournalEntry):
    machine.approvals.give(word_for(stored))
    first, second = machine.guard(stored), machine.guard(stored)
    decisions = first.judge(entry), second.judge(entry)
    first.use_approval(decisions[0])
    with pytest.raises(ApprovalRefused, match="does not hold any more"):
        second.use_approval(decisions[1])


@pytest.mark.parametrize("given", [None, ApprovalSource.RUN_CONFIG, ApprovalSource.ROLLBACK])
def test_a_list_that_is_being_sent_needs_no_second_approval(
    machine: Machine, stored: StoredList, entry: JournalEntry, given: ApprovalSource | None
):
    word = word_for(stored, source=given or ApprovalSource.COMMAND)
    in_run = word if given else None
    if given is None:
        machine.approvals.give(word)
    before = machine.guard(stored, given=in_run)
    before.use_approval(before.judge(entry))
    after = machine.guard(stored, given=in_run)
    decision = after.judge(under_way(entry, stored))
    assert decision.overridden
    after.use_approval(decision)
    assert used(machine) == [True]


@pytest.mark.parametrize("part", ["first of it accepted", "one of it being sent"])
def test_a_list_of_which_a_part_was_sent_goes_on(machine: Machine, stored: StoredList, entry: JournalEntry, part: str):
    machine.limits = guard_limits(min_rows=60)
    machine.approvals.give(word_for(stored))
    before = machine.guard(stored)
    before.use_approval(before.judge(entry))
    whole: dict[str, Any] = {"file_sha256": "ab" * 32, "whole_sha256": stored[1].sha256}
    now = replace(entry, **whole) if part == "first of it accepted" else under_way(entry, stored, **whole)
    assert machine.guard(stored).judge(now).overridden


def test_w10_another_list_that_is_being_sent_does_not_revive_it(
    machine: Machine, stored: StoredList, entry: JournalEntry
):
    machine.approvals.give(word_for(stored))
    guard = machine.guard(stored)
    guard.use_approval(guard.judge(entry))
    other = under_way(entry, stored, file_sha256="ab" * 32)
    assert not machine.guard(stored).judge(other).allowed


def test_one_run_uses_one_approval_for_all_that_it_asks(machine: Machine, stored: StoredList, entry: JournalEntry):
    machine.approvals.give(word_for(stored))
    guard = machine.guard(stored)
    for _ in range(3):
        decision = guard.judge(entry)
        assert decision.allowed
        guard.use_approval(decision)
    assert used(machine) == [True]


def test_w10_a_run_config_is_recorded_and_not_good_for_the_run_made_again(
    machine: Machine, stored: StoredList, entry: JournalEntry
):
    word = word_for(stored, source=ApprovalSource.RUN_CONFIG)
    guard = machine.guard(stored, given=word)
    guard.use_approval(guard.judge(entry))
    (kept,) = machine.approvals.history("lapsed", ACCOUNT)
    assert kept == replace(word, used_at=NOW.isoformat(), used_for=stored[1].sha256)
    later = replace(word, approved_at=(NOW + timedelta(hours=1)).isoformat())
    again = machine.judge(stored, given=later)
    assert not again.allowed
    assert "The approval in the run config was used already." in block_message(again)
    machine.approvals.give(word_for(stored, reason="Once more."))
    assert machine.judge(stored, given=later).overridden


def test_a_rollback_is_recorded_and_may_be_made_again(machine: Machine, stored: StoredList, entry: JournalEntry):
    for _ in range(2):
        guard = machine.guard(stored, given=word_for(stored, source=ApprovalSource.ROLLBACK))
        guard.use_approval(guard.judge(entry))
    assert [each.source for each in machine.approvals.history("lapsed", ACCOUNT)] == [ApprovalSource.ROLLBACK] * 2


def test_w11_an_approval_in_the_run_config_of_another_audience_is_refused(machine: Machine, stored: StoredList):
    decision = machine.judge(stored, given=word_for(stored, audience="students"))
    assert [each.outcome for each in decision.findings if each.guard == GuardName.SHRINK] == [Outcome.BLOCKED]
    assert "is for students" in block_message(decision)


def test_one_of_something_else_in_the_run_config_leaves_the_kept_one_as_it_is(machine: Machine, stored: StoredList):
    machine.approvals.give(word_for(stored))
    decision = machine.judge(stored, given=approval(file_sha256="cd" * 32, source=ApprovalSource.RUN_CONFIG))
    assert decision.overridden
    assert decision.approval == word_for(stored)
