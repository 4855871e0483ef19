"""An approval for a change, or for other identity rules: whatever list comes next, within what was shown, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spotify_pipeline.customer_list import TypeChange
from spotify_pipeline.mirror.guards import (
    Approval,
    ApprovalRefused,
    ApprovalSource,
    ApprovedChange,
    ApprovedRules,
    GuardFacts,
    History,
    Outcome,
    SentLately,
    block_message,
    change_within,
    outdated,
    without_history,
)
from spotify_pipeline_tests.mirror.guards.facts import (
    ACCOUNT,
    NOW,
    OTHER,
    approval,
    compared,
    decided,
    facts,
    manifest,
)
from spotify_pipeline_tests.mirror.guards.machine import Machine, StoredList, blocked_by, under_way
from spotify_pipeline_tests.mirror.guards.names import GuardName

HALF = compared(5_000, 10_000)


def for_change(about: GuardFacts = HALF, margin: float = 0.05, **changes: Any) -> Approval:
    shown = change_within(decided(about), margin, OTHER)
    assert shown is not None
    return approval(**{"file_sha256": None, "change": shown} | changes)


def for_rules(before: int = 1, now: int = 2) -> Approval:
    return approval(file_sha256=None, rules=ApprovedRules(before=before, now=now))


@pytest.mark.parametrize(("rows", "passes"), [(5_000, True), (4_500, True), (4_499, False), (6_000, True)])
def test_w10_an_approved_change_holds_for_another_file_up_to_its_margin(rows: int, passes: bool):
    decision = decided(compared(rows, 10_000), given=for_change())
    assert decision.allowed is passes
    if not passes:
        assert "is for shrink: rows up to 55 %, drain: rows fewer up to 55 %, which is less" in block_message(decision)


def test_w10_it_holds_for_nothing_but_what_it_showed():
    others = compared(10_000, 10_000, added=9_000, removed=9_000)
    assert not decided(others, given=for_change()).allowed
    churned = compared(5_000, 10_000, added=4_000, removed=9_000)
    assert {each.guard for each in decided(churned, given=for_change()).blocked_by} == {GuardName.CHURN}
    phones = TypeChange(before=8_000, now=8_000, staying=0)
    both = manifest(digests={"email": 10_000, "phone": 8_000})
    about = compared(both, replace(both, sha256=OTHER))
    assert about.previous is not None
    salted = replace(about, previous=replace(about.previous, types={"phone": phones}))
    emails = replace(about, previous=replace(about.previous, types={"email": replace(phones, before=10_000)}))
    assert decided(salted, given=for_change(salted)).allowed
    assert not decided(emails, given=for_change(salted)).allowed


def test_w19_who_approves_of_a_loss_approves_of_it_since_the_lists_before_too():
    shown = compared(6_500, 10_000, lately=(SentLately(at=NOW.isoformat(), rows_sent=10_500),))
    assert {each.guard for each in decided(shown).blocked_by} == {GuardName.SHRINK}
    next_day = replace(compared(6_200, 10_000), lately=shown.lately)
    assert {each.guard for each in decided(next_day).blocked_by} == {GuardName.SHRINK, GuardName.DRAIN}
    assert decided(next_day, given=for_change(shown, margin=0.06)).allowed


def test_w10_it_is_void_once_spotify_has_another_list():
    about = compared(5_000, manifest(10_000, sha256="d4" * 32))
    decision = decided(about, given=for_change())
    assert not decision.allowed
    assert "and Spotify has another by now, so it does not count" in block_message(decision)
    assert not decided(facts(999), given=for_change()).allowed


def test_w10_it_expires():
    decision = decided(replace(HALF, now=NOW + timedelta(days=1)), given=for_change())
    assert not decision.allowed
    assert "expired at" in block_message(decision)


@pytest.mark.parametrize(
    "about",
    [
        compared(0, 10_000),
        compared(5_000, 10_000, erased_rows=1),
        compared(manifest(5_000, source_rows=5_001), 10_000),
        compared(manifest(5_000, bytes=2 << 30), 10_000),
        compared(5_000, 10_000, other_accounts=("acme",)),
        compared(999, 10_000),
        compared(10_000, 10_000),
    ],
)
def test_w01_no_change_is_shown_where_not_only_shares_block(about: GuardFacts):
    assert change_within(decided(about), 0.05, OTHER) is None
    assert decided(about, given=for_change()).allowed is (about.manifest.list_rows == 10_000)


def test_w08_it_says_nothing_of_an_audience_whose_history_is_lost():
    decision = without_history(decided(HALF, given=for_change()), "Spotify has an audience of ours")
    assert {each.guard for each in decision.blocked_by} == {GuardName.HISTORY}


def test_w20_it_says_nothing_of_a_machine_that_knows_an_older_state():
    decision = outdated(decided(HALF, given=for_change()), ["the journal is older than its receipts"])
    assert {each.guard for each in decision.blocked_by} == {GuardName.HISTORY}
    assert "older than what was sent: the journal is older than its receipts. " in block_message(decision)


def test_a_run_config_approves_of_all_that_a_guard_measures():
    change = ApprovedChange(live_sha256=OTHER, within={"shrink": {"*": 0.5}})
    assert decided(HALF, given=for_change(change=change)).allowed
    assert not decided(compared(4_999, 10_000), given=for_change(change=change)).allowed


def by_other_rules(now: int = 6_000, rows_read: int = 10_000) -> GuardFacts:
    after = manifest(now, rules_version=2, rows_dropped={"no_identifier": rows_read - now})
    return compared(after, 10_000)


def test_other_rules_are_approved_of_by_their_versions():
    assert not decided(by_other_rules()).allowed
    assert decided(by_other_rules(), given=for_rules()).allowed
    for void in (for_rules(1, 3), for_rules(2, 3)):
        assert "that is not what lies between these lists" in block_message(decided(by_other_rules(), given=void))
    assert not decided(HALF, given=for_rules()).allowed
    assert not decided(facts(999), given=for_rules()).allowed


def test_other_rules_excuse_no_loss_of_the_segment_itself():
    lost = by_other_rules(now=5_000, rows_read=6_000)
    decision = decided(lost, given=for_rules())
    assert {each.guard for each in decision.blocked_by} == {GuardName.SHRINK}
    thinned = manifest(2_600, rules_version=2, rows_kept=10_000, rows_read=10_000, rows_withdrawn=7_400)
    assert not decided(compared(thinned, 10_000), given=for_rules()).allowed
    broken = compared(manifest(rules_version=2, rejected={"email": {"invalid": 9_000}}), 10_000)
    assert {each.guard for each in decided(broken, given=for_rules()).blocked_by} == {GuardName.INVALID}


@pytest.fixture
def live(machine: Machine) -> StoredList:
    stored = machine.build(range(100), "2026-11-09")
    machine.sent(stored)
    return stored


def change_of(machine: Machine, stored: StoredList, live: StoredList) -> Approval:
    shown = change_within(machine.judge(stored), 0.05, live[1].sha256)
    assert shown is not None
    return approval(file_sha256=None, change=shown)


def test_w10_the_list_of_the_next_day_passes_once(machine: Machine, live: StoredList):
    word = change_of(machine, machine.build(range(50), "2026-11-14"), live)
    machine.approvals.give(word)
    tomorrow = machine.build(range(49), "2026-11-15")
    guard = machine.guard(tomorrow)
    entry = machine.journal.read("lapsed", ACCOUNT)
    decision = guard.judge(entry)
    assert decision.overridden
    guard.use_approval(decision)
    (kept,) = machine.approvals.history("lapsed", ACCOUNT)
    assert (kept.used_for, kept.file_sha256) == (tomorrow[1].sha256, None)
    other = machine.build(range(48), "2026-11-16")
    assert blocked_by(machine.judge(other)) == {GuardName.SHRINK}
    assert "was used for another list" in block_message(machine.judge(other))
    # A broken upload of that very list needs no second word.
    assert machine.guard(tomorrow).judge(under_way(entry, tomorrow)).allowed
    assert not machine.guard(other).judge(under_way(entry, tomorrow)).allowed
    with pytest.raises(ApprovalRefused):
        machine.approvals.use(word, NOW, file_sha256=other[1].sha256)


def test_w10_an_approval_of_the_very_file_is_used_before_one_of_a_change(machine: Machine, live: StoredList):
    stored = machine.build(range(50), "2026-11-16")
    machine.approvals.give(approval(file_sha256=stored[1].sha256, reason="Looked at it."))
    change = ApprovedChange(live_sha256=live[1].sha256, within={"shrink": {"rows": 0.6}})
    machine.approvals.give(approval(file_sha256=None, change=change))
    decision = machine.judge(stored)
    assert decision.approval is not None
    assert decision.approval.reason == "Looked at it."


def test_w10_of_several_the_one_that_suffices_is_used(machine: Machine, live: StoredList):
    for most in (0.6, 0.4):
        change = ApprovedChange(live_sha256=live[1].sha256, within={"shrink": {"rows": most}})
        machine.approvals.give(approval(file_sha256=None, change=change, reason=f"Up to {most}."))
    decision = machine.judge(machine.build(range(50), "2026-11-16"))
    assert decision.approval is not None
    assert (decision.allowed, decision.approval.reason) == (True, "Up to 0.6.")


def test_w10_a_run_config_for_a_change_counts_once(machine: Machine, live: StoredList):
    change = ApprovedChange(live_sha256=live[1].sha256, within={"shrink": {"*": 0.6}})
    word = approval(file_sha256=None, change=change, source=ApprovalSource.RUN_CONFIG)
    stored = machine.build(range(50), "2026-11-16")
    guard = machine.guard(stored, given=word)
    guard.use_approval(guard.judge(machine.journal.read("lapsed", ACCOUNT)))
    machine.sent(stored)
    again = replace(word, change=replace(change, live_sha256=stored[1].sha256))
    decision = machine.judge(machine.build(range(25), "2026-11-17"), given=again)
    assert not decision.allowed
    assert "The approval in the run config was used already." in block_message(decision)


@pytest.mark.parametrize(
    "change",
    [
        {"file_sha256": None},
        {"rules": ApprovedRules(before=1, now=2)},
        {"change": ApprovedChange(live_sha256=OTHER, within={})},
    ],
)
def test_an_approval_is_for_one_thing(machine: Machine, change: dict[str, Any]):
    with pytest.raises(ApprovalRefused, match="Nothing was approved"):
        machine.approvals.give(approval(**change))


def test_a_first_list_has_no_change():
    assert decided(facts(history=History.FIRST), given=for_change()).allowed
    assert all(each.outcome is not Outcome.OVERRIDDEN for each in decided(facts(), given=for_change()).findings)
