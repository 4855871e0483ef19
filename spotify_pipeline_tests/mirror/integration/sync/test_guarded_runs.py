"""No run writes to Spotify before its guard allowed it, and what goes wrong in a guard counts as no."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import Decision, GuardBlocked, JournalEntry, MirrorAction, MirrorRefused
from spotify_pipeline.spotify import UploadRefused
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, Crash, FakeSpotify, Fault, no_fault
from spotify_pipeline_tests.mirror.machine import SPEC, Listed, Machine

CANARY = "canary@example.com"
WRITES = {"new_upload_url", "replacement_upload_url", "create_audience", "edit_audience", "put_upload", "start_upload"}


class Watched(Allow):
    """Says what Spotify had been asked by the time of each question."""

    def __init__(self, listed: Listed, spotify: FakeSpotify, *, approved: bool = False) -> None:
        super().__init__(listed[1], AD_ACCOUNT, min_rows=ENOUGH, approved=approved)
        self._listed = listed
        self._spotify = spotify
        self.asked_before_judging: list[int] = []
        self.writes_before_spending: list[int] = []

    def judge(self, entry: JournalEntry) -> Decision:
        self.asked_before_judging.append(len(self._spotify.asked))
        return super().judge(entry)

    def use_approval(self, decision: Decision, within: sa.Connection) -> None:
        self.writes_before_spending.append(sum(each.operation in WRITES for each in self._spotify.asked))
        super().use_approval(decision, within)


class Failing(Allow):
    """Fails in one of its two questions."""

    def __init__(self, listed: Listed, error: Exception, *, when: str) -> None:
        super().__init__(listed[1], AD_ACCOUNT, min_rows=ENOUGH)
        self._error, self._when = error, when

    def judge(self, entry: JournalEntry) -> Decision:
        if self._when == "judge":
            raise self._error
        return super().judge(entry)

    def use_approval(self, decision: Decision, within: sa.Connection) -> None:
        assert decision.allowed
        assert within.in_transaction()
        raise self._error


@pytest.fixture
def listed(build_list: BuildList) -> Listed:
    return build_list(range(10))


@pytest.fixture
def newer(build_list: BuildList) -> Listed:
    return build_list(range(20), "2026-11-23")


def test_w01_the_guard_is_asked_before_spotify_is_and_the_approval_used_before_the_first_write(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    guard = Watched(listed, spotify)
    machine.mirroring.mirror(SPEC, *listed, guard=guard)
    assert (guard.asked_before_judging, guard.writes_before_spending) == ([0], [0])
    spotify.asked.clear()
    renamed = dataclasses.replace(SPEC, name="Win back")
    guard = Watched(newer, spotify)
    outcome = machine.mirroring.mirror(renamed, *newer, guard=guard)
    assert (guard.asked_before_judging, guard.writes_before_spending) == ([0], [0])
    assert guard.judged[0].file_sha256 == listed[1].sha256
    assert outcome.decision.file_sha256 == newer[1].sha256


def test_an_unchanged_list_uses_no_approval(machine: Machine, spotify: FakeSpotify, listed: Listed) -> None:
    machine.mirror(listed)
    guard = Watched(listed, spotify, approved=True)
    assert machine.mirroring.mirror(SPEC, *listed, guard=guard).action is MirrorAction.UNCHANGED
    assert guard.spent == []


def test_an_upload_that_is_gone_on_with_uses_its_approval_first(
    machine: Machine, spotify: FakeSpotify, newer: Listed
) -> None:
    spotify.after("put_upload", Fault.CRASH_BEFORE)
    with pytest.raises(Crash):
        machine.mirror(newer)
    spotify.faults = no_fault
    spotify.asked.clear()
    guard = Watched(newer, spotify)
    machine.mirroring.mirror(SPEC, *newer, guard=guard)
    assert guard.writes_before_spending == [0]


@pytest.mark.parametrize("error", [ValueError(CANARY), RecursionError()])
@pytest.mark.parametrize("when", ["judge", "spend"])
def test_w13_a_guard_that_fails_blocks_and_its_message_is_not_shown(
    machine: Machine, spotify: FakeSpotify, listed: Listed, error: Exception, when: str
) -> None:
    with pytest.raises(
        GuardBlocked, match=rf"nothing was sent\. A guard failed with {type(error).__name__}"
    ) as blocked:
        machine.mirroring.mirror(SPEC, *listed, guard=Failing(listed, error, when=when))
    assert CANARY not in str(blocked.value)
    assert blocked.value.__cause__ is None
    assert WRITES.isdisjoint(each.operation for each in spotify.asked)
    assert machine.receipts.read("lapsed", AD_ACCOUNT) == []


@pytest.mark.parametrize("error", [HomeError("The disk is full."), MirrorRefused("It was used meanwhile.")])
def test_w10_an_approval_that_cannot_be_used_keeps_the_list_from_being_sent(
    machine: Machine, spotify: FakeSpotify, listed: Listed, error: Exception
) -> None:
    with pytest.raises(type(error), match=str(error)):
        machine.mirroring.mirror(SPEC, *listed, guard=Failing(listed, error, when="spend"))
    assert WRITES.isdisjoint(each.operation for each in spotify.asked)


def other_file(decision: Decision) -> Decision:
    return dataclasses.replace(decision, file_sha256="0" * 64)


def other_audience(decision: Decision) -> Decision:
    return dataclasses.replace(decision, audience="churned")


def other_account(decision: Decision) -> Decision:
    return dataclasses.replace(decision, ad_account_id="another")


@pytest.mark.parametrize("about", [other_file, other_audience, other_account])
def test_w10_w11_a_decision_about_anything_else_allows_nothing(
    machine: Machine, spotify: FakeSpotify, listed: Listed, about: Callable[[Decision], Decision]
) -> None:
    class Mistaken(Allow):
        def judge(self, entry: JournalEntry) -> Decision:
            return about(super().judge(entry))

    with pytest.raises(GuardBlocked, match=r"is not about this list of lapsed for 2026-11-16\. Nothing was sent"):
        machine.mirroring.mirror(SPEC, *listed, guard=Mistaken(listed[1], AD_ACCOUNT, min_rows=ENOUGH))
    assert spotify.asked == []


def test_w08_without_its_journal_a_list_needs_an_approval_which_is_used(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    ours = machine.mirror(listed).audience.id
    machine.lose_journal()
    before = spotify.content()
    with pytest.raises(GuardBlocked, match=rf"Spotify has its audience {ours}; the journal was lost.*Nothing was sent"):
        machine.mirror(newer)
    assert spotify.content() == before
    guard = Watched(newer, spotify, approved=True)
    outcome = machine.mirroring.mirror(SPEC, *newer, guard=guard)
    assert spotify.content() == {ours: newer[0].read_bytes()}
    assert [each.overridden for each in guard.spent] == [True]
    assert outcome.decision.overridden
    (_, receipt) = machine.receipts.read("lapsed", AD_ACCOUNT)
    assert receipt.approved_by == "somebody"


def test_w08_a_creation_that_was_asked_for_is_known_to_the_journal(
    machine: Machine, spotify: FakeSpotify, listed: Listed
) -> None:
    spotify.after("create_audience", Fault.CRASH_AFTER)
    with pytest.raises(Crash):
        machine.mirror(listed)
    spotify.faults = no_fault
    assert machine.mirror(listed).action is MirrorAction.CREATED


def test_a_blocked_list_leaves_no_trace(machine: Machine, spotify: FakeSpotify, build_list: BuildList) -> None:
    machine.mirror(build_list(range(10)))
    entry, asked = machine.entry, len(spotify.asked)
    with pytest.raises(GuardBlocked) as blocked:
        machine.mirror(build_list(range(2), "2026-11-23"))
    assert blocked.value.decision is not None
    assert machine.entry == entry
    assert len(spotify.asked) == asked
    assert len(machine.receipts.read("lapsed", AD_ACCOUNT)) == 1


class Meddling(Watched):
    """Changes a byte of the list once it was verified and is judged; size and times stay as they were."""

    def judge(self, entry: JournalEntry) -> Decision:
        decision = super().judge(entry)
        file, _ = self._listed
        was, content = file.stat(), file.read_bytes()
        file.write_bytes(content[:-2] + (b"1" if content[-2:-1] == b"0" else b"0") + b"\n")
        os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
        return decision


def test_a_list_that_is_changed_between_verification_and_upload_is_not_sent(
    machine: Machine, spotify: FakeSpotify, listed: Listed, newer: Listed
) -> None:
    """The list is read twice, so what was verified must be what is uploaded."""
    machine.mirror(listed)
    before = spotify.content()
    with pytest.raises(UploadRefused, match="not the file that was built"):
        machine.mirroring.mirror(SPEC, *newer, guard=Meddling(newer, spotify))
    assert spotify.content() == before
    assert len(machine.receipts.read("lapsed", AD_ACCOUNT)) == 1
