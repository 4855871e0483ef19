"""The decision as a whole: what an approval changes, and what nothing does."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from spotify_pipeline.mirror.guards import (
    GUARDS,
    ApprovalOf,
    Decision,
    Guard,
    GuardFacts,
    History,
    Outcome,
    SentLately,
    Twin,
    block_message,
    guard_limits,
    without_history,
)
from spotify_pipeline.mirror.receipts.sent_lists import _LARGE_CHANGES
from spotify_pipeline_tests.mirror.guards.facts import (
    ACCOUNT,
    NOW,
    OTHER,
    OURS,
    approval,
    blocking,
    compared,
    decided,
    facts,
    manifest,
)
from spotify_pipeline_tests.mirror.guards.names import FINAL, GuardName

VOID = "so it does not count"
STRICT = guard_limits(max_source_age=timedelta(hours=24))
STOPPED: dict[GuardName, GuardFacts] = {
    GuardName.EMPTY: facts(0),
    GuardName.MINIMUM: facts(999),
    GuardName.SHRINK: compared(5_000, 10_000),
    GuardName.GROWTH: compared(40_000, 10_000),
    GuardName.CHURN: compared(10_000, 10_000, added=9_000, removed=9_000),
    GuardName.DRAIN: compared(10_000, 10_000, lately=(SentLately(at="2026-11-10T06:00:00+00:00", rows_sent=17_000),)),
    GuardName.INVALID: facts(manifest(rejected={"email": {"invalid": 5_000}})),
    GuardName.COLUMN_GONE: compared(manifest(), manifest(digests={"email": 10_000, "phone": 8_000})),
    GuardName.COLUMN_CONSTANT: facts(manifest(digests={"email": 10_000, "phone": 1}, cells={"phone": 5_000})),
    GuardName.PARTIAL_READ: facts(manifest(source_rows=10_001)),
    GuardName.STALE_SOURCE: facts(manifest(source_updated_at=NOW - timedelta(hours=25))),
    GuardName.SWAPPED: compared(10_000, 10_000, twin=Twin(audience="students", likeness=0.98, own_likeness=0.02)),
    GuardName.AD_ACCOUNT: facts(other_accounts=("acme",)),
    GuardName.HISTORY: facts(history=History.MISSING),
    GuardName.SUPPRESSIONS: compared(manifest(suppressions={}), manifest(suppressions={"unsubscribed": 50})),
    GuardName.ERASED: facts(erased_rows=1),
    GuardName.OVERSIZE: facts(manifest(bytes=2 << 30)),
}


def outcome(decision: Decision, guard: GuardName) -> Outcome:
    return next(each.outcome for each in decision.findings if each.guard == guard)


def test_every_guard_has_its_example():
    assert list(STOPPED) == list(GuardName) == [each.name for each in GUARDS]


def test_w01_what_no_approval_overrides_is_final_and_nothing_else():
    assert {each.name for each in GUARDS if each.is_final} == FINAL == decided(facts()).final


@pytest.mark.parametrize("guard", GUARDS, ids=lambda each: each.name)
def test_an_approval_of_a_change_is_for_guards_that_measure_a_share(guard: Guard):
    limits = STRICT if guard.name == GuardName.STALE_SOURCE else guard_limits()
    about = STOPPED[GuardName(guard.name)]
    (found,) = [each for each in decided(about, limits).findings if each.guard == guard.name]
    assert bool(found.beyond) == (ApprovalOf.CHANGE in guard.approvals)


def test_w19_guards_whose_approval_starts_the_window_again_are_ours():
    assert {each.name for each in GUARDS} > _LARGE_CHANGES


@pytest.mark.parametrize("guard", GuardName)
def test_a_decision_has_one_finding_of_each_guard_in_order(guard: GuardName):
    assert [each.guard for each in decided(STOPPED[guard]).findings] == list(GuardName)


@pytest.mark.parametrize("guard", GuardName)
def test_w01_w10_an_approval_overrides_all_guards_but_the_final_ones(guard: GuardName):
    limits = STRICT if guard is GuardName.STALE_SOURCE else guard_limits()
    without = decided(STOPPED[guard], limits)
    assert outcome(without, guard) is Outcome.BLOCKED
    assert not without.allowed
    with_approval = decided(STOPPED[guard], limits, given=approval())
    assert with_approval.approval == approval()
    if guard in FINAL:
        assert outcome(with_approval, guard) is Outcome.BLOCKED
        assert not with_approval.allowed
    else:
        assert outcome(with_approval, guard) is Outcome.OVERRIDDEN
        assert with_approval.allowed
        assert with_approval.overridden


def test_what_is_overridden_still_says_why_it_would_block():
    shrunk = decided(STOPPED[GuardName.SHRINK]).blocked_by[0]
    approved = decided(STOPPED[GuardName.SHRINK], given=approval()).findings
    assert [each.sentence for each in approved if each.guard == GuardName.SHRINK] == [shrunk.sentence]


def test_an_approval_of_a_list_that_no_guard_blocks_changes_nothing():
    decision = decided(facts(), given=approval())
    assert decision.allowed
    assert not decision.overridden
    assert decision.findings == decided(facts()).findings


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"file_sha256": OTHER},
            f"The approval that was given is for the list with digest {OTHER[:12]}, and this is another one, {VOID}.",
        ),
        (
            {"audience": "students"},
            f"The approval that was given is for students in ad account {ACCOUNT}, so it does not count here.",
        ),
        (
            {"ad_account_id": "acme"},
            "The approval that was given is for lapsed in ad account acme, so it does not count here.",
        ),
        (
            {"expires_at": NOW.isoformat()},
            "The approval that was given expired at 2026-11-16T06:00:00+00:00, so it does not count.",
        ),
        (
            {"expires_at": "2026-11-16T06:59:59+01:00"},
            "The approval that was given expired at 2026-11-16T06:59:59+01:00, so it does not count.",
        ),
    ],
)
def test_w10_w11_an_approval_of_something_else_is_worth_nothing(change: dict[str, Any], told: str):
    decision = decided(STOPPED[GuardName.SHRINK], given=approval(**change))
    assert not decision.allowed
    assert decision.approval is None
    assert decision.approval_problem == told
    assert told in block_message(decision)


def test_w10_an_approval_holds_until_it_expires():
    lasting = approval(expires_at=(NOW + timedelta(microseconds=1)).isoformat())
    decision = decided(STOPPED[GuardName.SHRINK], given=lasting)
    assert decision.allowed
    assert decision.approval_problem == ""


def test_w09_limits_that_nobody_stated_are_the_default_ones_and_stand_in_the_decision():
    stored = decided(facts()).to_json()
    assert stored["limits"] == {
        "min_rows": 1000,
        "max_shrink": 0.3,
        "max_growth": 2.0,
        "max_churn": 0.6,
        "max_drain": 0.4,
        "max_invalid": 0.2,
        "max_suppression_loss": 0.5,
        "max_bytes": 1 << 30,
        "max_source_age": None,
    }
    assert decided(facts(), STRICT).to_json()["limits"]["max_source_age"] == 86_400
    assert len(stored["findings"]) == len(GuardName)
    json.dumps(stored)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "name", ["max_shrink", "max_growth", "max_churn", "max_drain", "max_invalid", "max_suppression_loss"]
)
def test_w13_a_limit_that_is_no_number_switches_no_guard_off(name: str, limit: float):
    not_a_number: dict[str, Any] = {name: limit}
    with pytest.raises(ValueError, match="Invalid literal for Fraction"):
        decided(facts(), guard_limits(**not_a_number))


def test_a_decision_says_what_it_is_about(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    decision = decided(compared(10_000, 10_000, now=NOW.astimezone().replace(microsecond=5)))
    monkeypatch.undo()
    time.tzset()
    assert (decision.audience, decision.ad_account_id) == ("lapsed", ACCOUNT)
    assert (decision.snapshot, decision.file_sha256) == ("2026-11-16", OURS)
    assert decision.decided_at == "2026-11-16T06:00:00.000005+00:00"
    assert decision.history is History.KNOWN
    assert decision.limits == guard_limits()
    assert decision.approval is None


def test_w08_a_first_list_turns_out_not_to_be_the_first():
    first = decided(facts())
    corrected = without_history(first, "Spotify has an audience of ours")
    assert first.allowed
    assert not corrected.allowed
    assert corrected.history is History.MISSING
    assert [each.guard for each in corrected.findings] == list(GuardName)
    assert [each.guard for each in corrected.blocked_by] == [GuardName.HISTORY]
    assert "cannot be compared with the one that Spotify has: Spotify has an audience of ours." in block_message(
        corrected
    )


def test_w08_that_may_be_approved_of():
    corrected = without_history(decided(facts(), given=approval()), "Spotify has an audience of ours")
    assert corrected.allowed
    assert outcome(corrected, GuardName.HISTORY) is Outcome.OVERRIDDEN
    assert corrected.overridden


def test_a_refusal_says_what_why_and_what_to_do():
    assert block_message(decided(STOPPED[GuardName.SHRINK])) == (
        "The list of lapsed for 2026-11-16 is held back. [shrink] The list shrank too much: 10,000 rows before, 5,000 "
        "now, 50 % fewer, at most 30 % fewer are allowed. Check whether a source or a join of the segment lost rows. "
        "Nothing was sent; the audience at Spotify is as it was. If the list is right all the same, run: "
        'spotify-pipeline approve lapsed --file-digest a1a1a1a1a1a1 --reason "...", then materialize '
        "lapsed/spotify_audience for 2026-11-16. If it is the change that is right, whatever list comes next: "
        'spotify-pipeline approve lapsed --change --reason "...".'
    )


def test_a_refusal_names_every_guard_that_blocks_and_those_that_no_approval_helps_against():
    both = facts(manifest(999, bytes=2 << 30), erased_rows=40)
    assert blocking(both) == {GuardName.MINIMUM, GuardName.ERASED, GuardName.OVERSIZE}
    told = block_message(decided(both))
    why = " ".join(f"[{each.guard}] {each.sentence}" for each in decided(both).blocked_by)
    assert told.startswith(f"The list of lapsed for 2026-11-16 is held back. {why} Nothing was sent;")
    assert why.index("[minimum]") < why.index("[erased people]") < why.index("[oversize]")
    assert told.endswith(
        "Nothing was sent; the audience at Spotify is as it was. No approval can override: erased people, oversize."
    )
    assert "approve lapsed" not in told
