"""The journal: durable, private, and never overwritten when it cannot be read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from spotify_pipeline.mirror import Journal, JournalEntry, JournalError, Phase, SentList, Unfinished, WriteKind

MOMENT = "2026-11-16T05:00:00+00:00"
ACCOUNT = "a0000000-0000-4000-8000-000000000001"


def test_what_was_written_is_read_by_the_next_process(tmp_path: Path) -> None:
    entry = JournalEntry(ad_account_id=ACCOUNT, audience_id="x", snapshot="2026-11-16")
    Journal(tmp_path).write("lapsed", entry)
    assert Journal(tmp_path).read("lapsed", ACCOUNT) == entry
    assert Journal(tmp_path).read("other", ACCOUNT) == JournalEntry(ad_account_id=ACCOUNT)


def test_entries_of_two_accounts_are_apart(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id="x"))
    assert journal.read("lapsed", "another-account").audience_id is None


def test_the_file_is_private(tmp_path: Path) -> None:
    Journal(tmp_path).write("lapsed", JournalEntry(ad_account_id=ACCOUNT))
    assert stat.S_IMODE((tmp_path / ACCOUNT / "lapsed.json").stat().st_mode) == 0o600


def test_what_was_begun_is_read_by_the_next_process(tmp_path: Path) -> None:
    sent = SentList(snapshot="s", built_at=MOMENT, file_sha256="d", size=1, crc32c="c")
    begun = Unfinished(
        kind=WriteKind.REPLACE, phase=Phase.SENDING, audience_id="x", list=sent, name="N", begun_at=MOMENT
    )
    entry = JournalEntry(ad_account_id=ACCOUNT, suspect=True, edit_begun_at=MOMENT, unfinished=begun)
    Journal(tmp_path).write("lapsed", entry)
    assert Journal(tmp_path).read("lapsed", ACCOUNT) == entry


BEGUN_YESTERDAY = '{"kind": "create", "phase": "audience asked to be created", "begun_at": "yesterday"}'
DAMAGED = (
    "",
    "{",
    "[]",
    "{}",
    "null",
    '{"format": 3}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "nobody": "knows"}}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "unfinished": {{"kind": "create", "phase": "no such"}}}}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "unfinished": 1}}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "built_at": "b"}}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "built_at": "2026-11-16T05:00:00"}}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "built_at": 1e999}}',
    f'{{"format": 3, "ad_account_id": "{ACCOUNT}", "unfinished": {BEGUN_YESTERDAY}}}',
    "[" * 100_000,
    '{"format": 1e999}',
)


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_entry_is_said_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / ACCOUNT / "lapsed.json"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(JournalError, match=r"The journal of lapsed \(.*lapsed.json\) is damaged\. Nothing was sent"):
        Journal(tmp_path).read("lapsed", ACCOUNT)
    assert file.read_text() == content


@pytest.mark.parametrize("other", [1, 2, 4])
def test_an_entry_of_another_format_is_refused_and_no_first_list(tmp_path: Path, other: int) -> None:
    file = tmp_path / ACCOUNT / "lapsed.json"
    file.parent.mkdir()
    file.write_text(f'{{"format": {other}, "ad_account_id": "{ACCOUNT}", "audience_id": "x"}}')
    said = rf"was written by another version of this project \(format {other}; this one reads 3\)\. Nothing was sent"
    with pytest.raises(JournalError, match=said):
        Journal(tmp_path).read("lapsed", ACCOUNT)


def test_a_retired_audience_holds_its_id_no_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write("lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id="x"))
    assert journal.holder("x", ACCOUNT, other_than="new") == "lapsed"
    journal.write("lapsed", JournalEntry(ad_account_id=ACCOUNT, audience_id="x", retired_at=MOMENT))
    assert journal.holder("x", ACCOUNT, other_than="new") is None
    assert journal.known() == [(ACCOUNT, "lapsed")]
