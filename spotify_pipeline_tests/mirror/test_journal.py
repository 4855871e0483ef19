"""The journal: durable, private, and never overwritten when it cannot be read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from spotify_pipeline.mirror import Journal, JournalEntry, JournalError

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


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1, "nobody": "knows"}', "null"])
def test_a_damaged_entry_is_said_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    file = tmp_path / ACCOUNT / "lapsed.json"
    file.parent.mkdir()
    file.write_text(content)
    with pytest.raises(JournalError, match=r"The journal of lapsed \(.*lapsed.json\) is damaged. Move it away"):
        Journal(tmp_path).read("lapsed", ACCOUNT)
    assert file.read_text() == content
