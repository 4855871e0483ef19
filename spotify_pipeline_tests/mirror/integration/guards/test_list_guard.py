"""A guard over real lists, a journal and approvals on disk."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.customer_list import redact_list
from spotify_pipeline.mirror.guards import (
    GuardBlocked,
    History,
    block_message,
)
from spotify_pipeline.mirror.journal.entry import JournalEntry, Phase
from spotify_pipeline.privacy import LedgerError
from spotify_pipeline.rows import DigestSet
from spotify_pipeline.state.tables import approval as approval_rows
from spotify_pipeline_tests.mirror.guards.facts import ACCOUNT, NOW
from spotify_pipeline_tests.mirror.guards.machine import Machine, blocked_by, figure, under_way, word_for
from spotify_pipeline_tests.mirror.guards.names import GuardName
from spotify_pipeline_tests.state_edits import damage, keep


def test_w08_a_first_list_passes(machine: Machine):
    decision = machine.judge(machine.build(range(100), "2026-11-16"))
    assert decision.allowed
    assert decision.history is History.FIRST


def test_a_list_is_compared_with_the_one_that_spotify_has(machine: Machine):
    machine.sent(machine.build(range(100), "2026-11-09"))
    machine.build(range(500), "2026-11-10")  # built, and never sent
    decision = machine.judge(machine.build(range(20, 110), "2026-11-16"))
    assert decision.allowed
    assert decision.history is History.KNOWN
    told = "fewer than 20 rows added, 20 removed, 80 staying, 11.2 % exchanged"
    assert figure(decision, GuardName.CHURN) == told


def test_the_same_list_again_is_compared_with_itself(machine: Machine):
    stored = machine.build(range(100), "2026-11-16")
    machine.sent(stored)
    decision = machine.judge(stored)
    assert decision.allowed
    assert "0 rows added, 0 removed, 100 staying" in figure(decision, GuardName.CHURN)


@pytest.mark.parametrize("lost", ["the file", "the folder", "half of the file", "its header", "one of its digests"])
def test_w08_without_the_list_before_an_approval_is_needed(machine: Machine, lost: str):
    file, manifest = machine.build(range(100), "2026-11-09")
    machine.sent((file, manifest))
    content = file.read_bytes()
    if lost in ("the file", "the folder"):
        file.unlink()
    elif lost == "half of the file":
        file.write_bytes(content[: len(content) // 65 // 2 * 65])
    elif lost == "its header":
        file.write_bytes(b"no" + content)
    else:
        file.write_bytes(content[:-2] + (b"0" if content[-2:-1] != b"0" else b"1") + b"\n")
    if lost == "the folder":
        file.with_name("manifest.json").unlink()
    stored = machine.build(range(101), "2026-11-16")
    decision = machine.judge(stored)
    assert blocked_by(decision) == {GuardName.HISTORY}
    assert decision.history is History.MISSING
    assert f"that list (2026-11-09, digest {manifest.sha256[:12]})" in block_message(decision)
    machine.approvals.give(word_for(stored))
    assert machine.judge(stored).overridden


def test_w08_a_journal_that_does_not_say_what_was_sent_is_a_missing_history(machine: Machine):
    stored = machine.build(range(100), "2026-11-16")
    entry = JournalEntry(ad_account_id=ACCOUNT, audience_id="adopted")
    assert blocked_by(machine.guard(stored).judge(entry)) == {GuardName.HISTORY}


def test_w08_a_list_is_compared_with_one_whose_audience_may_just_have_been_created(machine: Machine):
    asked_for = machine.build(range(100), "2026-11-09")
    empty = JournalEntry(ad_account_id=ACCOUNT)
    entry = under_way(empty, asked_for, phase=Phase.CREATING)
    stored = machine.build(range(20), "2026-11-16")
    decision = machine.guard(stored).judge(entry)
    assert (decision.history, blocked_by(decision)) == (History.KNOWN, {GuardName.SHRINK})
    assert machine.guard(asked_for).judge(entry).allowed
    asked_for[0].with_name("manifest.json").unlink()
    decision = machine.guard(stored).judge(entry)
    assert (decision.history, blocked_by(decision)) == (History.MISSING, {GuardName.HISTORY})
    assert "that list (2026-11-09, digest" in block_message(decision)
    assert machine.guard(stored).judge(under_way(empty, asked_for)).history is History.FIRST


def test_a_list_from_which_people_were_withdrawn_since_is_still_the_one_before(machine: Machine):
    file, manifest = machine.build(range(100), "2026-11-09")
    machine.sent((file, manifest))
    gone = DigestSet.of(pl.Series(file.read_text().splitlines()[1:31]))
    redact_list(file, manifest, gone)
    decision = machine.judge(machine.build(range(101), "2026-11-16"))
    assert "70 rows before, 101 now" in figure(decision, GuardName.SHRINK)


def test_a_part_is_compared_by_its_whole(machine: Machine):
    before = machine.build(range(100), "2026-11-09")
    part = replace(machine.sent(before), file_sha256="ab" * 32, whole_sha256=before[1].sha256)
    decision = machine.guard(machine.build(range(60), "2026-11-16")).judge(part)
    assert blocked_by(decision) == {GuardName.SHRINK}


def test_w15_two_segments_that_were_swapped_are_both_blocked(machine: Machine):
    ours, theirs = range(100), range(1_000, 1_100)
    machine.sent(machine.build(ours, "2026-11-09"))
    machine.sent(machine.build(theirs, "2026-11-09", "students"))
    machine.sent(machine.build(range(1_000, 1_060), "2026-11-09", "cohort"))
    decision = machine.judge(machine.build(theirs, "2026-11-16"))
    assert blocked_by(decision) == {GuardName.CHURN, GuardName.SWAPPED}
    assert "The list is 100 % like the one that Spotify has of students, and 0 % like its own" in block_message(
        decision
    )


def test_w15_the_other_audience_is_looked_at_as_spotify_has_it(machine: Machine):
    machine.sent(machine.build(range(100), "2026-11-09"))
    machine.build(range(1_000, 1_100), "2026-11-09", "students")  # never sent
    machine.sent(machine.build(range(1_000, 1_100), "2026-11-09", "elsewhere"), account="acme")
    assert blocked_by(machine.judge(machine.build(range(1_000, 1_100), "2026-11-16"))) == {GuardName.CHURN}


def test_w15_an_audience_whose_list_cannot_be_read_hides_no_other(machine: Machine):
    machine.sent(machine.build(range(100), "2026-11-09"))
    broken = machine.build(range(1_000, 1_100), "2026-11-09", "a_broken_one")
    machine.sent(broken)
    broken[0].write_bytes(b"EMAIL_ID_SHA256\n")
    machine.build(range(1_000, 1_100), "2026-11-09", "a_damaged_one")
    damage(machine.journal, "a_damaged_one", ACCOUNT)
    machine.sent(machine.build(range(1_000, 1_100), "2026-11-09", "students"))
    decision = machine.judge(machine.build(range(1_000, 1_100), "2026-11-16"))
    assert "like students" in figure(decision, GuardName.SWAPPED)


def test_alike_audiences_are_no_matter_while_a_list_is_like_its_own_before(machine: Machine):
    machine.sent(machine.build(range(100), "2026-11-09"))
    machine.sent(machine.build(range(30, 130), "2026-11-09", "students"))
    assert machine.judge(machine.build(range(30, 130), "2026-11-16")).allowed


def test_w16_another_ad_account_is_blocked(machine: Machine):
    machine.sent(machine.build(range(100), "2026-11-09"), account="acme")
    stored = machine.build(range(100), "2026-11-16")
    decision = machine.judge(stored)
    assert blocked_by(decision) == {GuardName.AD_ACCOUNT}
    assert "ad account acme and never to this one" in block_message(decision)
    machine.sent(stored)
    assert machine.judge(stored).allowed


def test_w16_of_an_audience_that_was_taken_leave_of_there_it_is_not(machine: Machine):
    left = machine.sent(machine.build(range(100), "2026-11-09"), account="acme")
    keep(machine.journal, "lapsed", replace(left, retired_at=NOW.isoformat()))
    machine.sent(machine.build(range(100), "2026-11-09", "students"), account="globex")
    assert machine.judge(machine.build(range(100), "2026-11-16")).allowed


def test_erased_people_are_blocked(machine: Machine):
    file, manifest = machine.build(range(100), "2026-11-16")
    gone = pl.Series(file.read_text().splitlines()[1:3])
    machine.erased = lambda: DigestSet.of(gone)
    decision = machine.judge((file, manifest))
    assert blocked_by(decision) == {GuardName.ERASED}
    machine.approvals.give(word_for((file, manifest)))
    assert not machine.judge((file, manifest)).allowed


class Unforeseen(Exception):
    pass


def raises(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def test_w13_p04_a_guard_that_fails_blocks_and_keeps_to_itself_what_it_stumbled_on(machine: Machine):
    guard = machine.guard(machine.build(range(100), "2026-11-16"), erased=raises(Unforeseen("anna@example.com")))
    with pytest.raises(GuardBlocked) as caught:
        guard.judge(JournalEntry(ad_account_id=ACCOUNT))
    shown = "".join(traceback.format_exception(caught.value))
    assert "anna@example.com" not in shown
    assert "could not be judged: Unforeseen." in str(caught.value)
    assert "Nothing was sent; the audience at Spotify is as it was." in str(caught.value)


def test_w13_what_this_project_says_of_a_failure_is_told(machine: Machine):
    stored = machine.build(range(100), "2026-11-16")
    guard = machine.guard(stored, erased=raises(LedgerError("The erasure ledger is damaged.")))
    with pytest.raises(GuardBlocked, match=r"could not be judged: The erasure ledger is damaged\."):
        guard.judge(JournalEntry(ad_account_id=ACCOUNT))


def test_w13_approvals_that_cannot_be_read_block_even_a_good_list(machine: Machine):
    stored = machine.build(range(100), "2026-11-16")
    machine.approvals.give(word_for(stored))
    with machine.state.begin() as transaction:
        transaction.execute(approval_rows.update().values(content="{"))
    with pytest.raises(GuardBlocked, match="an approval that this version of the project cannot read"):
        machine.judge(stored)


def test_w13_a_run_that_is_being_ended_is_not_held_up(machine: Machine):
    guard = machine.guard(machine.build(range(100), "2026-11-16"), erased=raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        guard.judge(JournalEntry(ad_account_id=ACCOUNT))
