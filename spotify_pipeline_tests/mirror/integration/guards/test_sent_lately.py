"""W19: the lists of the window, as the guard finds them on this machine."""

from __future__ import annotations

import pytest

from spotify_pipeline.mirror import Receipt, ReceiptBook
from spotify_pipeline.mirror.guards import ApprovedRules
from spotify_pipeline.mirror.receipts.model import RECEIPT_FORMAT
from spotify_pipeline_tests.mirror.guards.facts import ACCOUNT, NOW, approval
from spotify_pipeline_tests.mirror.guards.machine import Machine, StoredList, blocked_by, figure
from spotify_pipeline_tests.mirror.guards.names import GuardName
from spotify_pipeline_tests.state_edits import add


def accepted(machine: Machine, stored: StoredList) -> None:
    """Spotify has accepted a list, and a receipt says so."""
    machine.sent(stored)
    book = ReceiptBook(machine.journal.state)
    before = book.last("lapsed", ACCOUNT) or (0, "")
    body = {
        "format": RECEIPT_FORMAT,
        "number": before[0] + 1,
        "previous": before[1],
        "kind": "replaced",
        "audience": "lapsed",
        "ad_account_id": ACCOUNT,
        "at": NOW.isoformat(),
        "file": {"sha256": stored[1].sha256, "rows": stored[1].list_rows},
    }
    add(machine.journal.state, Receipt(body=body))


@pytest.fixture
def first(machine: Machine) -> StoredList:
    """A list of 100, after which one of 75 was sent: a quarter less."""
    stored = machine.build(range(100), "2026-11-13")
    accepted(machine, stored)
    accepted(machine, machine.build(range(75), "2026-11-14"))
    return stored


def test_w19_the_second_loss_of_a_quarter_is_held_against_the_first_list(machine: Machine, first: StoredList) -> None:
    decision = machine.judge(machine.build(range(56), "2026-11-15"))
    assert blocked_by(decision) == {GuardName.DRAIN}
    assert figure(decision, GuardName.DRAIN) == "100 rows before, 56 now, 44 % fewer, 0 % exchanged since 2026-11-16"
    assert machine.judge(machine.build(range(60), "2026-11-16")).allowed


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_w19_a_list_that_is_not_kept_any_more_is_compared_by_its_rows(
    machine: Machine, first: StoredList, damage: str
) -> None:
    if damage == "gone":
        first[0].with_name("manifest.json").unlink()
    else:
        first[0].write_bytes(first[0].read_bytes() + b"\n")
    decision = machine.judge(machine.build(range(56), "2026-11-15"))
    assert blocked_by(decision) == {GuardName.DRAIN}
    assert figure(decision, GuardName.DRAIN) == "100 rows before, 56 now, 44 % fewer since 2026-11-16"


def test_w19_the_oldest_is_compared_with_besides_the_largest(machine: Machine, first: StoredList) -> None:
    accepted(machine, machine.build(range(120), "2026-11-15"))
    accepted(machine, machine.build(range(110), "2026-11-16"))
    told = figure(machine.judge(machine.build(range(105), "2026-11-17")), GuardName.DRAIN)
    assert [part.split(" rows")[0] for part in told.split("; ")] == ["120", "100"]


def test_an_approval_says_what_it_is_for() -> None:
    assert approval().words == "this list"
    by_rules = approval(file_sha256=None, rules=ApprovedRules(before=1, now=2))
    assert by_rules.words == "what version 2 of the identity rules changes"
