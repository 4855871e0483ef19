"""W19: which lists Spotify had lately, by the receipts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.mirror import Journal, JournalEntry, Receipt, ReceiptBook, SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.journal.entry import Phase
from spotify_pipeline.mirror.receipts.model import RECEIPT_FORMAT
from spotify_pipeline.mirror.receipts.sent_lists import SHORTEST_WINDOW, accepted_lately, compared_with
from spotify_pipeline.state import StateStore, tables
from spotify_pipeline_tests.state_edits import add, keep, tampering

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)
ACCOUNT = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(StateStore.in_home(tmp_path))


def note(journal: Journal, days_ago: float, sha: str, kind: str = "replaced", **more: Any) -> None:
    book = ReceiptBook(journal.state)
    before = book.last("lapsed", ACCOUNT) or (0, "")
    body = {
        "format": RECEIPT_FORMAT,
        "number": before[0] + 1,
        "previous": before[1],
        "kind": kind,
        "audience": "lapsed",
        "ad_account_id": ACCOUNT,
        "at": (NOW - timedelta(days=days_ago)).isoformat(),
        "file": {"sha256": sha, "rows": 100},
        "part": None,
    }
    add(journal.state, Receipt(body=body | more))


def lately(journal: Journal) -> list[str]:
    found = accepted_lately(ReceiptBook(journal.state), "lapsed", ACCOUNT, NOW - SHORTEST_WINDOW)
    return [each.sha256 for each in found]


def overridden(*guards: str) -> dict[str, Any]:
    return {"findings": [{"guard": guard, "outcome": "overridden"} for guard in guards]}


def test_the_list_that_was_live_as_the_window_began_belongs_to_it(journal: Journal) -> None:
    assert lately(journal) == []
    for days, sha in ((90, "a"), (30, "b"), (6, "c"), (1, "d")):
        note(journal, days, sha, kind="created" if sha == "a" else "replaced")
    note(journal, 0.5, "d", kind="renamed")
    assert lately(journal) == ["d", "c", "b"]


@pytest.mark.parametrize("guard", ["shrink", "growth", "churn", "drain", "column gone", "swapped segments", "history"])
def test_what_a_person_approved_of_as_a_large_change_starts_the_window_anew(journal: Journal, guard: str) -> None:
    note(journal, 3, "a")
    note(journal, 2, "b", decision=overridden(guard))
    note(journal, 1, "c", decision={"findings": [{"guard": "shrink", "outcome": "passed"}]})
    assert lately(journal) == ["c", "b"]


@pytest.mark.parametrize("guard", ["invalid share", "stale source", "minimum", "suppressions", "column constant"])
def test_an_approval_of_anything_else_does_not(journal: Journal, guard: str) -> None:
    note(journal, 3, "a")
    note(journal, 2, "b", decision=overridden(guard))
    assert lately(journal) == ["b", "a"]


def test_what_was_before_a_deletion_is_over_and_a_damaged_receipt_is_passed_over(journal: Journal) -> None:
    note(journal, 5, "a")
    note(journal, 4, "a", kind="deleted")
    note(journal, 3, "b")
    note(journal, 2, "c")
    note(journal, 1, "d")
    with tampering(journal.state) as transaction:
        transaction.execute(tables.receipt.update().where(tables.receipt.c.number == 4).values(content=b"{}"))
    assert lately(journal) == ["d", "b"]


def test_a_part_stands_for_its_whole_of_which_it_does_not_say_the_rows(journal: Journal) -> None:
    note(journal, 1, "a", part={"number": 1, "of": 2, "whole_sha256": "w", "rows_elsewhere": 50})
    (found,) = accepted_lately(ReceiptBook(journal.state), "lapsed", ACCOUNT, NOW)
    assert (found.sha256, found.rows) == ("w", None)


def test_what_spotify_has_and_what_it_may_have_by_now_is_compared_with_too(journal: Journal) -> None:
    assert compared_with(journal, "lapsed", ACCOUNT, NOW) == set()
    note(journal, 1, "a")
    sent = SentList(snapshot="1", built_at=NOW.isoformat(), file_sha256="live", size=1, crc32c="")
    entry = JournalEntry(ad_account_id=ACCOUNT).accepting("id", sent, at=NOW.isoformat())
    begun = replace(sent, file_sha256="part", whole_sha256="begun")
    unfinished = Unfinished(kind=WriteKind.REPLACE, phase=Phase.SENDING, list=begun)
    keep(journal, "lapsed", replace(entry, unfinished=unfinished))
    assert compared_with(journal, "lapsed", ACCOUNT, NOW) == {"a", "live", "begun"}


@pytest.mark.parametrize(("every", "days"), [("day", 7), ("week", 28), ("month", 124), ("once", 124)])
def test_the_window_is_a_week_or_four_cadences(every: Any, days: int) -> None:
    assert CadenceConfig(every=every).window == timedelta(days=days)
